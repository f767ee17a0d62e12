package h2

import (
	"encoding/binary"
	"errors"
	"io"
	"syscall"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/internal/eager"
	"github.com/kaon-net/kaon/net/neterr"
)

// uselessLimit is how many frames that further no request may come in uselessPeriod:
// SETTINGS, PING, PRIORITY, empty DATA, frames for streams that are over, and frames
// of no known type.
const (
	uselessLimit  = 10000
	uselessPeriod = 10 * time.Second
)

// A receiver is the reading side: one goroutine, which never calls out, and writes only
// what any socket takes at once, so that nothing the peer or a caller does can hold it
// up.
type receiver struct {
	c     *Conn
	in    input
	fr    *http2.Framer // reads frame headers and the lesser frames
	dec   decoder
	block block
	wakes []*stream // to be woken before the next read

	probe  eager.Probe
	looker eager.Looker
	ended  bool // a response ended since the last pause
	crowd  int  // reads before it yields again

	count int // of useless frames since
	since time.Duration
}

func (r *receiver) init(c *Conn) {
	r.c = c
	r.in = input{src: c.nc, before: r.pause, after: r.resume}
	// What TLS has read already is neither a reason to pause nor to be seen in the
	// socket, so it has to tell when it has nothing left.
	_, tells := c.nc.(syscall.Conn)
	if t, ok := c.nc.(interface{ BeforeRead(func()) }); ok {
		t.BeforeRead(r.pause)
		r.in.before, tells = nil, true
	}
	r.probe.Init(c.nc)
	r.looker.Near = tells && r.probe.CanAsk() && c.remote.IsValid() && c.remote.Addr() == c.local.Addr()
	r.fr = http2.NewFramer(nil, &r.in)
	r.dec.init(c.own.table, r.block.Add)
}

// run reads until the connection ends.
func (r *receiver) run() {
	defer close(r.c.done)
	var err error
	for err == nil {
		err = r.frame()
	}
	r.wake()
	goodbye := http2.ErrCodeNo
	var v *violation
	var ce http2.ConnectionError
	switch {
	case errors.As(err, &v):
		goodbye = v.code
	case errors.As(err, &ce):
		goodbye = http2.ErrCode(ce)
		err = &violation{goodbye, "malformed frame"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = neterr.ConnectionClosed
	}
	var alert *neterr.Error // TLS has a name for it: that is why writing failed
	r.c.mu.Lock()
	if r.c.send.err != nil && v == nil && !errors.As(err, &alert) {
		err = r.c.send.err // what was noticed first
	}
	r.c.mu.Unlock()
	r.c.end(err, goodbye)
}

// resume is called after a read.
func (r *receiver) resume() { r.c.lastRead.Store(int64(r.c.now())) }

// useless counts a frame that furthers no request.
func (r *receiver) useless() error {
	now := r.c.lastReadTime()
	if now-r.since > uselessPeriod {
		r.since, r.count = now, 0
	}
	if r.count++; r.count > uselessLimit {
		return &violation{http2.ErrCodeEnhanceYourCalm, "too many frames of no use"}
	}
	return nil
}

// frame reads one frame. An error ends the connection.
func (r *receiver) frame() error {
	p, err := r.in.peek(frameHeaderLen)
	if err != nil {
		return err
	}
	fh := parseFrameHeader(p)
	if fh.Length > r.c.own.frame {
		return &violation{http2.ErrCodeFrameSize, "frame too large"}
	}
	if r.block.open != (fh.Type == http2.FrameContinuation) || r.block.open && fh.StreamID != r.block.id {
		return protocolError("%v out of order", fh.Type)
	}
	switch fh.Type {
	case http2.FrameData, http2.FrameHeaders, http2.FrameContinuation, http2.FrameSettings:
		r.in.r += frameHeaderLen
	}
	switch fh.Type {
	case http2.FrameData:
		return r.data(fh)
	case http2.FrameHeaders:
		return r.headers(fh)
	case http2.FrameContinuation:
		return r.continuation(fh)
	case http2.FrameSettings:
		return r.settings(fh)
	}
	f, err := r.fr.ReadFrame()
	var se http2.StreamError
	if errors.As(err, &se) {
		return r.streamError(se)
	}
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *http2.WindowUpdateFrame:
		return r.windowUpdate(f)
	case *http2.RSTStreamFrame:
		return r.rstStream(f)
	case *http2.PingFrame:
		return r.ping(f)
	case *http2.GoAwayFrame:
		return r.goAway(f)
	case *http2.PushPromiseFrame:
		return protocolError("PUSH_PROMISE, which is off")
	}
	return r.useless()
}

// parseFrameHeader reads the header of a frame (RFC 9113 section 4.1).
func parseFrameHeader(b []byte) http2.FrameHeader {
	return http2.FrameHeader{
		Length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]), Type: http2.FrameType(b[3]), Flags: http2.Flags(b[4]),
		StreamID: binary.BigEndian.Uint32(b[5:]) & (1<<31 - 1),
	}
}

// stream returns the open stream that a frame is about, with mu held. A stream that
// is over is nil; one that was never begun is an error (RFC 9113 section 5.1).
func (c *Conn) stream(id uint32) (*stream, error) {
	if id&1 == 0 || id >= c.nextID {
		return nil, protocolError("frame for stream %d, which is idle", id)
	}
	return c.streams[id], nil
}

