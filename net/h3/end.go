package h3

import (
	"context"
	"errors"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/neterr"
)

// reason gives a failure its final form, a *neterr.Error.
func (c *Conn) reason(err error) error {
	return failure(err, c.remote.String(), c.isHandshakeComplete())
}

func (c *Conn) isHandshakeComplete() bool {
	select {
	case <-c.qc.HandshakeComplete():
		return true
	default:
		return false
	}
}

// failure is reason for a connection to addr, whose handshake is complete or not.
func failure(err error, addr string, complete bool) error {
	var full *neterr.Error
	if errors.As(err, &full) {
		return err
	}
	var code neterr.Code
	if errors.As(err, &code) {
		if err == error(code) {
			err = nil
		}
	} else if code = quicCode(err); code == 0 {
		return neterr.FromOp("http/3", err)
	}
	if code == neterr.QUICProtocolError && !complete {
		code = neterr.QUICHandshakeFailed
	}
	return &neterr.Error{Code: code, Op: "http/3", Addr: addr, Err: err}
}

// quicCode is what Chromium makes of QUIC's failures; 0 for what is none of them.
func quicCode(err error) neterr.Code {
	var (
		stream    *quic.StreamError
		idle      *quic.IdleTimeoutError
		reset     *quic.StatelessResetError
		transport *quic.TransportError
		app       *quic.ApplicationError
		handshake *quic.HandshakeTimeoutError
		version   *quic.VersionNegotiationError
	)
	switch {
	case errors.As(err, &stream) && stream.Remote && stream.ErrorCode == codeRequestRejected:
		return neterr.QUICGoawayRequestCanBeRetried // RFC 9114 section 4.1.1
	case errors.Is(err, quic.Err0RTTRejected):
		return neterr.QUICGoawayRequestCanBeRetried // nothing was processed
	case errors.As(err, &transport) && transport.ErrorCode.IsCryptoError(), errors.As(err, &handshake), errors.As(err, &version):
		return neterr.QUICHandshakeFailed
	case errors.As(err, &stream), errors.As(err, &idle), errors.As(err, &reset), errors.As(err, &transport), errors.As(err, &app):
		return neterr.QUICProtocolError
	}
	return 0
}

// retire makes the connection take no more requests, for the reason err; the first
// reason stays. mu is held.
func (c *Conn) retire(err error) {
	if c.err == nil {
		c.err = err
		c.changed = true
	}
}

// end ends the connection for the reason err, and tells the peer code. Streams under way
// fail with err.
func (c *Conn) end(err error, code quic.ApplicationErrorCode) {
	err = c.reason(err)
	c.mu.Lock()
	if c.dead {
		c.mu.Unlock()
		return
	}
	c.retire(err)
	c.dead = true
	if c.idle != nil {
		c.idle.Stop()
	}
	failed := make([]*stream, 0, len(c.streams))
	for _, st := range c.streams {
		failed = append(failed, st)
	}
	c.mu.Unlock()
	for _, st := range failed {
		st.fail(err)
	}
	c.qc.CloseWithError(code, "")
	c.logEnd(err, code)
	if c.cfg.Released != nil {
		c.cfg.Released()
	}
	close(c.done)
	c.mu.Lock()
	c.changed = true
	c.unlock()
}

// fault ends the connection if err is against the protocol, or if it is the connection
// that failed.
func (c *Conn) fault(err error) {
	var v *violation
	switch {
	case errors.As(err, &v):
		c.end(err, v.code)
	case c.qc.Context().Err() != nil:
		c.end(context.Cause(c.qc.Context()), codeNoError)
	}
}

// canceled is why an exchange ends whose context did.
func canceled(ctx context.Context) error { return neterr.From(context.Cause(ctx)) }
