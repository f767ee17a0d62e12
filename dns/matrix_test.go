package dns_test

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestMatrix asks for each kind of name with each combination of options, and shows who
// answered. A real server answers for DNS and DNS over HTTPS, and an own one for the
// system's resolver, which knows other names and addresses.
//
//	resolver [built-in] [mode=automatic|secure] [nobody]
//	wait until secure
//	resolve [source=…] [cache=…] [policy=disable]
func TestMatrix(t *testing.T) {
	ca := nettest.NewCA()

	// The zone is the one where servers are probed.
	named := nettest.Named(t, nettest.NamedConfig{CA: ca, Origin: "gstatic.com", Records: `
www IN A 192.0.2.80
both IN A 192.0.2.1
dns-only IN A 192.0.2.2
alias IN CNAME both
`})
	secure, err := doh.NewServer("https://" + named.HTTPS + "/dns-query")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true}
	t.Cleanup(client.CloseIdleConnections)
	system := table(map[string][]netip.Addr{
		"both.gstatic.com": addrs("198.51.100.1"), "system-only.gstatic.com": addrs("198.51.100.2"), "printer.local": addrs("198.51.100.3"),
	}, nil)
	hosts := writeHosts(t, "203.0.113.1 hosts.gstatic.com\n")

	var r *dns.Resolver
	datadriven.RunTest(t, "testdata/matrix", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "resolver":
			if r != nil {
				r.Close()
			}
			cfg := dns.Config{
				System: system, HostsFile: hosts, HTTP: client, IPv6Reachable: reachable,
				Nameservers: []netip.AddrPort{netip.MustParseAddrPort(named.DNS)},
				Client:      dns.ClientConfig{SecureDNSServers: []doh.Server{secure}},
			}
			if d.HasArg("built-in") {
				cfg.Client.BuiltInResolver = dns.On
			}
			if d.HasArg("nobody") {
				cfg.Client.SecureDNSServers = nil
			}
			cfg.Client.SecureDNSMode = argument(t, d, "mode", dns.SecureDNSOff, dns.SecureDNSSecure)
			r = dns.New(cfg)
			return ""
		case "wait":
			nettest.Eventually(t, "a DNS over HTTPS server is known to answer", func() bool {
				res, err := r.Resolve(context.Background(), "both.gstatic.com", dns.Options{CacheUsage: dns.CacheDisallowed})
				return err == nil && res.Source == "https"
			})
			r.ClearCache()
			return ""
		case "resolve":
			o := dns.Options{
				Source:     argument(t, d, "source", dns.SourceAny, dns.SourceLocalOnly),
				CacheUsage: argument(t, d, "cache", dns.CacheAllowed, dns.CacheDisallowed),
			}
			if d.HasArg("policy") {
				o.SecureDNSPolicy = exchange.SecureDNSDisable
			}
			var b strings.Builder
			for _, host := range []string{
				"192.0.2.9", "a.localhost", "hosts.gstatic.com", "both.gstatic.com", "dns-only.gstatic.com",
				"alias.gstatic.com", "system-only.gstatic.com", "none.gstatic.com", "printer.local", "no..name",
			} {
				res, err := r.Resolve(context.Background(), host, o)
				fmt.Fprintf(&b, "%-23s %s\n", host, outcome(res, err))
			}
			return b.String()
		}
		d.Fatalf(t, "what is %s?", d.Cmd)
		return ""
	})
	r.Close()
}

func outcome(res dns.Result, err error) string {
	switch {
	case errors.Is(err, neterr.DNSCacheMiss):
		return "not known"
	case cause(err) != nil:
		return fmt.Sprint("failed: ", cause(err))
	case errors.Is(err, neterr.NameNotResolved):
		return "no such name"
	case err != nil:
		return err.Error()
	}
	s := res.Source
	if res.Cached {
		s += ", remembered"
	}
	for _, a := range res.Addrs {
		s += " " + a.String()
	}
	return s
}

// cause returns what went wrong with a server, if something did.
func cause(err error) error {
	var e *neterr.Error
	if errors.As(err, &e) && errors.As(e.Err, &e) {
		return e
	}
	return nil
}

// argument finds the value that an argument names.
func argument[T interface {
	~uint8
	fmt.Stringer
}](t *testing.T, d *datadriven.TestData, key string, first, last T,
) T {
	if !d.HasArg(key) {
		return first
	}
	var name string
	d.ScanArgs(t, key, &name)
	for v := first; v <= last; v++ {
		if v.String() == name {
			return v
		}
	}
	d.Fatalf(t, "what is %s?", name)
	return first
}
