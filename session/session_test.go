package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

func TestPreconnect(t *testing.T) {
	nettest.CheckGoroutines(t)
	s := newSession(t, trusting(nettest.NewCA()))
	for _, tt := range []struct {
		url  string
		n    int
		text string
	}{
		{"", 1, "Must pass non-empty valid url to session.preconnect."},
		{"nothing", 1, "Must pass non-empty valid url to session.preconnect."},
		{"file:///x", 1, "Must pass non-empty valid url to session.preconnect."},
		{"http://127.0.0.1/", 0, "numSocketsToPreconnect is outside range [1,6]"},
		{"http://127.0.0.1/", -1, "numSocketsToPreconnect is outside range [1,6]"},
		{"http://127.0.0.1/", 7, "numSocketsToPreconnect is outside range [1,6]"},
	} {
		wantError(t, s.Preconnect(t.Context(), tt.url, tt.n), neterr.InvalidArgument, tt.text)
	}

	wantError(t, s.Preconnect(t.Context(), "http://127.0.0.1:6667/", 1), neterr.UnsafePort, "port 6667")

	var sent sync.Map
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		for {
			if _, err := c.ReadHead(); err != nil {
				return
			}
			sent.Store(c, true)
			c.Print(okResponse)
		}
	})
	if err := s.Preconnect(t.Context(), srv.URL()+"/only?the=origin", 3); err != nil {
		t.Fatal(err)
	}
	nettest.Eventually(t, "three connections", func() bool { return srv.Accepted() == 3 })
	if err := s.Preconnect(t.Context(), srv.URL(), 2); err != nil { // there are enough
		t.Fatal(err)
	}
	sent.Range(func(any, any) bool { t.Error("preconnect sent something"); return false })
	for _, d := range doors {
		if a := d.do(t.Context(), s, call{url: srv.URL()}); a.err != nil || !a.reused {
			t.Errorf("%s: %v, on a socket made ahead: %v", d.name, a.err, a.reused)
		}
	}
	if n := srv.Accepted(); n != 3 {
		t.Errorf("afterwards %d connections, want 3", n)
	}
	if err := s.Preconnect(t.Context(), "http://no-such-host.invalid/", 1); neterr.CodeOf(err) != neterr.NameNotResolved {
		t.Errorf("a host that is not there: got %v, want %v", err, neterr.NameNotResolved)
	}
}

// A waiting server answers half and then waits for the connection to end.
func waiting(half string, reached chan<- struct{}) func(*nettest.Conn) {
	return func(c *nettest.Conn) {
		if _, err := c.ReadHead(); err != nil {
			return
		}
		c.Print(half)
		reached <- struct{}{}
		c.WaitClose()
	}
}

