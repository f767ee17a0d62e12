package session_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// A stale server serves one request on its first connection and lets that die: while
// it is idle, or under the second request. Every other connection it serves well.
type stale struct {
	*nettest.Server
	mu    sync.Mutex
	conns int
	seen  int // requests that were read whole
}

// An ending is how the first connection dies.
type ending struct {
	name  string
	idle  bool // before the second request, rather than under it
	reset bool
	code  neterr.Code // what a request sees that may not be sent again
}

var endings = []ending{
	{"closed while idle", true, false, 0},
	{"reset while idle", true, true, 0},
	{"closed under the request", false, false, neterr.ConnectionClosed},
	{"reset under the request", false, true, neterr.ConnectionReset},
}

func newStale(t *testing.T, e ending) *stale {
	s := &stale{}
	s.Server = nettest.NewServer(t, func(c *nettest.Conn) {
		if !s.isFirst() {
			for s.read(c) {
				c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
			return
		}
		s.read(c)
		c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		if !e.idle {
			s.read(c)
		}
		if e.reset {
			c.Reset()
		}
	})
	return s
}

func (s *stale) isFirst() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return s.conns == 1
}

// read takes one request, its body too: closing with unread bytes would be a reset.
func (s *stale) read(c *nettest.Conn) bool {
	head, err := c.ReadHead()
	if err == nil && strings.Contains(head, "\r\nContent-Length: 1\r\n") {
		_, err = c.ReadBody(1)
	}
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	return true
}

func (s *stale) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// TestStaleConnections: a request that meets a dead keep-alive connection is sent
// again if nothing of it was sent, or if that does no harm, and only with a body
// that can be had again.
func TestStaleConnections(t *testing.T) {
	key := map[string]string{"Idempotency-Key": "1"}
	xKey := map[string]string{"X-Idempotency-Key": "1"}
	for _, tt := range []struct {
		name  string
		call  call
		again bool // it may be sent twice
	}{
		{"GET", call{}, true},
		{"HEAD", call{method: "HEAD"}, true},
		{"OPTIONS", call{method: "OPTIONS"}, true},
		{"DELETE", call{method: "DELETE"}, true},
		{"PUT without body", call{method: "PUT"}, true},
		{"PUT, body once", call{method: "PUT", body: "x"}, false},
		{"PUT, body again", call{method: "PUT", body: "x", replay: true}, true},
		{"POST without body", call{method: "POST"}, false},
		{"PATCH, body again", call{method: "PATCH", body: "x", replay: true}, false},
		{"POST, body again", call{method: "POST", body: "x", replay: true}, false},
		{"POST with key, body again", call{method: "POST", body: "x", replay: true, header: key}, true},
		{"POST with x-key, body again", call{method: "POST", body: "x", replay: true, header: xKey}, true},
		{"POST with key, body once", call{method: "POST", body: "x", header: key}, false},
		{"POST with key, no body", call{method: "POST", header: key}, true},
		{"POST with flag, body again", call{method: "POST", body: "x", replay: true, flags: exchange.RetryAnyMethod}, true},
		{"POST with flag, body once", call{method: "POST", body: "x", flags: exchange.RetryAnyMethod}, false},
		{"POST with flag, no body", call{method: "POST", flags: exchange.RetryAnyMethod}, true},
	} {
		for _, e := range endings {
			for _, d := range doors {
				t.Run(tt.name+"/"+e.name+"/"+d.name, func(t *testing.T) {
					nettest.CheckGoroutines(t)
					ctx, cancel := context.WithTimeout(t.Context(), never)
					defer cancel()
					s := newSession(t, trusting(nettest.NewCA()))
					srv := newStale(t, e)
					if a := d.do(ctx, s, call{url: srv.URL()}); a.err != nil {
						t.Fatal(a.err)
					}
					if e.idle {
						nettest.Eventually(t, "the idle connection is closed", func() bool { return srv.Open() == 0 })
					}
					c := tt.call
					c.url = srv.URL()
					a := d.do(ctx, s, c)
					switch {
					case e.idle:
						// Seen before anything was sent: no attempt is lost. Only a request
						// that can be repeated may take a connection that was in use a
						// moment ago on trust, and then has one retry.
						lost := 0
						if tt.again {
							lost = 1
						}
						if a.err != nil || a.retries > lost || srv.requests() != 2 {
							t.Errorf("got %v, %d retries, %d requests; want a new connection", a.err, a.retries, srv.requests())
						}
					case tt.again:
						if a.err != nil || a.retries != 1 || srv.requests() != 3 {
							t.Errorf("got %v, %d retries, %d requests; want one retry", a.err, a.retries, srv.requests())
						}
					default:
						if neterr.CodeOf(a.err) != e.code || srv.requests() != 2 {
							t.Errorf("got %v, %d requests; want %v and no retry", a.err, srv.requests(), e.code)
						}
					}
					wantUsable(t, ctx, s, d)
				})
			}
		}
	}
}

// TestFreshIsNotRetried: a connection made for the request says what the server
// thinks of it; sending it again would not help.
func TestFreshIsNotRetried(t *testing.T) {
	for _, d := range doors {
		srv := nettest.NewServer(t, func(c *nettest.Conn) { c.ReadHead() })
		s := newSession(t, trusting(nettest.NewCA()))
		if a := d.do(t.Context(), s, call{url: srv.URL()}); neterr.CodeOf(a.err) != neterr.EmptyResponse {
			t.Errorf("%s: got %v, want %v", d.name, a.err, neterr.EmptyResponse)
		}
		if n := srv.Accepted(); n != 1 {
			t.Errorf("%s: %d connections, want 1", d.name, n)
		}
	}
}

// TestDyingServer lets every connection die under its second request: retries go on
// until there is a fresh one.
func TestDyingServer(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				c.Print(okResponse)
				c.ReadHead()
			})
			s := newSession(t, trusting(nettest.NewCA()))
			for i := range 5 {
				a := d.do(t.Context(), s, call{url: srv.URL()})
				if a.err != nil || a.body != "ok" {
					t.Fatalf("request %d: %q, %v", i, a.body, a.err)
				}
			}
			if n := srv.Accepted(); n != 5 {
				t.Errorf("%d connections, want 5", n)
			}
		})
	}
}

// 408 on a connection that was idle is the server's way of closing it.
func TestRequestTimeoutOnIdle(t *testing.T) {
	const timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for _, d := range doors {
		srv := nettest.NewServer(t, func(c *nettest.Conn) {
			c.ReadHead()
			c.Print(okResponse)
			if _, err := c.ReadHead(); err == nil {
				c.Print(timeout)
			}
		})
		s := newSession(t, trusting(nettest.NewCA()))
		for range 2 {
			if a := d.do(t.Context(), s, call{url: srv.URL()}); a.err != nil || a.status != 200 {
				t.Errorf("%s: %d, %v; want 200", d.name, a.status, a.err)
			}
		}
		always := nettest.NewServer(t, nettest.Respond(timeout))
		if a := d.do(t.Context(), s, call{url: always.URL()}); a.err != nil || a.status != 408 {
			t.Errorf("%s, a fresh connection: %d, %v; want 408", d.name, a.status, a.err)
		}
	}
}
