package dns_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// system is a System made of a function.
type system func(ctx context.Context, network, host string) ([]netip.Addr, error)

func (s system) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return s(ctx, network, host)
}

// unasked is a System that must not be asked.
func unasked(t *testing.T) system {
	return func(_ context.Context, network, host string) ([]netip.Addr, error) {
		t.Errorf("the system was asked for %s %s", network, host)
		return nil, errors.New("unasked")
	}
}

// table is a System that knows some names, by family.
func table(v4, v6 map[string][]netip.Addr) system {
	return func(_ context.Context, network, host string) ([]netip.Addr, error) {
		m := v4
		if network == "ip6" {
			m = v6
		}
		if a := m[host]; a != nil {
			return a, nil
		}
		return nil, errNoSuchHost
	}
}

var errNoSuchHost = errors.New("no such host")

func newResolver(t *testing.T, cfg dns.Config) *dns.Resolver {
	nettest.CheckGoroutines(t)
	if cfg.IPv6Reachable == nil {
		cfg.IPv6Reachable = reachable
	}
	r := dns.New(cfg)
	t.Cleanup(r.Close)
	return r
}

func reachable() bool { return true }

func addrs(text string) (list []netip.Addr) {
	for s := range strings.FieldsSeq(text) {
		list = append(list, netip.MustParseAddr(s))
	}
	return list
}

func writeHosts(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolveLocally(t *testing.T) {
	r := newResolver(t, dns.Config{System: unasked(t), HostsFile: writeHosts(t, `
127.0.0.2  localhost evil.localhost
192.0.2.1  printer both
192.0.2.2  printer
2001:db8::1 both six
`)})
	tests := []struct {
		name, host string
		query      dns.QueryType
		source     string
		want       string // addresses; empty: NameNotResolved
	}{
		{"IPv4", "192.0.2.7", dns.QueryAny, "literal", "192.0.2.7"},
		{"IPv6", "2001:DB8::7", dns.QueryAny, "literal", "2001:db8::7"},
		{"IPv6 in brackets", "[2001:db8::7]", dns.QueryAny, "literal", "2001:db8::7"},
		{"mapped IPv4", "::ffff:192.0.2.7", dns.QueryAny, "literal", "192.0.2.7"},
		{"IPv4 of the family", "192.0.2.7", dns.QueryA, "literal", "192.0.2.7"},
		{"IPv4 of the other family", "192.0.2.7", dns.QueryAAAA, "", ""},
		{"IPv6 of the other family", "::1", dns.QueryA, "", ""},
		{"zone", "fe80::1%eth0", dns.QueryAny, "", ""},
		{"zone in brackets", "[fe80::1%25eth0]", dns.QueryAny, "", ""},
		{"IPv4 in brackets", "[192.0.2.7]", dns.QueryAny, "", ""},
		{"localhost", "localhost", dns.QueryAny, "localhost", "::1 127.0.0.1"},
		{"localhost, case and dot", "LocalHost.", dns.QueryAny, "localhost", "::1 127.0.0.1"},
		{"below localhost", "a.b.localhost", dns.QueryAny, "localhost", "::1 127.0.0.1"},
		{"localhost is not taken from the hosts file", "evil.localhost", dns.QueryA, "localhost", "127.0.0.1"},
		{"localhost IPv6", "localhost", dns.QueryAAAA, "localhost", "::1"},
		{"hosts", "printer", dns.QueryAny, "hosts", "192.0.2.1"},
		{"hosts, case", "PRINTER", dns.QueryAny, "hosts", "192.0.2.1"},
		{"hosts, both families", "both", dns.QueryAny, "hosts", "2001:db8::1 192.0.2.1"},
		{"hosts, one of both", "both", dns.QueryA, "hosts", "192.0.2.1"},
		{"hosts, IPv6 only", "six", dns.QueryAny, "hosts", "2001:db8::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Whatever the source is, these answer first.
			for _, source := range []dns.Source{dns.SourceAny, dns.SourceSystem, dns.SourceLocalOnly} {
				res, err := r.Resolve(t.Context(), tt.host, dns.Options{QueryType: tt.query, Source: source})
				if tt.want == "" {
					if !errors.Is(err, neterr.NameNotResolved) || res.Addrs != nil {
						t.Errorf("source %v: got %v, %v; want NameNotResolved", source, res.Addrs, err)
					}
					continue
				}
				if err != nil || !slices.Equal(res.Addrs, addrs(tt.want)) || res.Source != tt.source {
					t.Errorf("source %v: got %v of %q, %v; want %v of %q", source, res.Addrs, res.Source, err, tt.want, tt.source)
				}
			}
		})
	}
}

