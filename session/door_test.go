package session_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A call is one request of a test, whichever door of the session it takes.
type call struct {
	method string // default GET
	url    string
	body   string            // sent with a length; "" has none
	replay bool              // the body can be had again
	header map[string]string // besides what the session adds
	flags  exchange.LoadFlags
	mode   fetch.CacheMode // of Fetch alone
}

// An answer is what came back: as much of the body as could be read, and what
// ended that.
type answer struct {
	status  int
	body    string
	err     error // of the head or of the body
	retries int
	reused  bool
	cache   string              // Info.Cache, in words
	field   func(string) string // of the header; nil if there was no head
}

// A door is a way into a session.
type door struct {
	name string
	do   func(context.Context, *session.Session, call) answer
}

// doors are the two that promise one behaviour. The second is a client, so that it
// follows redirects as the first does; what it does is RoundTripper's doing.
var doors = []door{{"Fetch", viaFetch}, {"RoundTripper", viaClient}}

func viaFetch(ctx context.Context, s *session.Session, c call) answer {
	init := &fetch.Init{Method: c.method, LoadFlags: c.flags, Cache: c.mode}
	for name, value := range c.header {
		init.Header.Add(name, value)
	}
	if c.body != "" {
		init.Body, init.ContentLength = onlyReader(c.body), int64(len(c.body))
		if c.replay {
			init.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(onlyReader(c.body)), nil }
		}
	}
	resp, err := s.Fetch(ctx, c.url, init)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.Status, string(body), err, resp.Info.Retries, resp.Info.Reused, resp.Info.Cache.String(), resp.Header.Get}
}

func viaClient(ctx context.Context, s *session.Session, c call) answer {
	var a answer
	ctx = exchange.WithOptions(ctx, &exchange.Options{LoadFlags: c.flags, OnInfo: func(i *exchange.Info) {
		a.retries, a.reused, a.cache = i.Retries, i.Reused, i.Cache.String()
	}})
	var body io.Reader
	if c.body != "" {
		body = onlyReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return answer{err: err}
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	if c.body != "" {
		req.ContentLength = int64(len(c.body))
		if c.replay {
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(onlyReader(c.body)), nil }
		}
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	a.status, a.body, a.err, a.field = resp.StatusCode, string(b), err, resp.Header.Get
	return a
}

// onlyReader is a body whose type says nothing, so that nobody makes it anew unasked.
func onlyReader(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }

// never is longer than anything takes that is not stuck.
const never = 20 * time.Second

// trusting is a Config that trusts ca alone and asks no resolver.
func trusting(ca *nettest.CA) session.Config {
	return session.Config{
		TLS: tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})},
		DNS: dns.Config{System: noNames{}, DisableHosts: true},
	}
}

// straight is cfg without the HTTP cache, for tests about connections and load: who asks
// for one thing many times at once gets one answer from it.
func straight(cfg session.Config) session.Config {
	cfg.DisableCache = true
	return cfg
}

func newSession(t testing.TB, cfg session.Config) *session.Session {
	t.Helper()
	s, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close the session: %v", err)
		}
	})
	return s
}

const okResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// wantUsable checks that the session still serves.
func wantUsable(t *testing.T, ctx context.Context, s *session.Session, d door) {
	t.Helper()
	srv := nettest.NewServer(t, nettest.Respond(okResponse))
	for range 2 {
		if a := d.do(ctx, s, call{url: srv.URL()}); a.err != nil || a.body != "ok" {
			t.Errorf("the session is unusable afterwards: %q, %v", a.body, a.err)
		}
	}
	if n := srv.Accepted(); n != 1 {
		t.Errorf("afterwards two requests took %d connections, want 1", n)
	}
}
