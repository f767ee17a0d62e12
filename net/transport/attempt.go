package transport

import (
	"context"
	"net"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/netlog"
)

// attempt is one try: a connection, and the exchange on it. reused tells that the
// connection had been idle before. req.Body is closed in the end, whatever happens.
func (t *Transport) attempt(ctx context.Context, req *exchange.Request, want *pool.Request, ask *plea) (c pool.Conn, resp *exchange.Response, reused bool, err error) {
	if h := req.Trace; h != nil && h.GetConn != nil {
		h.GetConn(net.JoinHostPort(want.Key.Host, strconv.Itoa(int(want.Key.Port))))
	}
	log := req.NetLog
	if log.On() {
		log.Begin(netlog.HTTPStreamRequest)
	}
	c, reused, err = t.acquire(ctx, req, want, ask)
	if log.On() {
		log.EndErr(netlog.HTTPStreamRequest, err)
	}
	if err != nil {
		req.CloseBody()
		return nil, nil, false, err
	}
	if h := req.Trace; h != nil && h.GotConn != nil {
		info := httptrace.GotConnInfo{Reused: reused, WasIdle: reused}
		if nc, ok := c.(interface{ NetConn() net.Conn }); ok {
			info.Conn = nc.NetConn()
		}
		h.GotConn(info)
	}
	req.Connected = want.Now
	heard := t.rivals.suits(&want.Key) && isHeard(c)
	req.Informed = nil
	if heard {
		req.Informed = t.informed
		if _, is := c.(*quicConn); !is {
			t.rivals.beside(want)
		}
	}
	resp, err = c.RoundTrip(ctx, req)
	if err != nil {
		return c, nil, reused, err
	}
	if heard {
		t.rivals.learn(&want.Key, resp.Header)
	}
	if resp.Info.Reused = reused; reused {
		// One made ahead gives its timing to its first response, which did not
		// wait for it.
		resp.Info.Timing.Connect = nil
	}
	return c, resp, reused, nil
}

// acquire returns a connection, if need be one that the program has to decide about.
func (t *Transport) acquire(ctx context.Context, req *exchange.Request, want *pool.Request, ask *plea) (pool.Conn, bool, error) {
	for {
		c, reused, err := t.pool.Acquire(ctx, want)
		if err != nil {
			if err = t.plead(ctx, req, ask, err); err == nil {
				want.Now = time.Time{}
				continue
			}
		}
		return c, reused, err
	}
}
