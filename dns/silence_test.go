package dns_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
)

// mute is a System that never answers.
var mute = system(func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
})

// TestSilence: however many say nothing, a name takes 10 s at most, and less where
// there is somebody else to ask.
func TestSilence(t *testing.T) {
	nobody := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	knows := table(map[string][]netip.Addr{"host.test": addrs("192.0.2.99")}, nil)
	const second, longest = time.Second, 10 * time.Second
	for _, tt := range []struct {
		name    string
		source  dns.Source
		client  dns.ClientConfig
		servers int
		system  dns.System
		took    time.Duration
		want    string // empty: nobody answers
	}{
		{name: "the system", system: mute, took: longest},
		{name: "source system", source: dns.SourceSystem, system: mute, took: longest},
		{name: "source dns, 1 server", source: dns.SourceDNS, servers: 1, system: unasked(t), took: longest},
		{name: "source dns, 3 servers", source: dns.SourceDNS, servers: 3, system: unasked(t), took: longest},
		{name: "source dns, 20 servers", source: dns.SourceDNS, servers: 20, system: unasked(t), took: longest},
		{
			name: "built-in, 1 server, then the system", client: dns.ClientConfig{BuiltInResolver: dns.On}, servers: 1,
			system: knows, took: 3030 * time.Millisecond, want: "192.0.2.99",
		},
		{
			name: "built-in, 3 servers, then the system", client: dns.ClientConfig{BuiltInResolver: dns.On}, servers: 3,
			system: knows, took: 9090 * time.Millisecond, want: "192.0.2.99",
		},
		{
			name: "built-in, 1 server, and the system silent as well", client: dns.ClientConfig{BuiltInResolver: dns.On}, servers: 1,
			system: mute, took: longest,
		},
		{
			name: "secure", client: dns.ClientConfig{
				SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: secureServers(t, "https://a.test/", "https://b.test/"),
			}, system: unasked(t), took: longest,
		},
		{
			name: "automatic, and nothing known of the servers", client: dns.ClientConfig{
				SecureDNSMode: dns.SecureDNSAutomatic, SecureDNSServers: secureServers(t, "https://a.test/"),
			}, system: knows, took: 0, want: "192.0.2.99",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers := nameservers{list: slices.Repeat([]nameserver{silent}, tt.servers)}
			cfg := dns.Config{System: tt.system, Nameservers: servers.addrs(), Dial: servers.dial, HTTP: nobody, Client: tt.client}
			if cfg.Nameservers == nil {
				cfg.Nameservers = []netip.AddrPort{}
			}
			bubble(t, cfg, func(t *testing.T, r *dns.Resolver) {
				defer servers.serving.Wait()
				start := time.Now()
				res, err := r.Resolve(t.Context(), "host.test", dns.Options{Source: tt.source, QueryType: dns.QueryA})
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				switch {
				case tt.want != "":
					if err != nil || !slices.Equal(res.Addrs, addrs(tt.want)) {
						t.Errorf("got %v, %v, want %s", res.Addrs, err, tt.want)
					}
				case neterr.CodeOf(err) != neterr.NameNotResolved || !errors.Is(err, neterr.DNSTimedOut):
					t.Errorf("got %v, want NameNotResolved because of DNSTimedOut", err)
				}
			})
		})
	}
	t.Run("in the queue", func(t *testing.T) {
		servers := nameservers{list: []nameserver{silent}}
		cfg := dns.Config{Nameservers: servers.addrs(), Dial: servers.dial, MaxLookups: 1}
		bubble(t, cfg, func(t *testing.T, r *dns.Resolver) {
			o := dns.Options{Source: dns.SourceDNS, QueryType: dns.QueryA}
			start := time.Now()
			first := r.Start(t.Context(), "other.test", o)
			defer first.Close()
			if _, err := r.Resolve(t.Context(), "host.test", o); !errors.Is(err, neterr.DNSTimedOut) || time.Since(start) != 2*longest {
				t.Errorf("got %v after %v, want its own 10 s after another's", err, time.Since(start))
			}
			r.Close()
			servers.serving.Wait()
		})
	})
	t.Run("late", func(t *testing.T) {
		servers := nameservers{list: []nameserver{says(func(query []byte) []byte {
			time.Sleep(9 * second)
			return replying(good)(query)
		})}}
		bubble(t, dns.Config{Nameservers: servers.addrs(), Dial: servers.dial}, func(t *testing.T, r *dns.Resolver) {
			start := time.Now()
			res, err := r.Resolve(t.Context(), "host.test", dns.Options{Source: dns.SourceDNS, QueryType: dns.QueryA})
			if err != nil || !slices.Equal(res.Addrs, addrs("192.0.2.99")) || time.Since(start) != 9*second {
				t.Errorf("got %v, %v after %v, want the answer after 9 s", res.Addrs, err, time.Since(start))
			}
			r.Close()
			servers.serving.Wait()
		})
	})
}
