package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

// TestMaxConnsPerHost has 64 requests at once share the sockets that Chromium
// allows.
func TestMaxConnsPerHost(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  session.Config
		most int
	}{
		{"default", session.Config{}, 6},
		{"two", session.Config{MaxConnsPerHost: 2}, 2},
		{"total", session.Config{MaxConnsPerHost: -1, MaxConns: 3}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			s := newSession(t, straight(tt.cfg))
			srv := nettest.NewServer(t, nettest.Respond(okResponse))
			storm(t, s, srv.URL(), 64, 10)
			if n := srv.MaxOpen(); n > tt.most {
				t.Errorf("%d sockets open at once, want at most %d", n, tt.most)
			}
			if n := srv.Accepted(); n > tt.most {
				t.Errorf("%d sockets in all, want at most %d: they are kept alive", n, tt.most)
			}
		})
	}
}

// TestLimitIsUsed: as many requests as the limit allows are served at one time.
func TestLimitIsUsed(t *testing.T) {
	for _, limit := range []int{0, 2, -1} {
		want := map[int]int{0: 6, 2: 2, -1: 10}[limit]
		s := newSession(t, straight(session.Config{MaxConnsPerHost: limit}))
		reached := make(chan struct{}, 16)
		srv := nettest.NewServer(t, waiting("", reached))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { doors[0].do(ctx, s, call{url: srv.URL()}) })
		}
		for range want {
			<-reached
		}
		if n := srv.Accepted(); n != want {
			t.Errorf("limit %d: %d sockets, want %d", limit, n, want)
		}
		cancel() // a slot that frees goes to one that has not noticed yet
		wg.Wait()
	}
}

func TestIgnoreLimits(t *testing.T) {
	s := newSession(t, straight(session.Config{MaxConnsPerHost: 1}))
	srv := nettest.NewServer(t, held("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
	hold, err := s.Client().Get(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Body.Close()
	ctx := exchange.WithOptions(t.Context(), &exchange.Options{LoadFlags: exchange.IgnoreLimits, Priority: exchange.Highest})
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.RoundTripper().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n := srv.Accepted(); n != 2 {
		t.Errorf("%d sockets, want 2", n)
	}
}

// storm sends n times each requests, n at once, through the session's client.
func storm(t *testing.T, s *session.Session, url string, n, each int) {
	t.Helper()
	client := s.Client()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for range each {
				resp, err := client.Get(url)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || len(b) == 0 {
					t.Errorf("%s %q %v", resp.Status, b, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestLongWaitWarns: a body that nobody closes holds its socket, and who waits for
// it longer than 10 s is told which field to raise. The server stands outside the
// bubble: while it answers, the bubble's clock stands still.
func TestLongWaitWarns(t *testing.T) {
	for _, tt := range []struct {
		field string
		cfg   session.Config
	}{
		{"MaxConnsPerHost", session.Config{MaxConnsPerHost: 1}},
		{"MaxConns", session.Config{MaxConns: 1}},
	} {
		t.Run(tt.field, func(t *testing.T) {
			srv := nettest.NewServer(t, held("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				cfg := straight(tt.cfg)
				cfg.Monitor = netmon.New(netmon.Config{List: func() ([]netmon.Address, error) { return nil, nil }})
				defer cfg.Monitor.Close()
				cfg.Logger = slog.New(slog.NewJSONHandler(&out, nil))
				s, err := session.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := s.Fetch(t.Context(), srv.URL(), nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 11*time.Second)
				defer cancel()
				if _, err := s.Fetch(ctx, srv.URL(), nil); neterr.CodeOf(err) != neterr.TimedOut {
					t.Errorf("the second request: got %v, want %v", err, neterr.TimedOut)
				}
				resp.Body.Close()
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
				var rec struct{ Level, Field, Group string }
				if err := json.Unmarshal(out.Bytes(), &rec); err != nil {
					t.Fatalf("%v: %q", err, out.String())
				}
				if rec.Level != "WARN" || rec.Field != tt.field || !strings.Contains(rec.Group, srv.Addr()) {
					t.Errorf("got %+v, want a warning that names %s", rec, tt.field)
				}
			})
		})
	}
}
