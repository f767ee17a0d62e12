package dns_test

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestMatrix asks for each kind of name with each combination of options, and shows who
// answered. Real servers answer for DNS and DNS over HTTPS, all from the same zone, and
// an own one for the system's resolver, which knows other names and addresses. What
// the servers are makes no difference.
//
//	matrix [built-in] [mode=automatic|secure] [nobody]
//
// Each row is a resolver that is asked three times for each name: at once, again, and
// after what it remembers has become stale. "dns" means that it was asked each time,
// "dns+" that the second answer was remembered, and "dns+~" the third as well.
func TestMatrix(t *testing.T) {
	ca := nettest.NewCA()
	// The zone is the one where servers are probed.
	named := nettest.Named(t, nettest.NamedConfig{CA: ca, Origin: "gstatic.com", Records: `
www IN A 192.0.2.80
both IN A 192.0.2.1
dns-only IN A 192.0.2.2
alias IN CNAME both
`})
	for _, s := range []struct {
		name  string
		start func(t *testing.T) (dns, https string)
	}{
		{"named", func(*testing.T) (string, string) { return named.DNS, named.HTTPS }},
		{"unbound", func(t *testing.T) (string, string) { return startUnbound(t, ca, named.DNS) }},
		{"dnsmasq", func(t *testing.T) (string, string) {
			_, port, _ := strings.Cut(named.DNS, ":")
			return nettest.Dnsmasq(t, "--server=/gstatic.com/127.0.0.1#"+port).DNS, named.HTTPS
		}},
		{"named over TCP", func(t *testing.T) (string, string) {
			return nettest.Dnsdist(t, named.DNS, "addAction(TCPRule(false), TCAction())\n").DNS, named.HTTPS
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			m := newMatrix(t, ca)
			m.dns, m.https = s.start(t)
			datadriven.RunTest(t, "testdata/matrix", m.run)
		})
	}
}

// startUnbound asks named for what it is asked.
func startUnbound(t *testing.T, ca *nettest.CA, named string) (dns, https string) {
	dir, port := t.TempDir(), nettest.FreePort(t)
	chain, key := ca.IssuePEM("127.0.0.1")
	for name, content := range map[string][]byte{"chain.pem": chain, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	https = fmt.Sprint("127.0.0.1:", port)
	rig := nettest.Unbound(t, fmt.Sprintf(`
	interface: 127.0.0.1@%d
	https-port: %[1]d
	tls-service-pem: "%[2]s/chain.pem"
	tls-service-key: "%[2]s/key.pem"
	local-zone: "local." refuse
stub-zone:
	name: "gstatic.com."
	stub-addr: %s
`, port, dir, strings.Replace(named, ":", "@", 1)))
	return rig.DNS, https
}

type matrix struct {
	dns, https string // addresses
	client     *http.Transport
	hosts      string
}

func newMatrix(t *testing.T, ca *nettest.CA) *matrix {
	nettest.CheckGoroutines(t)
	m := &matrix{
		client: &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true},
		hosts:  writeHosts(t, "203.0.113.1 hosts.gstatic.com\n"),
	}
	t.Cleanup(m.client.CloseIdleConnections)
	return m
}

// The kinds of names, and what each who knows them says.
var (
	kinds = []struct{ title, host string }{
		{"literal", "192.0.2.9"},
		{"localhost", "a.localhost"},
		{"hosts", "hosts.gstatic.com"},
		{"both", "both.gstatic.com"},
		{"dns only", "dns-only.gstatic.com"},
		{"alias", "alias.gstatic.com"},
		{"system only", "system-only.gstatic.com"},
		{"none", "none.gstatic.com"},
		{"multicast", "printer.local"},
		{"invalid", "no..name"},
	}
	known = map[string]map[string]string{
		"literal": {"192.0.2.9": "192.0.2.9"}, "localhost": {"a.localhost": "::1 127.0.0.1"}, "hosts": {"hosts.gstatic.com": "203.0.113.1"},
		"system": {"both.gstatic.com": "198.51.100.1", "system-only.gstatic.com": "198.51.100.2", "printer.local": "198.51.100.3"},
		"dns":    zone, "https": zone,
	}
	zone = map[string]string{"both.gstatic.com": "192.0.2.1", "dns-only.gstatic.com": "192.0.2.2", "alias.gstatic.com": "192.0.2.1"}
)

