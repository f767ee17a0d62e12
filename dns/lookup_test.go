package dns_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// slow is a System whose answers take their time, and that says what it was asked.
type slow struct {
	v4, v6 time.Duration

	mu      sync.Mutex
	asked   []string
	running int
	most    int // that ran at once
	ended   []string
}

func (s *slow) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	s.mu.Lock()
	s.asked = append(s.asked, network+" "+host)
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}()
	delay, answer := s.v4, netip.MustParseAddr("192.0.2.1")
	if network == "ip6" {
		delay, answer = s.v6, netip.MustParseAddr("2001:db8::1")
	}
	select {
	case <-time.After(delay):
		return []netip.Addr{answer}, nil
	case <-ctx.Done():
		s.mu.Lock()
		s.ended = append(s.ended, network+" "+host)
		s.mu.Unlock()
		return nil, ctx.Err()
	}
}

func (s *slow) log() (asked, ended []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.asked)
	slices.Sort(s.ended)
	return slices.Clone(s.asked), slices.Clone(s.ended)
}

// bubble runs f with a resolver on sys in fake time, in which leaked goroutines
// fail the test.
func bubble(t *testing.T, cfg dns.Config, f func(t *testing.T, r *dns.Resolver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.DisableHosts = true
		cfg.IPv6Reachable = reachable
		r := dns.New(cfg)
		defer r.Close()
		f(t, r)
	})
}

func TestLookupGivesFamiliesAsTheyCome(t *testing.T) {
	type step struct {
		at    time.Duration
		addrs string
		done  bool
	}
	const both = "2001:db8::1 192.0.2.1"
	tests := []struct {
		name   string
		system slow
		steps  []step
	}{
		{"IPv6 first", slow{v4: 70 * time.Millisecond, v6: 10 * time.Millisecond}, []step{
			{10 * time.Millisecond, "2001:db8::1", false},
			{70 * time.Millisecond, both, true},
		}},
		{"IPv4 a little earlier", slow{v4: 10 * time.Millisecond, v6: 59 * time.Millisecond}, []step{
			{59 * time.Millisecond, both, true},
		}},
		{"IPv4 much earlier", slow{v4: 10 * time.Millisecond, v6: 70 * time.Millisecond}, []step{
			{60 * time.Millisecond, "192.0.2.1", false},
			{70 * time.Millisecond, both, true},
		}},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, dns.Config{System: &tt.system}, func(t *testing.T, r *dns.Resolver) {
				start := time.Now()
				l := r.Start(t.Context(), "example.test", dns.Options{})
				defer l.Close()
				for _, want := range append([]step{{}}, tt.steps...) {
					if want.at > 0 {
						<-l.Changed()
					}
					res, done, err := l.Poll()
					if at := time.Since(start); at != want.at || !slices.Equal(res.Addrs, addrs(want.addrs)) || done != want.done || err != nil {
						t.Errorf("after %v: %v, done %v, %v; want after %v: %s, done %v", at, res.Addrs, done, err, want.at, want.addrs, want.done)
					}
				}
				if l.Changed() != nil {
					t.Error("Changed is not nil after the end")
				}
			})
		})
	}
}

func TestChangedWithoutPoll(t *testing.T) {
	bubble(t, dns.Config{System: &slow{v4: time.Millisecond, v6: time.Millisecond}}, func(t *testing.T, r *dns.Resolver) {
		l := r.Start(t.Context(), "example.test", dns.Options{})
		defer l.Close()
		<-l.Changed()
		if res, _, _ := l.Poll(); len(res.Addrs) == 0 {
			t.Error("Changed told of something, and Poll has nothing")
		}
	})
}

