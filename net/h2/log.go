package h2

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/netlog"
)

// The functions below write the session's events as Chromium's SpdySession does. They
// cost one comparison while nobody records, and are called without the lock.

func (c *Conn) logBegin() {
	c.log.Begin(netlog.HTTP2Session, netlog.String("host", c.cfg.Host), netlog.String("proxy", "[direct://]"))
	if !c.log.On() {
		return
	}
	c.log.Event(netlog.HTTP2SessionInitialized, netlog.String("protocol", "h2"), netlog.Dependency(c.cfg.NetLog))
	var settings []string
	for _, s := range c.cfg.HTTP2.Settings {
		settings = append(settings, fmt.Sprintf("[id:%s value:%d]", settingName(http2.SettingID(s.ID)), s.Value))
	}
	c.log.Event(netlog.HTTP2SessionSendSettings, netlog.Strings("settings", settings))
	if n := c.cfg.HTTP2.WindowUpdate; n > 0 {
		c.log.Event(netlog.HTTP2SessionUpdateRecvWindow, netlog.Int("delta", n), netlog.Int("window_size", c.own.connWindow))
		c.logWindowUpdate(0, n)
	}
}

func (c *Conn) logEnd(err error) {
	c.log.Event(netlog.HTTP2SessionClose, netlog.String("description", err.Error()), netlog.Err(err))
	c.log.End(netlog.HTTP2Session)
}

// settingName is as "1 (SETTINGS_HEADER_TABLE_SIZE)".
func settingName(id http2.SettingID) string {
	if id == settingNoPriorities {
		return "9 (SETTINGS_DEPRECATE_HTTP2_PRIORITIES)"
	}
	return fmt.Sprintf("%d (SETTINGS_%s)", uint16(id), id)
}

func codeName(code http2.ErrCode) string { return fmt.Sprintf("%d (%s)", uint32(code), code) }

func (c *Conn) logSettings(p []byte) {
	if !c.log.On() {
		return
	}
	c.log.Event(netlog.HTTP2SessionRecvSettings)
	c.log.Event(netlog.HTTP2SessionSendSettingsAck)
	for ; len(p) >= 6; p = p[6:] {
		id, v := http2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])
		if id == http2.SettingInitialWindowSize && v > maxWindow {
			c.log.Event(netlog.HTTP2SessionInitialWindowSizeOutOfRange, netlog.Int("initial_window_size", v))
		}
		c.log.Event(netlog.HTTP2SessionRecvSetting, netlog.String("id", settingName(id)), netlog.Int("value", v))
	}
}

func (c *Conn) logSettingsAck() { c.log.Event(netlog.HTTP2SessionRecvSettingsAck) }

func (c *Conn) logWindowUpdate(id, increment uint32) {
	if increment > 0 {
		c.log.Event(netlog.HTTP2SessionSendWindowUpdate, netlog.Int("delta", increment), netlog.Int("stream_id", id))
	}
}

func (c *Conn) logRecvWindowUpdate(f *http2.WindowUpdateFrame) {
	c.log.Event(netlog.HTTP2SessionRecvWindowUpdate, netlog.Int("delta", f.Increment), netlog.Int("stream_id", f.StreamID))
}

func (c *Conn) logSendHeaders(st *stream, h *message.Head, p http2.PriorityParam) {
	c.log.Event(netlog.HTTP2SessionSendHeaders,
		netlog.Bool("exclusive", p.Exclusive), netlog.Bool("fin", st.req.Body == nil && !h.Tunnel),
		netlog.Bool("has_priority", !p.IsZero()), h.Attr(st.req), netlog.Int("parent_stream_id", p.StreamDep),
		netlog.Dependency(st.req.NetLog), netlog.Int("stream_id", st.id), netlog.Int("weight", uint32(p.Weight)+1))
}

func (r *receiver) logRecvHeaders() {
	if log := r.c.log; log.On() {
		b := &r.block
		fields := func(yield func(name, value string) bool) {
			if b.Status == 0 || yield(":status", strconv.Itoa(b.Status)) {
				exchange.Fields(b.Fields).All()(yield)
			}
		}
		log.Event(netlog.HTTP2SessionRecvHeaders, netlog.Bool("fin", b.end), netlog.Headers("", "", fields), netlog.Int("stream_id", b.id))
	}
}

func (c *Conn) logData(event netlog.EventType, id uint32, size int, fin bool) {
	if c.log.On() {
		c.log.Event(event, netlog.Bool("fin", fin), netlog.Int("size", size), netlog.Int("stream_id", id))
	}
}

func (c *Conn) logStalled(id uint32, own bool) {
	event := netlog.HTTP2SessionStreamStalledBySessionSendWindow
	if own {
		event = netlog.HTTP2SessionStreamStalledByStreamSendWindow
	}
	c.log.Event(event, netlog.Int("stream_id", id))
}

func (c *Conn) logSendReset(id uint32, code http2.ErrCode, err error) {
	if c.log.On() {
		c.log.Event(netlog.HTTP2SessionSendRSTStream, netlog.String("description", err.Error()),
			netlog.String("error_code", codeName(code)), netlog.Int("stream_id", id))
	}
}

func (c *Conn) logRecvReset(f *http2.RSTStreamFrame) {
	if c.log.On() {
		c.log.Event(netlog.HTTP2SessionRecvRSTStream, netlog.String("error_code", codeName(f.ErrCode)), netlog.Int("stream_id", f.StreamID))
	}
}

func (c *Conn) logPing(kind string, id uint64, ack bool) {
	if c.log.On() {
		c.log.Event(netlog.HTTP2SessionPing, netlog.Bool("is_ack", ack), netlog.String("type", kind), netlog.Int("unique_id", int64(id)))
	}
}

// logPinged logs what checkAlive sent.
func (c *Conn) logPinged(id uint64) {
	if id > 0 {
		c.logPing("sent", id, false)
	}
}

func (c *Conn) logRecvGoAway(f *http2.GoAwayFrame) {
	if c.log.On() {
		c.log.Event(netlog.HTTP2SessionRecvGoaway, netlog.String("debug_data", fmt.Sprintf("[%d bytes were stripped]", len(f.DebugData()))),
			netlog.String("error_code", codeName(f.ErrCode)), netlog.Int("last_accepted_stream_id", f.LastStreamID))
	}
}
