package session_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

// A load is callers that send one request after another, none of which may fail.
type load struct {
	client *http.Client
	url    string
	want   string      // the body
	more   func() bool // whether to send another one; called by many at once

	mu      sync.Mutex
	perConn map[string]int // answers, by what tells connections apart
	answers int
}

func newLoad(s *session.Session, url, want string, more func() bool) *load {
	return &load{client: s.Client(), url: url, want: want, more: more, perConn: map[string]int{}}
}

// upTo is a load's more that ends after n.
func upTo(n int) func() bool {
	var sent atomic.Int64
	return func() bool { return sent.Add(1) <= int64(n) }
}

// run returns when the callers, n at once, have all their answers.
func (l *load) run(t *testing.T, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for l.more() {
				if !l.one(t) {
					return
				}
			}
		})
	}
	wg.Wait()
}

func (l *load) one(t *testing.T) bool {
	var conn string
	ctx := exchange.WithOptions(t.Context(), &exchange.Options{
		OnInfo: func(i *exchange.Info) { conn = i.Local.String() },
	})
	req, err := http.NewRequestWithContext(ctx, "GET", l.url, nil)
	if err != nil {
		t.Error(err)
		return false
	}
	resp, err := l.client.Do(req)
	if err != nil {
		t.Error(err)
		return false
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || string(body) != l.want {
		t.Errorf("%s, %.100q, %v", resp.Status, body, err)
		return false
	}
	if seen := resp.Header.Get("X-Client"); seen != "" {
		conn = seen // the server's own word
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perConn[conn]++
	l.answers++
	return true
}

// counts is what there is so far.
func (l *load) counts() (answers, conns int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers, len(l.perConn)
}

// TestPeersAtOnce has 64 callers share the connections that Chromium allows, as real
// servers see them.
func TestPeersAtOnce(t *testing.T) {
	const requests, atOnce = 1000, 64
	eachPeer(t, func(t *testing.T, p *peer) {
		fewest, most := 2, 6
		if p.proto == "HTTP/2.0" {
			fewest, most = 1, 1
		}
		l := newLoad(newSession(t, straight(p.config)), p.url+"/small", string(files["small"]), upTo(requests))
		l.run(t, atOnce)
		if answers, conns := l.counts(); answers != requests || conns < fewest || conns > most {
			t.Errorf("%d answers over %d connections, want %d over %d to %d: %v", answers, conns, requests, fewest, most, l.perConn)
		}
	})
}

// TestReload has servers give up their connections, in their own graceful ways, while
// requests go on: none of them fails. What stands behind them is left out, because
// caddy cuts its connections to that.
func TestReload(t *testing.T) {
	const reloads, atOnce, between = 3, 16, 200
	eachPeer(t, func(t *testing.T, p *peer) {
		if why := p.cannot["reload"]; why != "" {
			t.Skip(why)
		}
		ended := make(chan struct{})
		l := newLoad(newSession(t, straight(p.config)), p.url+"/own", "own", func() bool {
			select {
			case <-ended:
				return false
			default:
				return true
			}
		})
		var wg sync.WaitGroup
		wg.Go(func() { l.run(t, atOnce) })
		defer wg.Wait()
		defer close(ended)
		for range reloads {
			before, conns := l.counts()
			if err := p.rig.Reload(); err != nil {
				t.Fatal(err)
			}
			nettest.Eventually(t, "requests went on over new connections", func() bool {
				answers, now := l.counts()
				return t.Failed() || now > conns && answers > before+between
			})
		}
	})
}

// TestManyRequests keeps 100 requests in flight over HTTP/2: on one connection, and
// with a server that says GOAWAY after every thousandth.
func TestManyRequests(t *testing.T) {
	const atOnce = 100
	requests := times(20_000, 1_000_000)
	for _, tt := range []struct {
		name           string
		start          func(*testing.T, *nettest.CA) *nettest.Rig
		fewest, atMost int // connections
	}{
		{"nghttpd", func(t *testing.T, ca *nettest.CA) *nettest.Rig {
			return nettest.Nghttpd(t, nettest.NghttpdConfig{CA: ca, Files: files})
		}, 1, 1},
		{"nginx", func(t *testing.T, ca *nettest.CA) *nettest.Rig {
			return nettest.Nginx(t, nettest.NginxConfig{CA: ca, HTTP2: true, Files: files, Server: "keepalive_requests 1000;"})
		}, requests / 1100, requests / 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			ca := nettest.NewCA()
			rig := tt.start(t, ca)
			l := newLoad(newSession(t, straight(trusting(ca))), "https://"+rig.HTTPS+"/small", string(files["small"]), upTo(requests))
			l.run(t, atOnce)
			if answers, conns := l.counts(); answers != requests || conns < tt.fewest || conns > tt.atMost {
				t.Errorf("%d answers over %d connections, want %d over %d to %d", answers, conns, requests, tt.fewest, tt.atMost)
			}
		})
	}
}

// TestStreamLimit: what a server allows at once is used and kept to.
func TestStreamLimit(t *testing.T) {
	const limit, atOnce = 10, 100
	for _, tt := range []struct {
		name  string
		start func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig
	}{
		{"nginx", func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig {
			return nettest.Nginx(t, nettest.NginxConfig{CA: ca, HTTP2: true, Server: `
				http2_max_concurrent_streams 10;
				location / { proxy_pass http://` + backend + `; }
			`})
		}},
		{"haproxy", func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig {
			return nettest.HAProxy(t, nettest.HAProxyConfig{
				CA: ca, Global: "tune.h2.max-concurrent-streams 10", Backend: "server one " + backend,
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			ca := nettest.NewCA()
			entered, leave := make(chan struct{}, 2*atOnce), make(chan struct{}, 2*atOnce)
			var now, most atomic.Int64
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n := now.Add(1)
				defer now.Add(-1)
				for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
				}
				entered <- struct{}{}
				<-leave
				io.WriteString(w, "ok")
			}))
			t.Cleanup(backend.Close)
			rig := tt.start(t, ca, strings.TrimPrefix(backend.URL, "http://"))
			s := newSession(t, straight(trusting(ca)))

			// The first round begins before the server has said what it allows.
			for _, cold := range []bool{true, false} {
				var wg sync.WaitGroup
				for range atOnce {
					wg.Go(func() {
						a := doors[0].do(t.Context(), s, call{url: "https://" + rig.HTTPS})
						if a.err != nil || a.body != "ok" || a.retries > 0 && !cold {
							t.Errorf("cold %v: %d, %q, %d retries, %v", cold, a.status, a.body, a.retries, a.err)
							entered <- struct{}{} // or it would be waited for
						}
					})
				}
				for i := range atOnce {
					if i >= limit {
						leave <- struct{}{}
					}
					<-entered
				}
				for range limit {
					leave <- struct{}{}
				}
				wg.Wait()
				if n := most.Load(); n != limit {
					t.Errorf("cold %v: %d requests at once, want %d", cold, n, limit)
				}
			}
		})
	}
}