func (m *matrix) run(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd != "matrix" {
		d.Fatalf(t, "what is %s?", d.Cmd)
	}
	cfg := m.config(t, d)
	var b strings.Builder
	row := func(title string, cells []string) {
		fmt.Fprintf(&b, "%-32s%s\n", title, strings.TrimRight(strings.Join(cells, ""), " "))
	}
	var titles []string
	for _, k := range kinds {
		titles = append(titles, cell(k.title))
	}
	row("", titles)
	for source := dns.SourceAny; source <= dns.SourceLocalOnly; source++ {
		if source == dns.SourceMDNS {
			continue // there is nobody; package mdns asks avahi
		}
		for _, policy := range []exchange.SecureDNSPolicy{exchange.SecureDNSAllow, exchange.SecureDNSDisable} {
			for usage := dns.CacheAllowed; usage <= dns.CacheDisallowed; usage++ {
				word := ""
				if policy == exchange.SecureDNSDisable {
					word = " disable"
				}
				o := dns.Options{Source: source, CacheUsage: usage, SecureDNSPolicy: policy}
				row(fmt.Sprintf("%v %v%s", source, usage, word), m.ask(t, cfg, o))
			}
		}
	}
	return b.String()
}

func cell(s string) string { return fmt.Sprintf("%-12s", s) }

func (m *matrix) config(t *testing.T, d *datadriven.TestData) dns.Config {
	cfg := dns.Config{
		System: knowing(known["system"]), HostsFile: m.hosts, HTTP: m.client, IPv6Reachable: reachable,
		Nameservers: []netip.AddrPort{netip.MustParseAddrPort(m.dns)},
		Client:      dns.ClientConfig{SecureDNSServers: secureServers(t, "https://"+m.https+"/dns-query")},
	}
	if d.HasArg("built-in") {
		cfg.Client.BuiltInResolver = dns.On
	}
	if d.HasArg("nobody") {
		cfg.Client.SecureDNSServers = nil
	}
	if d.HasArg("mode") {
		var name string
		d.ScanArgs(t, "mode", &name)
		cfg.Client.SecureDNSMode = map[string]dns.SecureDNSMode{
			"automatic": dns.SecureDNSAutomatic, "secure": dns.SecureDNSSecure,
		}[name]
	}
	return cfg
}

func knowing(names map[string]string) dns.System {
	v4 := map[string][]netip.Addr{}
	for host, list := range names {
		v4[host] = addrs(list)
	}
	return table(v4, nil)
}

// ask is one row.
func (m *matrix) ask(t *testing.T, cfg dns.Config, o dns.Options) (cells []string) {
	r := dns.New(cfg)
	defer r.Close()
	if cfg.Client.SecureDNSMode == dns.SecureDNSAutomatic {
		nettest.Eventually(t, "a DNS over HTTPS server is known to answer", func() bool {
			res, err := r.Resolve(context.Background(), "both.gstatic.com", dns.Options{CacheUsage: dns.CacheDisallowed})
			return err == nil && res.Source == "https"
		})
		r.ClearCache()
	}
	for _, k := range kinds {
		first, again := answered(t, r, k.host, o), answered(t, r, k.host, o)
		r.Cache().NetworkChanged()
		cells = append(cells, cell(first+mark("+", first, again)+mark("~", first, answered(t, r, k.host, o))))
		r.ClearCache()
	}
	return cells
}

// mark returns how a later answer differs from the first.
func mark(expected, first, later string) string {
	switch {
	case later == first:
		return ""
	case later == first+expected:
		return expected
	}
	return " then " + later
}

// answered is who answered for host, or what else came of it.
func answered(t *testing.T, r *dns.Resolver, host string, o dns.Options) string {
	res, err := r.Resolve(context.Background(), host, o)
	switch {
	case errors.Is(err, neterr.DNSCacheMiss):
		return "unknown"
	case errors.Is(err, neterr.DNSRefused):
		return "refused"
	case neterr.CodeOf(err) == neterr.NameNotResolved && cause(err) == nil:
		return "-"
	case err != nil:
		return err.Error()
	}
	if !slices.Equal(res.Addrs, addrs(known[res.Source][host])) {
		t.Errorf("%s of %s: got %v", host, res.Source, res.Addrs)
	}
	switch {
	case res.Stale:
		return res.Source + "~"
	case res.Cached:
		return res.Source + "+"
	}
	return res.Source
}

// cause returns what went wrong with a server, if something did.
func cause(err error) error {
	var e *neterr.Error
	if errors.As(err, &e) && errors.As(e.Err, &e) {
		return e
	}
	return nil
}
