package h2

import (
	"io"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// data takes a DATA frame, the payload straight from the read buffer.
func (r *receiver) data(fh http2.FrameHeader) error {
	if fh.StreamID == 0 {
		return protocolError("DATA on stream 0")
	}
	size, pad := int(fh.Length), 0
	if fh.Flags.Has(http2.FlagDataPadded) {
		b, err := r.in.take(min(1, size))
		if err != nil {
			return err
		}
		if size == 0 || int(b[0]) > size-1 {
			return protocolError("DATA with more padding than payload")
		}
		pad = int(b[0])
		size -= 1 + pad
	}
	st, err := r.accept(fh, size)
	if err != nil {
		return err
	}
	if st == nil {
		return r.in.discard(size + pad)
	}
	for left := size; left > 0; {
		p, err := r.in.some(left)
		if err != nil {
			return err
		}
		left -= len(p)
		switch wake, ok := st.body.add(p); {
		case !ok:
			r.dropped(len(p)) // the caller has gone meanwhile
		case wake:
			r.later(st)
		}
	}
	if err := r.in.discard(pad); err != nil {
		return err
	}
	r.c.logData(netlog.HTTP2SessionRecvData, st.id, size, fh.Flags.Has(http2.FlagDataEndStream))
	if fh.Flags.Has(http2.FlagDataEndStream) {
		r.endStream(st)
	}
	return nil
}

// accept accounts for a DATA frame with size bytes of data and returns the stream that
// takes it, or nil.
func (r *receiver) accept(fh http2.FrameHeader, size int) (*stream, error) {
	c, frame := r.c, int(fh.Length)
	c.mu.Lock()
	c.room -= int64(frame)
	st, err := c.stream(fh.StreamID)
	if c.room < 0 {
		err = &violation{http2.ErrCodeFlowControl, "DATA beyond the connection's window"}
	}
	var code neterr.Code
	rst := http2.ErrCodeProtocol
	switch {
	case err != nil || st == nil:
	case st.remoteEnd:
		rst, code = http2.ErrCodeStreamClosed, neterr.HTTP2StreamClosed
	case !st.headed, size > 0 && st.req.Method == "HEAD":
		code = neterr.HTTP2ProtocolError
	}
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if st == nil || size == 0 && !fh.Flags.Has(http2.FlagDataEndStream) {
		if err := r.useless(); err != nil {
			return nil, err
		}
	}
	if st != nil && code == 0 {
		if code = st.body.receive(frame, size); code == neterr.HTTP2FlowControlError {
			rst = http2.ErrCodeFlowControl
		}
	}
	wanted := st != nil && code == 0
	if !wanted {
		r.dropped(frame)
	} else if frame > size {
		r.padding(st, frame-size)
	}
	if code != 0 {
		return nil, r.abort(st, rst, code)
	}
	return st, nil
}

// dropped accounts for n bytes of DATA that nobody will read.
func (r *receiver) dropped(n int) {
	if c, now := r.c, r.c.lastReadTime(); c.due(n, now) {
		c.mu.Lock()
		increment := c.tellConsumed(now)
		c.mu.Unlock()
		c.logWindowUpdate(0, increment)
	}
}

// padding accounts for n bytes of padding on st.
func (r *receiver) padding(st *stream, n int) {
	b := &st.body
	b.mu.Lock()
	increment := b.flow.consume(n, r.c.own.streamWindow, r.c.lastReadTime())
	b.mu.Unlock()
	if increment > 0 {
		r.c.mu.Lock()
		r.c.queueWindowUpdate(st.id, increment)
		r.c.mu.Unlock()
		r.c.logWindowUpdate(st.id, increment)
	}
	r.dropped(n)
}

// endStream is called when the peer has ended st.
func (r *receiver) endStream(st *stream) {
	if st.body.end(io.EOF) {
		r.later(st)
	}
	r.ended = true
	c := r.c
	c.mu.Lock()
	st.remoteEnd = true
	c.endIfDone(st)
	c.mu.Unlock()
}