func TestEqualLookupsAreJoined(t *testing.T) {
	sys := &slow{v4: time.Second, v6: time.Second}
	bubble(t, dns.Config{System: sys}, func(t *testing.T, r *dns.Resolver) {
		var wg sync.WaitGroup
		for _, host := range []string{"example.test", "EXAMPLE.test", "example.test"} {
			wg.Go(func() {
				if _, err := r.Resolve(t.Context(), host, dns.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if asked, _ := sys.log(); len(asked) != 2 {
			t.Errorf("asked %v, want one question for each family", asked)
		}
	})
}

func TestDifferentLookupsAreNotJoined(t *testing.T) {
	site := origin.Site{Scheme: "https", Domain: "a.test"}
	others := []dns.Options{{QueryType: dns.QueryA}, {Isolation: origin.NewKey(site, site)}}
	for _, o := range others {
		sys := &slow{v4: time.Second, v6: time.Second}
		bubble(t, dns.Config{System: sys}, func(t *testing.T, r *dns.Resolver) {
			a := r.Start(t.Context(), "example.test", dns.Options{})
			b := r.Start(t.Context(), "example.test", o)
			defer a.Close()
			defer b.Close()
			synctest.Wait()
			if asked, _ := sys.log(); len(asked) < 3 {
				t.Errorf("%+v: asked only %v", o, asked)
			}
		})
	}
}

func TestOneCallerLeaves(t *testing.T) {
	sys := &slow{v4: time.Second, v6: time.Second}
	bubble(t, dns.Config{System: sys}, func(t *testing.T, r *dns.Resolver) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		stays := r.Start(t.Context(), "example.test", dns.Options{})
		defer stays.Close()
		start := time.Now()
		_, err := r.Resolve(ctx, "example.test", dns.Options{})
		if !errors.Is(err, neterr.TimedOut) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 100*time.Millisecond {
			t.Errorf("the impatient caller got %v after %v, want TimedOut after 100ms", err, time.Since(start))
		}
		for done := false; !done; {
			<-stays.Changed()
			_, done, err = stays.Poll()
		}
		if _, ended := sys.log(); err != nil || ended != nil {
			t.Errorf("the other one got %v, with %v cancelled", err, ended)
		}
	})
}

func TestLastCallerLeaves(t *testing.T) {
	sys := &slow{v4: time.Second, v6: time.Second}
	bubble(t, dns.Config{System: sys}, func(t *testing.T, r *dns.Resolver) {
		a := r.Start(t.Context(), "example.test", dns.Options{})
		b := r.Start(t.Context(), "example.test", dns.Options{})
		synctest.Wait()
		a.Close()
		a.Close()
		synctest.Wait()
		if _, ended := sys.log(); ended != nil {
			t.Fatalf("%v cancelled while one caller waits", ended)
		}
		b.Close()
		synctest.Wait()
		if _, ended := sys.log(); len(ended) != 2 {
			t.Errorf("cancelled %v, want both questions", ended)
		}
		if _, done, err := b.Poll(); !done || !errors.Is(err, neterr.Aborted) {
			t.Errorf("Poll after Close = %v, %v; want done, Aborted", done, err)
		}
		// The abandoned question is not joined.
		if _, err := r.Resolve(t.Context(), "example.test", dns.Options{}); err != nil {
			t.Errorf("the next lookup got %v", err)
		}
	})
}

func TestCallerHasGoneAlready(t *testing.T) {
	sys := &slow{}
	bubble(t, dns.Config{System: sys}, func(t *testing.T, r *dns.Resolver) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(neterr.NetworkChanged)
		_, err := r.Resolve(ctx, "example.test", dns.Options{})
		if asked, _ := sys.log(); !errors.Is(err, neterr.NetworkChanged) || asked != nil {
			t.Errorf("got %v and asked %v, want NetworkChanged and nothing", err, asked)
		}
	})
}

func TestLookupsWaitForTheirTurn(t *testing.T) {
	sys := &slow{v4: time.Second, v6: time.Second}
	bubble(t, dns.Config{System: sys, MaxLookups: 2}, func(t *testing.T, r *dns.Resolver) {
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if _, err := r.Resolve(t.Context(), fmt.Sprintf("host%d.test", i), dns.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		gone := r.Start(t.Context(), "gone.test", dns.Options{})
		gone.Close() // while it waits
		wg.Wait()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("6 names, 2 at a time, took %v; want 3s", took)
		}
		asked, _ := sys.log()
		if sys.most != 4 || len(asked) != 12 || slices.Contains(asked, "ip4 gone.test") {
			t.Errorf("%d questions at once, asked %v; want 4 (2 names, 2 families), and none for gone.test", sys.most, asked)
		}
	})
}

func TestNoLimit(t *testing.T) {
	sys := &slow{v4: time.Second, v6: time.Second}
	bubble(t, dns.Config{System: sys, MaxLookups: -1}, func(t *testing.T, r *dns.Resolver) {
		for i := range 100 {
			defer r.Start(t.Context(), fmt.Sprintf("host%d.test", i), dns.Options{}).Close()
		}
		synctest.Wait()
		if sys.most != 200 {
			t.Errorf("%d questions at once, want 200", sys.most)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	sys := &slow{v4: time.Second, v6: time.Second}
	bubble(t, dns.Config{System: sys, MaxLookups: 1}, func(t *testing.T, r *dns.Resolver) {
		refused := 0
		for i := range 103 {
			l := r.Start(t.Context(), fmt.Sprintf("host%d.test", i), dns.Options{})
			defer l.Close()
			if _, done, err := l.Poll(); done {
				if refused++; !errors.Is(err, neterr.HostResolverQueueTooLarge) {
					t.Errorf("lookup %d: %v, want HostResolverQueueTooLarge", i, err)
				}
			}
		}
		if refused != 2 {
			t.Errorf("%d of 103 refused with 1 running, want 2", refused)
		}
	})
}

func TestClose(t *testing.T) {
	sys := &slow{v4: time.Hour, v6: time.Hour}
	bubble(t, dns.Config{System: sys, MaxLookups: 1}, func(t *testing.T, r *dns.Resolver) {
		running := r.Start(t.Context(), "running.test", dns.Options{})
		queued := r.Start(t.Context(), "queued.test", dns.Options{})
		defer running.Close()
		defer queued.Close()
		synctest.Wait()
		r.Close()
		r.Close()
		if _, ended := sys.log(); len(ended) != 2 {
			t.Errorf("Close returned with %v cancelled, want both questions", ended)
		}
		for name, l := range map[string]*dns.Lookup{
			"running": running, "queued": queued,
			"later": r.Start(t.Context(), "later.test", dns.Options{}),
		} {
			if _, done, err := l.Poll(); !done || !errors.Is(err, neterr.ContextShutDown) {
				t.Errorf("%s: done %v, %v; want ContextShutDown", name, done, err)
			}
		}
		if _, err := r.Resolve(t.Context(), "192.0.2.1", dns.Options{}); err != nil {
			t.Errorf("a literal: %v", err)
		}
	})
}

func TestResultsAreTheCallers(t *testing.T) {
	bubble(t, dns.Config{System: &slow{}}, func(t *testing.T, r *dns.Resolver) {
		a := r.Start(t.Context(), "example.test", dns.Options{})
		b := r.Start(t.Context(), "example.test", dns.Options{})
		defer a.Close()
		defer b.Close()
		synctest.Wait()
		got, _, _ := a.Poll()
		clear(got.Addrs)
		if got, _, _ := b.Poll(); !slices.Equal(got.Addrs, addrs("2001:db8::1 192.0.2.1")) {
			t.Errorf("one caller's change reached the other: %v", got.Addrs)
		}
	})
}
