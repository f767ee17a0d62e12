package dial_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/dnswire"
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

// TestServicesHook: the caller hears of the HTTPS records once, with ServicesFirst before
// anything is connected to, and may end it there.
func TestServicesHook(t *testing.T) {
	ln := listener(t)
	addr := netip.MustParseAddrPort(ln.Addr().String())
	named := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: fmt.Sprintf(
		"with IN A 127.0.0.1\n_%d._https.with IN HTTPS 1 . alpn=\"h3,h2\"\nwithout IN A 127.0.0.1\n", addr.Port())})
	resolver := dns.New(dns.Config{
		Nameservers: []netip.AddrPort{netip.MustParseAddrPort(named.DNS)}, DisableHosts: true,
		Client: dns.ClientConfig{BuiltInResolver: dns.On},
	})
	t.Cleanup(resolver.Close)
	enough := errors.New("enough")
	for _, tt := range []struct {
		name, host string
		first      bool
		err        error
		want       string // the order of things
	}{
		{"first", "with.rig.test", true, nil, "1 services, connect"},
		{"none", "without.rig.test", true, nil, "0 services, connect"},
		{"an address", "127.0.0.1", true, nil, "0 services, connect"},
		{"no need to connect", "with.rig.test", true, enough, "1 services"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var order []string
			note := func(s string) {
				mu.Lock()
				order = append(order, s)
				mu.Unlock()
			}
			d := dial.Dialer{Resolver: resolver}
			res, err := d.Dial(t.Context(), &dial.Request{
				Host: tt.host, Port: addr.Port(), Scheme: "https", ServicesFirst: tt.first,
				Services: func(s []dnswire.Service) error { note(fmt.Sprint(len(s), " services")); return tt.err },
				Connect: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
					note("connect")
					return d.UDP(ctx, to)
				},
			})
			if err != tt.err {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err == nil {
				if got := res.Conn.RemoteAddr().String(); got != addr.String() {
					t.Errorf("got a socket for %s, want %s", got, addr)
				}
				res.Conn.Close()
			}
			if got := strings.Join(order, ", "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestUDP: the program's Control sees the socket, whose peer alone it hears.
func TestUDP(t *testing.T) {
	seen := ""
	d := dial.Dialer{Control: func(network, addr string, _ syscall.RawConn) error { seen = network; return nil }}
	socket, err := d.UDP(t.Context(), netip.MustParseAddrPort("127.0.0.1:9"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if !strings.HasPrefix(seen, "udp") || socket.RemoteAddr().String() != "127.0.0.1:9" {
		t.Errorf("control saw %q, the socket is for %v", seen, socket.RemoteAddr())
	}
	refuse := errors.New("no")
	d.Control = func(string, string, syscall.RawConn) error { return refuse }
	if _, err := d.UDP(t.Context(), netip.MustParseAddrPort("127.0.0.1:9")); !errors.Is(err, refuse) {
		t.Errorf("got %v, want what Control said", err)
	}
	other := dial.Dialer{DialContext: new(net.Dialer).DialContext}
	if !d.CanUDP() || other.CanUDP() {
		t.Errorf("UDP: %t, with DialContext %t; want true, false", d.CanUDP(), other.CanUDP())
	}
}
