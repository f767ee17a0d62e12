package dns_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// counting is a System that answers with another address each time.
type counting struct{ asked byte }

func (s *counting) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, errNoSuchHost
	}
	s.asked++
	return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, s.asked})}, nil
}

// TestCacheUsage asks for one name again and again. What is asked of the system has an
// address of its own, so that the answer tells where it came from.
func TestCacheUsage(t *testing.T) {
	site := origin.Site{Scheme: "https", Domain: "a.test"}
	type ask struct {
		after         time.Duration
		network       bool // it changed
		clear         bool
		o             dns.Options
		want          string
		cached, stale bool
	}
	for name, asks := range map[string][]ask{
		"allowed": {
			{want: "192.0.2.1"},
			{after: 59 * time.Second, want: "192.0.2.1", cached: true},
			{after: time.Second, want: "192.0.2.2"},
		},
		"disallowed, and remembered": {
			{want: "192.0.2.1"},
			{o: dns.Options{CacheUsage: dns.CacheDisallowed}, want: "192.0.2.2"},
			{want: "192.0.2.2", cached: true},
		},
		"stale allowed": {
			{o: dns.Options{CacheUsage: dns.CacheStaleAllowed}, want: "192.0.2.1"},
			{after: time.Hour, o: dns.Options{CacheUsage: dns.CacheStaleAllowed}, want: "192.0.2.1", cached: true, stale: true},
			{o: dns.Options{CacheUsage: dns.CacheStaleAllowed}, want: "192.0.2.2", cached: true}, // asked for behind the caller's back
		},
		"the network changed": {
			{want: "192.0.2.1"},
			{network: true, o: dns.Options{CacheUsage: dns.CacheStaleAllowed}, want: "192.0.2.1", cached: true, stale: true},
			{want: "192.0.2.2", cached: true},
			{network: true, want: "192.0.2.3"},
		},
		"cleared": {
			{want: "192.0.2.1"},
			{clear: true, o: dns.Options{CacheUsage: dns.CacheStaleAllowed}, want: "192.0.2.2"},
		},
		"local only": {
			{o: dns.Options{Source: dns.SourceLocalOnly}},
			{want: "192.0.2.1"},
			{o: dns.Options{Source: dns.SourceSystem}, want: "192.0.2.2"},
		},
		"others": {
			{want: "192.0.2.1"},
			{o: dns.Options{Isolation: origin.NewKey(site, site)}, want: "192.0.2.2"},
			{o: dns.Options{QueryType: dns.QueryA}, want: "192.0.2.3"},
			{want: "192.0.2.1", cached: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, dns.Config{System: new(counting)}, func(t *testing.T, r *dns.Resolver) {
				for i, a := range asks {
					time.Sleep(a.after)
					if a.network {
						r.NetworkChanged()
					}
					if a.clear {
						r.ClearCache()
					}
					res, err := r.Resolve(t.Context(), "example.test", a.o)
					if a.want == "" {
						if !errors.Is(err, neterr.DNSCacheMiss) {
							t.Errorf("%d: got %v, %v, want a cache miss", i, res.Addrs, err)
						}
						continue
					}
					if err != nil || !slices.Equal(res.Addrs, addrs(a.want)) || res.Cached != a.cached || res.Stale != a.stale || res.Source != "system" {
						t.Errorf("%d: got %+v, %v, want %s, cached %v, stale %v", i, res, err, a.want, a.cached, a.stale)
					}
					synctest.Wait() // what goes on behind
				}
			})
		})
	}
}

func TestFailuresOfTheSystemAreNotRemembered(t *testing.T) {
	fails := errors.New("out of order")
	bubble(t, dns.Config{System: system(func(context.Context, string, string) ([]netip.Addr, error) {
		if fails != nil {
			return nil, fails
		}
		return addrs("192.0.2.1"), nil
	})}, func(t *testing.T, r *dns.Resolver) {
		if _, err := r.Resolve(t.Context(), "example.test", dns.Options{}); !errors.Is(err, fails) {
			t.Errorf("got %v, want %v", err, fails)
		}
		fails = nil
		if res, err := r.Resolve(t.Context(), "example.test", dns.Options{}); err != nil || res.Cached {
			t.Errorf("got %+v, %v, want a new answer", res, err)
		}
	})
}

func TestNetworkChangeEndsLookups(t *testing.T) {
	bubble(t, dns.Config{System: &slow{v4: time.Hour, v6: time.Hour}}, func(t *testing.T, r *dns.Resolver) {
		l := r.Start(t.Context(), "example.test", dns.Options{})
		defer l.Close()
		synctest.Wait()
		r.NetworkChanged()
		if _, done, err := l.Poll(); !done || !errors.Is(err, neterr.NetworkChanged) {
			t.Errorf("got done %v, %v, want %v", done, err, neterr.NetworkChanged)
		}
	})
}