// streamError ends a stream that the Framer found fault with.
func (r *receiver) streamError(se http2.StreamError) error {
	r.c.mu.Lock()
	st, err := r.c.stream(se.StreamID)
	r.c.mu.Unlock()
	if err != nil {
		return err
	}
	if st == nil {
		return r.useless()
	}
	return r.abort(st, se.Code, netCode(se.Code))
}

// abort resets a stream whose peer broke the rules; code is why it fails.
func (r *receiver) abort(st *stream, rst http2.ErrCode, code neterr.Code) error {
	c := r.c
	err := c.reason(code)
	c.mu.Lock()
	c.resetLocked(st, rst, err)
	flooded := c.flooded()
	c.mu.Unlock()
	c.logSendReset(st.id, rst, err)
	st.body.end(err)
	r.later(st)
	return flooded
}

func (r *receiver) windowUpdate(f *http2.WindowUpdateFrame) error {
	c := r.c
	c.logRecvWindowUpdate(f)
	c.mu.Lock()
	if f.StreamID == 0 {
		ok := growWindow(&c.send.window, int64(f.Increment))
		c.send.forWindow.wake(len(c.send.forWindow))
		c.mu.Unlock()
		if !ok {
			return &violation{http2.ErrCodeFlowControl, "WINDOW_UPDATE overflows the connection's window"}
		}
		return nil
	}
	st, err := c.stream(f.StreamID)
	ok := true
	if st != nil {
		if ok = growWindow(&st.window, int64(f.Increment)); st.sender != nil {
			signal(st.sender.wake)
		}
	}
	c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case st == nil:
		return r.useless()
	case !ok:
		return r.abort(st, http2.ErrCodeFlowControl, neterr.HTTP2FlowControlError)
	}
	return nil
}

func (r *receiver) ping(f *http2.PingFrame) error {
	c := r.c
	c.logPing("received", binary.BigEndian.Uint64(f.Data[:]), f.IsAck())
	c.mu.Lock()
	if f.IsAck() {
		c.ping.stop()
	} else {
		c.send.fr.WritePing(true, f.Data)
		c.send.answers++
	}
	err := c.flooded()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return r.useless()
}

// rstStream ends a stream as the peer wishes. What becomes of the request follows
// Chromium (SpdySession::OnRstStream).
func (r *receiver) rstStream(f *http2.RSTStreamFrame) error {
	c := r.c
	c.logRecvReset(f)
	c.mu.Lock()
	st, err := c.stream(f.StreamID)
	if st == nil || err != nil {
		c.mu.Unlock()
		if err == nil {
			err = r.useless()
		}
		return err
	}
	whole, status := st.headed && st.remoteEnd, st.resp.Status
	c.closeStream(st)
	c.mu.Unlock()
	code := neterr.HTTP2ProtocolError
	switch f.ErrCode {
	case http2.ErrCodeNo:
		if whole {
			return nil
		}
		code = neterr.HTTP2RSTStreamNoErrorReceived
	case http2.ErrCodeRefusedStream:
		code = neterr.HTTP2ServerRefusedStream
	case http2.ErrCodeCancel, http2.ErrCodeStreamClosed:
		if whole && status >= 300 {
			return nil
		}
	case http2.ErrCodeHTTP11Required:
		code = neterr.HTTP11Required
	}
	reason := &neterr.Error{Code: code, Op: "http/2", Addr: c.remote.String(), Err: resetByPeer(f.ErrCode)}
	st.body.spoil(reason)
	r.fail(st, reason)
	if code == neterr.HTTP11Required {
		return reason
	}
	return nil
}

// A resetByPeer is the error code that came in RST_STREAM or GOAWAY.
type resetByPeer http2.ErrCode

func (e resetByPeer) Error() string { return "peer sent " + http2.ErrCode(e).String() }

// fail ends st, which is closed already.
func (r *receiver) fail(st *stream, err error) {
	c := r.c
	c.mu.Lock()
	if st.err == nil {
		st.err = err
	}
	c.mu.Unlock()
	st.body.end(err)
	r.later(st)
}

// goAway makes the connection take no more requests. Streams that the peer has not
// seen fail, to be tried elsewhere if it did not complain.
func (r *receiver) goAway(f *http2.GoAwayFrame) error {
	c := r.c
	c.logRecvGoAway(f)
	code := neterr.HTTP2ServerRefusedStream
	switch f.ErrCode {
	case http2.ErrCodeNo:
	case http2.ErrCodeHTTP11Required:
		return &neterr.Error{Code: neterr.HTTP11Required, Op: "http/2", Addr: c.remote.String(), Err: resetByPeer(f.ErrCode)}
	default:
		code = neterr.HTTP2ProtocolError
	}
	reason := &neterr.Error{Code: code, Op: "http/2", Addr: c.remote.String(), Err: resetByPeer(f.ErrCode)}
	var unseen []*stream
	c.mu.Lock()
	c.retire(reason)
	for id, st := range c.streams {
		if id > f.LastStreamID {
			unseen = append(unseen, st)
			c.closeStream(st)
		}
	}
	c.mu.Unlock()
	for _, st := range unseen {
		r.fail(st, reason)
	}
	if len(unseen) == 0 {
		return r.useless()
	}
	return nil
}