func TestResolveRejectsNames(t *testing.T) {
	r := newResolver(t, dns.Config{System: unasked(t), DisableHosts: true})
	label := strings.Repeat("a", 63)
	long := strings.Join([]string{label, label, label, label[:61]}, ".") // 253
	tests := []struct{ name, host string }{
		{"empty", ""},
		{"dot", "."},
		{"empty label", "a..b"},
		{"leading dot", ".a"},
		{"two trailing dots", "a.."},
		{"label of 64", label + "a.test"},
		{"name of 254", long + "a"},
		{"name of 5000", strings.Repeat("a.", 2500)},
		{"space", "a b"},
		{"NUL", "a\x00b"},
		{"slash", "a/b"},
		{"percent", "a%2eb"},
		{"at sign", "user@host"},
		{"port", "host:80"},
		{"bad IDNA", "xn--zz\xc3\xa4.test"},
		{"invalid UTF-8", "a\xffb"},
		{"last label begins with a hyphen", "a.-b"},
		{"short IPv4", "127.1"},
		{"IPv4 as one number", "2130706433"},
		{"hexadecimal IPv4", "0x7f.0.0.0x1"},
		{"IPv4 with a dot", "127.0.0.1."},
		{"IPv4 out of range", "256.0.0.1"},
		{"brackets around a name", "[example.test]"},
		{"open bracket", "[::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Resolve(t.Context(), tt.host, dns.Options{})
			if !errors.Is(err, neterr.NameNotResolved) {
				t.Errorf("Resolve(%q) = %v, want NameNotResolved", tt.host, err)
			}
			var e *neterr.Error
			if !errors.As(err, &e) || e.Addr != tt.host || e.Op != "resolve" {
				t.Errorf("error %+v does not say which host", e)
			}
		})
	}
}

func TestResolveAcceptsNames(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Join([]string{label, label, label, label[:61]}, ".")
	tests := []struct{ name, host, asked string }{
		{"plain", "example.test", "example.test"},
		{"case", "Example.TEST", "example.test"},
		{"trailing dot", "example.test.", "example.test."},
		{"single label", "intranet", "intranet"},
		{"underscore", "_dmarc.my_host.test", "_dmarc.my_host.test"},
		{"IDNA", "bücher.example", "xn--bcher-kva.example"},
		{"name of 253", long, long},
		{"digits inside", "1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa"},
		{"hyphen first", "-a.test", "-a.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v4 := map[string][]netip.Addr{tt.asked: addrs("192.0.2.1")}
			r := newResolver(t, dns.Config{System: table(v4, nil), DisableHosts: true})
			res, err := r.Resolve(t.Context(), tt.host, dns.Options{})
			if err != nil || !slices.Equal(res.Addrs, addrs("192.0.2.1")) || res.Source != "system" {
				t.Errorf("got %+v, %v; want 192.0.2.1 of the system", res, err)
			}
		})
	}
}

