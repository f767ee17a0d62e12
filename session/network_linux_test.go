package session_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

// TestNetworkOfTheSystem changes the address of a real interface.
func TestNetworkOfTheSystem(t *testing.T) {
	if !nettest.InNamespace(t) {
		return
	}
	run := func(line string) {
		t.Helper()
		nettest.IP(t, line)
	}
	run("link set lo up")
	run("link add v0 type veth peer name v1")
	// No addresses of the kernel's own making: they come when they like.
	run("link set v0 addrgenmode none")
	run("link set v1 addrgenmode none")
	run("link set v0 up")
	run("link set v1 up")
	run("addr add 192.0.2.7/24 dev v0")

	t.Run("another address", func(t *testing.T) {
		nettest.CheckGoroutines(t)
		s := newSession(t, session.Config{})
		survive(t, s, doors[0], func() {
			run("addr add 198.51.100.7/24 dev v0")
			run("addr del 192.0.2.7/24 dev v0")
		})
	})
	t.Run("names", func(t *testing.T) {
		s := newSession(t, session.Config{DNS: dns.Config{System: everyName{}, DisableHosts: true}})
		if _, err := s.ResolveHost(t.Context(), "www.test", dns.Options{Source: dns.SourceSystem}); err != nil {
			t.Fatal(err)
		}
		known := dns.Options{CacheUsage: dns.CacheStaleAllowed, Source: dns.SourceSystem}
		changed := time.Now()
		run("addr add 203.0.113.7/24 dev v0")
		nettest.Eventually(t, "what was remembered is stale", func() bool {
			res, err := s.ResolveHost(t.Context(), "www.test", known)
			if err != nil || !res.Cached {
				t.Fatalf("got %+v, %v, want what was remembered", res, err)
			}
			return res.Stale
		})
		if took := time.Since(changed); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("one monitor", func(t *testing.T) {
		nettest.CheckGoroutines(t)
		p := openProfile(t, t.TempDir())
		srv := nettest.NewServer(t, nettest.Respond(okResponse))
		var all []*session.Session
		for _, name := range []string{"a", "b", "c"} {
			all = append(all, open(t, p.FromPartition, name))
		}
		wantMonitors(t, "before the first connection", 0)
		for _, s := range all {
			if a := doors[0].do(t.Context(), s, call{url: srv.URL()}); a.err != nil {
				t.Fatal(a.err)
			}
		}
		wantMonitors(t, "of three sessions", 1)
		for _, s := range all[:2] {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		wantMonitors(t, "of the one that is left", 1)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantMonitors(t, "when all are closed", 0)
		survive(t, open(t, openProfile(t, t.TempDir()).FromPartition, "later"), doors[1], func() {
			run("addr add 192.0.2.7/24 dev v0")
		})
	})
}

// wantMonitors counts the sockets of this network that listen to addresses: the
// namespace is this process's alone.
func wantMonitors(t *testing.T, when string, want int) {
	t.Helper()
	sockets, err := os.ReadFile("/proc/self/net/netlink")
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for line := range strings.Lines(string(sockets)) {
		// sk Eth Pid Groups …: of rtnetlink (0), the groups for links and for the
		// addresses of both families.
		if f := strings.Fields(line); len(f) > 3 && f[1] == "0" && f[3] == "00000111" {
			got++
		}
	}
	if got != want {
		t.Errorf("%s: %d monitors, want %d\n%s", when, got, want, sockets)
	}
}
