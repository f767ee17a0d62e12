package h2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A violation is what a peer did against RFC 9113 that ends the connection.
type violation struct {
	code   http2.ErrCode // for GOAWAY
	reason string
}

func (v *violation) Error() string { return v.reason }

// Unwrap returns Chromium's code for it.
func (v *violation) Unwrap() error { return netCode(v.code) }

// netCode is what Chromium makes of an error code that it sends itself.
func netCode(code http2.ErrCode) neterr.Code {
	switch code {
	case http2.ErrCodeFlowControl:
		return neterr.HTTP2FlowControlError
	case http2.ErrCodeFrameSize:
		return neterr.HTTP2FrameSizeError
	case http2.ErrCodeCompression:
		return neterr.HTTP2CompressionError
	case http2.ErrCodeStreamClosed:
		return neterr.HTTP2StreamClosed
	}
	return neterr.HTTP2ProtocolError
}

func protocolError(format string, args ...any) error {
	return &violation{http2.ErrCodeProtocol, fmt.Sprintf(format, args...)}
}

// reason gives a failure its final form, a *neterr.Error.
func (c *Conn) reason(err error) error {
	var full *neterr.Error
	if errors.As(err, &full) {
		return err
	}
	var code neterr.Code
	if errors.As(err, &code) {
		if err == error(code) {
			err = nil
		}
		return &neterr.Error{Code: code, Op: "http/2", Addr: c.remote.String(), Err: err}
	}
	return neterr.FromOp("http/2", err)
}

// retire makes the connection take no more requests, for the reason err; the first
// reason stays. mu is held.
func (c *Conn) retire(err error) {
	if c.err == nil {
		c.err = err
		c.changed = true
		c.slots.queue.wake(len(c.slots.queue))
	}
}

// end ends the connection for the reason err. Streams under way fail with it. A
// goodbye other than ErrCodeNo is said to the peer, if it listens: Chromium closes
// without a word when there is nothing to complain about.
func (c *Conn) end(err error, goodbye http2.ErrCode) {
	err = c.reason(err)
	c.mu.Lock()
	if c.dead {
		c.mu.Unlock()
		return
	}
	c.retire(err)
	c.dead = true
	c.ping.stop()
	var failed []*stream
	for _, st := range c.streams {
		failed = append(failed, st)
		c.closeStream(st)
	}
	c.send.release()
	c.send.out = nil
	if goodbye != http2.ErrCodeNo {
		c.sayGoodbye(goodbye)
	}
	c.mu.Unlock()
	c.nc.Close()
	for _, st := range failed {
		st.fail(err)
	}
	c.logEnd(err)
	c.cfg.NetLog.Event(netlog.SocketClosed)
	c.cfg.NetLog.End(netlog.SocketAlive)
	c.mu.Lock()
	c.changed = true
	c.unlock()
}

// sayGoodbye sends GOAWAY, after what is just being written. A peer that does not read
// is waited for a moment only. mu is held, and let go of meanwhile; the connection is
// dead already, so nobody else begins to write.
func (c *Conn) sayGoodbye(code http2.ErrCode) {
	s := &c.send
	deadline := time.Now().Add(goodbyeTimeout)
	for s.writing && time.Now().Before(deadline) {
		free := make(chan struct{}, 1)
		s.forRoom.add(free)
		c.mu.Unlock()
		c.nc.SetWriteDeadline(deadline)
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-free:
		case <-timer.C:
		}
		timer.Stop()
		c.mu.Lock()
	}
	if s.writing {
		return
	}
	s.writing = true
	s.fr.WriteGoAway(0, code, nil)
	last := s.out
	s.out = nil
	c.mu.Unlock()
	c.nc.SetWriteDeadline(deadline)
	c.nc.Write(last)
	c.mu.Lock()
}

// goodbyeTimeout is how long a GOAWAY may take.
const goodbyeTimeout = 100 * time.Millisecond

// canceled is why an exchange ends whose context did.
func canceled(ctx context.Context) error { return neterr.From(context.Cause(ctx)) }