func TestResolveBySystem(t *testing.T) {
	many := make([]netip.Addr, 5000)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
	}
	r := newResolver(t, dns.Config{DisableHosts: true, System: table(
		map[string][]netip.Addr{
			"both.test":      addrs("192.0.2.1 192.0.2.2 192.0.2.1"),
			"four.test":      addrs("::ffff:192.0.2.1"),
			"collision.test": addrs("127.0.53.53"),
			"private.test":   addrs("10.0.0.1"),
			"empty.test":     {},
			"many.test":      many,
		},
		map[string][]netip.Addr{
			"both.test":      addrs("2001:db8::1"),
			"six.test":       addrs("2001:db8::1"),
			"four.test":      addrs("::ffff:192.0.2.1"), // a resolver that maps
			"collision.test": addrs("2001:db8::1"),
		},
	)})
	tests := []struct {
		name, host string
		query      dns.QueryType
		want       string
		err        neterr.Code
	}{
		{"both families, each address once", "both.test", dns.QueryAny, "2001:db8::1 192.0.2.1 192.0.2.2", 0},
		{"only A asked", "both.test", dns.QueryA, "192.0.2.1 192.0.2.2", 0},
		{"only AAAA asked", "both.test", dns.QueryAAAA, "2001:db8::1", 0},
		{"only AAAA there", "six.test", dns.QueryAny, "2001:db8::1", 0},
		{"A of an IPv6 host", "six.test", dns.QueryA, "", neterr.NameNotResolved},
		{"mapped addresses", "four.test", dns.QueryAny, "192.0.2.1", 0},
		{"private addresses are given out", "private.test", dns.QueryAny, "10.0.0.1", 0},
		{"name collision", "collision.test", dns.QueryAny, "", neterr.ICANNNameCollision},
		{"no addresses and no error", "empty.test", dns.QueryAny, "", neterr.NameNotResolved},
		{"unknown", "unknown.test", dns.QueryAny, "", neterr.NameNotResolved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := r.Resolve(t.Context(), tt.host, dns.Options{QueryType: tt.query})
			if neterr.CodeOf(err) != tt.err || !slices.Equal(res.Addrs, addrs(tt.want)) {
				t.Errorf("got %v, %v; want %q, %v", res.Addrs, err, tt.want, tt.err)
			}
		})
	}

	t.Run("cause", func(t *testing.T) {
		_, err := r.Resolve(t.Context(), "unknown.test", dns.Options{})
		if !errors.Is(err, errNoSuchHost) {
			t.Errorf("got %v, want the system's error behind it", err)
		}
	})
	t.Run("limit of addresses", func(t *testing.T) {
		res, err := r.Resolve(t.Context(), "many.test", dns.Options{})
		if err != nil || len(res.Addrs) != 256 {
			t.Errorf("got %d addresses, %v; want 256", len(res.Addrs), err)
		}
	})
}

func TestOptions(t *testing.T) {
	r := newResolver(t, dns.Config{System: unasked(t), DisableHosts: true})
	tests := []struct {
		name string
		o    dns.Options
		want neterr.Code
	}{
		{"localOnly", dns.Options{Source: dns.SourceLocalOnly}, neterr.NameNotResolved},
		{"unknown source", dns.Options{Source: 99}, neterr.InvalidArgument},
		{"unknown cache usage", dns.Options{CacheUsage: 99}, neterr.InvalidArgument},
		{"unknown query type", dns.Options{QueryType: 99}, neterr.InvalidArgument},
		{"unknown policy", dns.Options{SecureDNSPolicy: exchange.SecureDNSPolicy(99)}, neterr.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := r.Resolve(t.Context(), "example.test", tt.o); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("localOnly says that it is a miss", func(t *testing.T) {
		_, err := r.Resolve(t.Context(), "example.test", dns.Options{Source: dns.SourceLocalOnly})
		if !errors.Is(err, neterr.DNSCacheMiss) {
			t.Errorf("got %v, want DNSCacheMiss behind it", err)
		}
	})
	t.Run("cache usages are accepted", func(t *testing.T) {
		for _, c := range []dns.CacheUsage{dns.CacheAllowed, dns.CacheStaleAllowed, dns.CacheDisallowed} {
			if _, err := r.Resolve(t.Context(), "localhost", dns.Options{CacheUsage: c}); err != nil {
				t.Errorf("%v: %v", c, err)
			}
		}
	})
}

func TestLocalAnswersAllocateLittle(t *testing.T) {
	r := newResolver(t, dns.Config{System: unasked(t), HostsFile: writeHosts(t, "192.0.2.1 printer\n")})
	for _, host := range []string{"192.0.2.7", "2001:db8::7", "localhost", "printer"} {
		ctx := t.Context()
		n := testing.AllocsPerRun(100, func() {
			l := r.Start(ctx, host, dns.Options{})
			if _, done, err := l.Poll(); !done || err != nil {
				t.Fatalf("%s: not answered at once: %v", host, err)
			}
			l.Close()
		})
		if n > 2 {
			t.Errorf("%s: Start made %v allocations, want the Lookup and its addresses", host, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = r.Resolve(ctx, host, dns.Options{}) }); n > 1 {
			t.Errorf("%s: Resolve made %v allocations, want the addresses", host, n)
		}
	}
}
