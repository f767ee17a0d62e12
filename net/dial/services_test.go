package dial_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestServices asks a real DNS server for the HTTPS records of a host beside its address.
func TestServices(t *testing.T) {
	ln := listener(t)
	addr := netip.MustParseAddrPort(ln.Addr().String())
	named := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: fmt.Sprintf(`
with IN A 127.0.0.1
_%d._https.with IN HTTPS 1 . alpn="h3,h2"
elsewhere IN A 127.0.0.1
_%[1]d._https.elsewhere IN HTTPS 1 other alpn="h2"
without IN A 127.0.0.1
`, addr.Port())})
	resolver := dns.New(dns.Config{
		Nameservers: []netip.AddrPort{netip.MustParseAddrPort(named.DNS)}, DisableHosts: true,
		Client: dns.ClientConfig{BuiltInResolver: dns.On},
	})
	t.Cleanup(resolver.Close)
	d := dial.Dialer{Resolver: resolver}
	for _, c := range []struct {
		host, scheme string
		want         []string
	}{
		{"with.rig.test", "https", []string{"h3", "h2"}},
		{"with.rig.test", "", nil},
		{"elsewhere.rig.test", "https", nil},
		{"without.rig.test", "https", nil},
	} {
		res, err := d.Dial(t.Context(), &dial.Request{Host: c.host, Port: addr.Port(), Scheme: c.scheme})
		if err != nil {
			t.Errorf("%s: %v", c.host, err)
			continue
		}
		res.Conn.Close()
		var alpn []string
		for _, s := range res.Services {
			alpn = append(alpn, s.ALPN...)
		}
		if !slices.Equal(alpn, c.want) {
			t.Errorf("%s for %q: got services that speak %v, want %v", c.host, c.scheme, alpn, c.want)
		}
	}
}

// TestRulesChangePorts: a rule of the resolver says where a host really is.
func TestRulesChangePorts(t *testing.T) {
	ln := listener(t)
	rules, err := dns.ParseRules("MAP *.test " + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resolver := dns.New(dns.Config{Rules: rules, DisableHosts: true})
	t.Cleanup(resolver.Close)
	d := dial.Dialer{Resolver: resolver}
	res, err := d.Dial(t.Context(), &dial.Request{Host: "a.test", Port: 443, Scheme: "https"})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Conn.Close()
	if got, want := res.Conn.RemoteAddr().String(), ln.Addr().String(); got != want {
		t.Errorf("got a connection to %s, want %s", got, want)
	}
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}