// TestServerIdleTimeout: a connection that the server closed while it was idle costs
// the next request nothing, not even one that can be sent once only.
func TestServerIdleTimeout(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(*testing.T, *nettest.CA) *nettest.Rig
	}{
		{"nginx", func(t *testing.T, ca *nettest.CA) *nettest.Rig {
			return nettest.Nginx(t, nettest.NginxConfig{
				CA: ca, HTTP2: true,
				Server: `keepalive_timeout 50ms; location / { return 200 "$connection $connections_active"; }`,
			})
		}},
		{"haproxy", func(t *testing.T, ca *nettest.CA) *nettest.Rig {
			return nettest.HAProxy(t, nettest.HAProxyConfig{CA: ca, Frontend: `
				timeout http-keep-alive 50ms
				http-request return content-type text/plain lf-string "%rt %ac"
			`})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			rig := tt.start(t, ca)
			http1 := trusting(ca)
			http1.DisableHTTP2 = true
			for _, p := range []peer{
				{name: "HTTP2", url: "https://" + rig.HTTPS, config: trusting(ca)},
				{name: "https", url: "https://" + rig.HTTPS, config: http1},
				{name: "http", url: "http://" + rig.HTTP, config: http1},
			} {
				t.Run(p.name, func(t *testing.T) {
					nettest.CheckGoroutines(t)
					s := newSession(t, straight(p.config))
					for range 3 {
						for _, method := range []string{"GET", "POST"} {
							req, err := http.NewRequestWithContext(t.Context(), method, p.url, nil)
							if err != nil {
								t.Fatal(err)
							}
							if method == "POST" {
								req.Body = io.NopCloser(bytes.NewReader(files["small"]))
								req.ContentLength = int64(len(files["small"]))
							}
							resp, err := s.Client().Do(req)
							if err != nil {
								t.Fatal(err)
							}
							if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
								t.Errorf("%s: %s, %v", method, resp.Status, err)
							}
							resp.Body.Close()
							awaitAlone(t, rig.HTTP)
						}
					}
				})
			}
		})
	}
}

// awaitAlone waits until the server has no connection but the one that asks.
func awaitAlone(t *testing.T, addr string) {
	t.Helper()
	nettest.Eventually(t, "nobody else is connected", func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		answer, err := io.ReadAll(c) // to the end, so that this one has gone as well
		return err == nil && strings.HasSuffix(string(answer), " 1")
	})
}