// inFlight has requests under way, in several stages, does something and returns
// what became of them.
func inFlight(t *testing.T, s *session.Session, do func()) map[string]error {
	t.Helper()
	reached := make(chan struct{}, 16)
	inHead := nettest.NewServer(t, waiting("", reached))
	inBody := nettest.NewServer(t, waiting("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reached))
	inTLS := nettest.NewServer(t, func(c *nettest.Conn) { c.ReadBody(1); reached <- struct{}{}; c.WaitClose() })
	ctx, cancel := context.WithTimeout(t.Context(), never)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]error{}
	for _, d := range doors {
		for stage, url := range map[string]string{"head": inHead.URL(), "body": inBody.URL(), "TLS": "https://" + inTLS.Addr()} {
			wg.Go(func() {
				// Not one URL for all doors: the cache would have one wait for the other.
				a := d.do(ctx, s, call{url: url + "/" + d.name})
				mu.Lock()
				defer mu.Unlock()
				got[d.name+" in "+stage] = a.err
			})
		}
	}
	for range 2 * len(doors) {
		<-reached
	}
	// The first door's handshake may be the one that both wait for.
	<-reached
	do()
	wg.Wait()
	return got
}

func TestCloseAllConnections(t *testing.T) {
	nettest.CheckGoroutines(t)
	s := newSession(t, session.Config{})
	s.CloseAllConnections() // none
	idle := nettest.NewServer(t, nettest.Respond(okResponse))
	if a := doors[0].do(t.Context(), s, call{url: idle.URL()}); a.err != nil {
		t.Fatal(a.err)
	}
	for what, err := range inFlight(t, s, s.CloseAllConnections) {
		if neterr.CodeOf(err) != neterr.Aborted {
			t.Errorf("%s: got %v, want %v", what, err, neterr.Aborted)
		}
	}
	nettest.Eventually(t, "the idle connection is closed", func() bool { return idle.Open() == 0 })
	for _, d := range doors {
		wantUsable(t, t.Context(), s, d)
	}
}

func TestClose(t *testing.T) {
	nettest.CheckGoroutines(t)
	s, err := session.New(session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range inFlight(t, s, func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}) {
		if neterr.CodeOf(err) != neterr.ContextShutDown {
			t.Errorf("%s: got %v, want %v", what, err, neterr.ContextShutDown)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	srv := nettest.NewServer(t, nettest.Respond(okResponse))
	for _, d := range doors {
		if a := d.do(t.Context(), s, call{url: srv.URL()}); neterr.CodeOf(a.err) != neterr.ContextShutDown {
			t.Errorf("%s after Close: got %v, want %v", d.name, a.err, neterr.ContextShutDown)
		}
	}
	if err := s.Preconnect(t.Context(), srv.URL(), 1); neterr.CodeOf(err) != neterr.ContextShutDown {
		t.Errorf("Preconnect after Close: got %v, want %v", err, neterr.ContextShutDown)
	}
	s.CloseAllConnections()
	if n := srv.Accepted(); n != 0 {
		t.Errorf("%d connections after Close", n)
	}
}

func TestCloseStopsLog(t *testing.T) {
	s, err := session.New(session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.NetLog().Start(io.Discard, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.NetLog().Running() {
		t.Error("the log still runs")
	}
}

// TestCloseGivesUp: Close waits no longer than it is told to, and can be called
// again.
func TestCloseGivesUp(t *testing.T) {
	s := newSession(t, session.Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no time"))
	if err := s.Close(ctx); err != nil && neterr.CodeOf(err) == 0 {
		t.Errorf("got %v, want nil or an error with a code", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClient(t *testing.T) {
	s := newSession(t, session.Config{})
	c := s.Client()
	if c.Jar != nil {
		t.Error("the client has a Jar")
	}
	if c.Transport != s.RoundTripper() {
		t.Error("the client does not use the session's RoundTripper")
	}
	if s.Client() == c {
		t.Error("two callers share one client, whose fields they may set")
	}
}

// TestConfigNetwork replaces everything below the fetch layer.
func TestConfigNetwork(t *testing.T) {
	var got []string
	idle := 0
	s := newSession(t, session.Config{Network: fakeNetwork{
		roundTrip: func(_ context.Context, req *exchange.Request) (*exchange.Response, error) {
			got = append(got, req.Method+" "+req.URL.String())
			if req.URL.Path == "/fail" {
				return nil, io.ErrUnexpectedEOF
			}
			return &exchange.Response{Status: 204, Proto: "HTTP/1.1", Body: http.NoBody}, nil
		},
		closeIdle: func() { idle++ },
	}})
	for _, d := range doors {
		if a := d.do(t.Context(), s, call{url: "http://nowhere.invalid/x"}); a.err != nil || a.status != 204 {
			t.Errorf("%s: %d, %v", d.name, a.status, a.err)
		}
	}
	if len(got) != 2 || got[0] != "GET http://nowhere.invalid/x" {
		t.Errorf("the network saw %q", got)
	}
	if a := doors[1].do(t.Context(), s, call{url: "http://nowhere.invalid/fail"}); neterr.CodeOf(a.err) != neterr.ConnectionClosed {
		t.Errorf("an error without a code: got %v, want %v", a.err, neterr.ConnectionClosed)
	}
	s.Client().CloseIdleConnections()
	if idle != 1 {
		t.Errorf("CloseIdleConnections reached the network %d times, want 1", idle)
	}
	if err := s.Preconnect(t.Context(), "http://nowhere.invalid/", 1); err != nil {
		t.Errorf("Preconnect: %v", err)
	}
	s.CloseAllConnections()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, d := range doors {
		if a := d.do(t.Context(), s, call{url: "http://nowhere.invalid/x"}); neterr.CodeOf(a.err) != neterr.ContextShutDown {
			t.Errorf("%s after Close: got %v, want %v", d.name, a.err, neterr.ContextShutDown)
		}
	}
}

type fakeNetwork struct {
	roundTrip exchange.RoundTripperFunc
	closeIdle func()
}

func (n fakeNetwork) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	return n.roundTrip(ctx, req)
}

func (n fakeNetwork) CloseIdleConnections() { n.closeIdle() }

// TestCancelReturnsAtOnce: the error is the context's, and the goroutines go.
func TestCancelReturnsAtOnce(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			s := newSession(t, session.Config{})
			before := make(chan struct{}, 1)
			srv := nettest.NewServer(t, waiting("", before))
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-before; cancel() }()
			start := time.Now()
			a := d.do(ctx, s, call{url: srv.URL()})
			if neterr.CodeOf(a.err) != neterr.Aborted || !errors.Is(a.err, context.Canceled) {
				t.Errorf("got %v, want %v and context.Canceled", a.err, neterr.Aborted)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			if a := d.do(ctx, s, call{url: srv.URL()}); neterr.CodeOf(a.err) != neterr.Aborted {
				t.Errorf("with a context that has ended: got %v, want %v", a.err, neterr.Aborted)
			}
			if n := srv.Accepted(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}
