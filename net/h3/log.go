package h3

import (
	"net"
	"strconv"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/netlog"
)

// The functions below write the session's events as Chromium's do. They cost one
// comparison while nobody records, and are called without the lock.

func (c *Conn) logBegin() {
	host, port, _ := net.SplitHostPort(c.cfg.Host)
	n, _ := strconv.Atoi(port)
	c.log.Begin(netlog.QUICSession, netlog.String("host", host), netlog.Int("port", n), netlog.String("versions", "RFCv1"))
}

func (c *Conn) logHello(control *quic.SendStream, size int) {
	c.log.Event(netlog.HTTP3LocalControlStreamCreated, netlog.Int("stream_id", int64(control.StreamID())))
	c.log.Event(netlog.HTTP3SettingsSent, netlog.Int("SETTINGS_MAX_FIELD_SECTION_SIZE", c.cfg.MaxHeaderBytes),
		netlog.Int("SETTINGS_QPACK_MAX_TABLE_CAPACITY", 0), netlog.Int("SETTINGS_QPACK_BLOCKED_STREAMS", 0), netlog.Int("bytes", size))
}

func (c *Conn) logEnd(err error, code quic.ApplicationErrorCode) {
	c.log.Event(netlog.QUICSessionClosed, netlog.String("details", err.Error()), netlog.Int("quic_error", int64(code)), netlog.Err(err))
	c.log.End(netlog.QUICSession)
}

func (c *Conn) logSettings(p []byte) {
	if !c.log.On() {
		return
	}
	var attrs []netlog.Attr
	for len(p) > 0 {
		id, n, _ := quicvarint.Parse(p)
		value, m, _ := quicvarint.Parse(p[n:])
		p = p[n+m:]
		attrs = append(attrs, netlog.Int(settingName(id), int64(value)))
	}
	c.log.Event(netlog.HTTP3SettingsReceived, attrs...)
}

func settingName(id uint64) string {
	switch id {
	case settingQPACKTable:
		return "SETTINGS_QPACK_MAX_TABLE_CAPACITY"
	case settingMaxFieldSection:
		return "SETTINGS_MAX_FIELD_SECTION_SIZE"
	case settingQPACKBlocked:
		return "SETTINGS_QPACK_BLOCKED_STREAMS"
	case settingExtendedConnect:
		return "SETTINGS_ENABLE_CONNECT_PROTOCOL"
	case settingDatagram:
		return "SETTINGS_H3_DATAGRAM"
	}
	return strconv.FormatUint(id, 10)
}

// logRequest tells what is about to be sent.
func (c *Conn) logRequest(st *stream, h *message.Head) {
	if !c.log.On() {
		return
	}
	id := int64(st.qs.StreamID())
	if st.update != "" {
		c.log.Event(netlog.HTTP3PriorityUpdateSent, netlog.String("priority_field_value", st.update),
			netlog.Int("prioritized_element_id", id), netlog.String("type", "request_stream"))
	}
	c.log.Event(netlog.HTTP3HeadersSent, h.Attr(st.req), netlog.Dependency(st.req.NetLog), netlog.Int("stream_id", id))
}

func (c *Conn) logHeaders(st *stream, b *section) {
	if !c.log.On() {
		return
	}
	fields := func(yield func(name, value string) bool) {
		if b.Status == 0 || yield(":status", strconv.Itoa(b.Status)) {
			exchange.Fields(b.Fields).All()(yield)
		}
	}
	c.log.Event(netlog.HTTP3HeadersDecoded, netlog.Headers("", "", fields), netlog.Int("stream_id", int64(st.qs.StreamID())))
}

func (c *Conn) logData(event netlog.EventType, st *stream, size uint64) {
	if c.log.On() {
		c.log.Event(event, netlog.Int("payload_length", int64(size)), netlog.Int("stream_id", int64(st.qs.StreamID())))
	}
}
