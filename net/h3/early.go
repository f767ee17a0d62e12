package h3

import (
	"context"
	"errors"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/exchange"
)

// Requests with safe methods may go out in 0-RTT (RFC 8470 section 3). Where the server's
// TLS does not take it, it has seen none of them: to QUIC the connection begins anew when
// the handshake is complete, and so do they.

// isRejected reports whether err is that the server did not take 0-RTT.
func isRejected(err error) bool { return errors.Is(err, quic.Err0RTTRejected) }

// roundTripAgain sends the request of first once more, which err says went out in vain,
// on the connection as it has begun anew. If it cannot, the failure stays as it is.
func (c *Conn) roundTripAgain(first *stream, err error) (*exchange.Response, error) {
	req := first.req
	if !req.IsReplayable() || c.Reserve() != nil {
		return nil, err
	}
	if failed := c.wait(first.ctx, c.renewed); failed != nil {
		c.Release()
		return nil, &exchange.AttemptError{Err: c.reason(failed)}
	}
	if req.Body != nil {
		body, failed := req.GetBody()
		if failed != nil {
			c.Release()
			return nil, err
		}
		req.Body = body
	}
	again := &stream{c: c, ctx: first.ctx, req: req}
	return again.roundTrip()
}

// renew begins the connection anew, once. No stream of before exists any more, and their
// numbers are given out again.
func (c *Conn) renew() error {
	if _, err := c.qc.NextConnection(context.Background()); err != nil {
		return err
	}
	c.mu.Lock()
	clear(c.streams)
	c.mu.Unlock()
	if err := c.openControl(context.Background()); err != nil {
		return err
	}
	close(c.renewed)
	return nil
}