func TestUnreachableIPv6IsNotAskedFor(t *testing.T) {
	there := false
	sys := &slow{}
	synctest.Test(t, func(t *testing.T) {
		r := dns.New(dns.Config{System: sys, DisableHosts: true, IPv6Reachable: func() bool { return there }})
		defer r.Close()
		for _, c := range []struct {
			there bool
			query dns.QueryType
			want  string
		}{
			{false, dns.QueryAny, "192.0.2.1"},
			{false, dns.QueryAAAA, "2001:db8::1"}, // they alone are wanted
			{true, dns.QueryAny, "2001:db8::1 192.0.2.1"},
		} {
			there = c.there
			res, err := r.Resolve(t.Context(), "example.test", dns.Options{QueryType: c.query})
			if err != nil || !slices.Equal(res.Addrs, addrs(c.want)) {
				t.Errorf("%+v: got %v, %v", c, res.Addrs, err)
			}
		}
	})
}

func TestRemembered(t *testing.T) {
	r := newResolver(t, dns.Config{System: new(counting), DisableHosts: true})
	if _, err := r.Resolve(t.Context(), "example.test", dns.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if res, err := r.Resolve(ctx, "example.test", dns.Options{}); err != nil || !res.Cached {
			t.Fatal(res, err)
		}
	}); n > 1 {
		t.Errorf("got %v allocations, want the addresses", n)
	}
}

func BenchmarkRemembered(b *testing.B) {
	r := dns.New(dns.Config{System: new(counting), DisableHosts: true})
	defer r.Close()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Resolve(ctx, "www.example.test", dns.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRulesComeFirst(t *testing.T) {
	rules, err := dns.ParseRules("MAP gone.test ^NOTFOUND, MAP *.test printer:631, MAP 192.0.2.7 127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	r := newResolver(t, dns.Config{System: unasked(t), HostsFile: writeHosts(t, "192.0.2.1 printer\n"), Rules: rules})
	for _, c := range []struct {
		host, want string
		port       uint16
	}{
		{"a.test", "192.0.2.1", 631},
		{"192.0.2.7", "127.0.0.1", 0},
		{"printer", "192.0.2.1", 0},
		{"gone.test", "", 0},
	} {
		res, err := r.Resolve(t.Context(), c.host, dns.Options{Port: 80})
		if c.want == "" {
			if !errors.Is(err, neterr.NameNotResolved) {
				t.Errorf("%s: got %v, %v", c.host, res, err)
			}
			continue
		}
		if err != nil || !slices.Equal(res.Addrs, addrs(c.want)) || res.Port != c.port {
			t.Errorf("%s: got %v port %d, %v, want %s port %d", c.host, res.Addrs, res.Port, err, c.want, c.port)
		}
	}
}

// TestDenialInVain: that DNS over HTTPS denies a name is not remembered if the system
// knows it, or the second lookup would differ from the first.
func TestDenialInVain(t *testing.T) {
	cfg := dns.Config{
		System: table(map[string][]netip.Addr{"host.test": addrs("192.0.2.1")}, nil),
		HTTP: overHTTPS(func(query []byte) []byte {
			if bytes.Contains(query, []byte("gstatic")) { // a probe
				return replying(good)(query)
			}
			return deniesWell(query)
		}),
		Nameservers: []netip.AddrPort{},
		Client:      dns.ClientConfig{SecureDNSMode: dns.SecureDNSAutomatic, SecureDNSServers: secureServers(t, "https://dns.test/")},
	}
	bubble(t, cfg, func(t *testing.T, r *dns.Resolver) {
		r.Resolve(t.Context(), "other.test", dns.Options{}) // has the server probed
		synctest.Wait()
		for again := range 2 {
			res, err := r.Resolve(t.Context(), "host.test", dns.Options{})
			if err != nil || res.Source != "system" || res.Cached != (again == 1) || !res.Expires.Equal(time.Now().Add(time.Minute)) {
				t.Errorf("lookup %d: got %+v, %v, want the system's answer", again, res, err)
			}
		}
		// What nobody knows is remembered, and by whom.
		for range 2 {
			if _, err := r.Resolve(t.Context(), "none.test", dns.Options{}); !errors.Is(err, neterr.NameNotResolved) {
				t.Errorf("got %v, want %v", err, neterr.NameNotResolved)
			}
		}
		var denied []string
		for _, record := range r.Cache().Snapshot() {
			if record.Answer.Err != 0 {
				denied = append(denied, fmt.Sprint(record.Key.Host, " ", record.Key.Secure))
			}
		}
		if !slices.Equal(denied, []string{"none.test true"}) {
			t.Errorf("remembered that there is no %v, want none.test, secure", denied)
		}
	})
}
