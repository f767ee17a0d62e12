package h3

import (
	"context"
	"errors"
	"io"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// Critical says which of the streams have come that a peer may open once.
type critical struct{ control, encoder, decoder bool }

// acceptUni takes the peer's unidirectional streams until the connection is over, which
// it is the first to notice.
func (c *Conn) acceptUni() {
	for n := 0; ; n++ {
		s, err := c.qc.AcceptUniStream(context.Background())
		if isRejected(err) {
			if err = c.renew(); err == nil {
				continue
			}
		}
		if err == nil && n > maxUseless {
			err = violated(codeExcessiveLoad, "too many streams of no use")
			c.fault(err)
		}
		if err != nil {
			c.end(err, codeNoError)
			return
		}
		c.helpers.Go(func() {
			var in input
			in.init(s)
			defer in.free()
			c.fault(c.readUni(s, &in))
		})
	}
}

// refuseBidi ends the connection if the peer opens a request stream (RFC 9114 section
// 6.1).
func (c *Conn) refuseBidi() {
	_, err := c.qc.AcceptStream(context.Background())
	if isRejected(err) && c.wait(context.Background(), c.renewed) == nil {
		_, err = c.qc.AcceptStream(context.Background())
	}
	if err == nil {
		c.fault(violated(codeStreamCreation, "the server opened a request stream"))
	}
}

// readUni reads one of the peer's streams to its end.
func (c *Conn) readUni(s *quic.ReceiveStream, in *input) error {
	typ, err := in.varint()
	if err != nil {
		return nil // it may end before it has said what it is (RFC 9114 section 6.2)
	}
	switch typ {
	case streamControl:
		if !c.first(&c.heard.control) {
			return violated(codeStreamCreation, "a second control stream")
		}
		c.log.Event(netlog.HTTP3PeerControlStreamCreated, netlog.Int("stream_id", int64(s.StreamID())))
		return closedCritical(c.readControl(in))
	case streamQPACKEncoder:
		if !c.first(&c.heard.encoder) {
			return violated(codeStreamCreation, "a second QPACK encoder stream")
		}
		c.log.Event(netlog.HTTP3PeerQpackEncoderStreamCreated, netlog.Int("stream_id", int64(s.StreamID())))
		return closedCritical(readEncoder(in))
	case streamQPACKDecoder:
		if !c.first(&c.heard.decoder) {
			return violated(codeStreamCreation, "a second QPACK decoder stream")
		}
		c.log.Event(netlog.HTTP3PeerQpackDecoderStreamCreated, netlog.Int("stream_id", int64(s.StreamID())))
		return closedCritical(readDecoder(in))
	case streamPush:
		return violated(codeID, "a push that was not allowed")
	}
	s.CancelRead(codeStreamCreation)
	return nil
}

func (c *Conn) first(came *bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	again := *came
	*came = true
	return !again
}

// closedCritical is what the end of a stream means that must not end.
func closedCritical(err error) error {
	var reset *quic.StreamError
	if err == io.EOF || errors.As(err, &reset) && reset.Remote {
		return violated(codeClosedCriticalStream, "the server closed a stream that must stay open")
	}
	return err
}

// readControl reads the control stream.
func (c *Conn) readControl(in *input) error {
	typ, n, err := in.frame()
	if err != nil {
		return err
	}
	if typ != frameSettings {
		return violated(codeMissingSettings, "the control stream begins with a frame of type %#x", typ)
	}
	if err := c.readSettings(in, n); err != nil {
		return err
	}
	for {
		if typ, n, err = in.frame(); err != nil {
			return err
		}
		if typ == frameGoAway {
			if err = in.wasted(); err == nil {
				err = c.readGoAway(in, n)
			}
		} else if err = unexpected(typ); err == nil {
			err = in.skip(n)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Conn) readSettings(in *input, n uint64) error {
	if n > maxSettings {
		return violated(codeExcessiveLoad, "SETTINGS of %d bytes", n)
	}
	p, err := in.take(int(n))
	if err != nil {
		return err
	}
	s, err := parseSettings(p, c.qc.ConnectionState().SupportsDatagrams.Remote)
	if err != nil {
		return err
	}
	c.logSettings(p)
	c.mu.Lock()
	c.peer = s
	c.mu.Unlock()
	close(c.settled)
	return nil
}

// readGoAway takes a GOAWAY (RFC 9114 section 5.2): the requests that it leaves out may
// be sent again elsewhere.
func (c *Conn) readGoAway(in *input, n uint64) error {
	if n > 8 {
		return violated(codeFrameError, "GOAWAY of %d bytes", n)
	}
	p, err := in.take(int(n))
	if err != nil {
		return err
	}
	id, m, err := quicvarint.Parse(p)
	if err != nil || m != len(p) {
		return violated(codeFrameError, "malformed GOAWAY")
	}
	c.log.Event(netlog.HTTP3GoawayReceived, netlog.Int("stream_id", int64(id)))
	c.mu.Lock()
	if id%4 != 0 || id > c.goAway {
		c.mu.Unlock()
		return violated(codeID, "GOAWAY with stream %d", id)
	}
	c.goAway = id
	c.retire(c.reason(neterr.QUICGoawayRequestCanBeRetried))
	var refused []*stream
	for sid, st := range c.streams {
		if uint64(sid) >= id {
			refused = append(refused, st)
		}
	}
	c.unlock()
	for _, st := range refused {
		st.fail(c.reason(neterr.QUICGoawayRequestCanBeRetried))
	}
	return nil
}

// readEncoder reads the peer's QPACK encoder stream (RFC 9204 section 4.3). With no table
// it may say nothing but that the table has no size.
func readEncoder(in *input) error {
	for {
		p, err := in.take(1)
		if err != nil {
			return streamEnd(err)
		}
		if p[0] != 0x20 {
			return violated(codeQPACKEncoderStream, "an insertion into a table that does not exist")
		}
		if err := in.wasted(); err != nil {
			return err
		}
	}
}

// readDecoder reads the peer's QPACK decoder stream (RFC 9204 section 4.4). As nothing is
// inserted, it may say nothing but that it gave streams up.
func readDecoder(in *input) error {
	for {
		p, err := in.take(1)
		if err != nil {
			return streamEnd(err)
		}
		if p[0]&0xc0 != 0x40 {
			return violated(codeQPACKDecoderStream, "an acknowledgement of nothing")
		}
		if err := in.wasted(); err != nil {
			return err
		}
		for more := p[0]&0x3f == 0x3f; more; more = p[0]&0x80 != 0 {
			if p, err = in.take(1); err == nil {
				err = in.wasted()
			}
			if err != nil {
				return streamEnd(err)
			}
		}
	}
}

// streamEnd is the end of a stream that has no frames.
func streamEnd(err error) error {
	var v *violation
	if errors.As(err, &v) && v.code == codeFrameError {
		return io.EOF
	}
	return err
}
