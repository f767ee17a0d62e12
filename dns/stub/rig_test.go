package stub_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/stub"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// rigRecords is a zone with something of each kind.
func rigRecords() string {
	var b strings.Builder
	b.WriteString(`
h A 192.0.2.1
h A 192.0.2.2
h AAAA 2001:db8::1
h TXT "a" "b"
h HTTPS 1 . alpn="h3,h2" port=8443
one CNAME two
two CNAME h
dangling CNAME nowhere
_s._tcp SRV 1 2 3 h
10 PTR h
`)
	for i := range 300 {
		fmt.Fprintf(&b, "many A 10.0.%d.%d\n", i>>8, i&0xff)
	}
	return b.String()
}

// patient is a fallback period that no server takes but one that does not answer.
const patient = 5 * time.Second

func client(timeout time.Duration, rigs ...*nettest.Rig) *stub.Client {
	cfg := stub.Config{Timeout: timeout}
	for _, r := range rigs {
		cfg.Servers = append(cfg.Servers, netip.MustParseAddrPort(r.DNS))
	}
	return stub.New(cfg)
}

func addrs(s ...string) (list []netip.Addr) {
	for _, a := range s {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

func TestNamed(t *testing.T) {
	named := nettest.Named(t, nettest.NamedConfig{
		Origin: "rig.test", Records: rigRecords(), Options: "max-records-per-type 0;",
	})
	nettest.CheckGoroutines(t)
	c := client(patient, named)
	const minute, negative = time.Minute, 30 * time.Second
	for _, tc := range []struct {
		name string
		typ  dnswire.Type
		want dnswire.Answer
	}{
		{"h.rig.test", dnswire.A, dnswire.Answer{Addrs: addrs("192.0.2.1", "192.0.2.2"), CanonicalName: "h.rig.test", TTL: minute}},
		{"H.Rig.Test.", dnswire.AAAA, dnswire.Answer{Addrs: addrs("2001:db8::1"), CanonicalName: "h.rig.test", TTL: minute}},
		{"one.rig.test", dnswire.A, dnswire.Answer{Addrs: addrs("192.0.2.1", "192.0.2.2"), CanonicalName: "h.rig.test", TTL: minute}},
		{"h.rig.test", dnswire.TXT, dnswire.Answer{Texts: [][]string{{"a", "b"}}, CanonicalName: "h.rig.test", TTL: minute}},
		{"h.rig.test", dnswire.HTTPS, dnswire.Answer{
			Services:      []dnswire.Service{{Priority: 1, ALPN: []string{"h3", "h2"}, Port: 8443}},
			CanonicalName: "h.rig.test", TTL: minute,
		}},
		{"_s._tcp.rig.test", dnswire.SRV, dnswire.Answer{
			Servers:       []dnswire.Server{{Priority: 1, Weight: 2, Port: 3, Target: "h.rig.test"}},
			CanonicalName: "_s._tcp.rig.test", TTL: minute,
		}},
		{"10.rig.test", dnswire.PTR, dnswire.Answer{Names: []string{"h.rig.test"}, CanonicalName: "10.rig.test", TTL: minute}},
		{"10.rig.test", dnswire.A, dnswire.Answer{CanonicalName: "10.rig.test", TTL: negative}},
		{"missing.rig.test", dnswire.A, dnswire.Answer{CanonicalName: "missing.rig.test", NameError: true, TTL: negative}},
		{"dangling.rig.test", dnswire.A, dnswire.Answer{CanonicalName: "nowhere.rig.test", NameError: true, TTL: negative}},
	} {
		tc.want.Known = true
		got, err := c.Query(t.Context(), dnswire.Question{Name: tc.name, Type: tc.typ}, stub.Options{})
		if err == nil {
			slices.SortFunc(got.Addrs, netip.Addr.Compare) // named turns them round
		}
		if err != nil || !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s %v: got %+v, %v, want %+v", tc.name, tc.typ, got, err, tc.want)
		}
	}
	// Too long for UDP.
	got, err := c.Query(t.Context(), dnswire.Question{Name: "many.rig.test", Type: dnswire.A}, stub.Options{})
	if err != nil || len(got.Addrs) != 300 {
		t.Errorf("many.rig.test: got %+v, %v, want 300 addresses", got, err)
	}
	// A zone that it knows nothing of.
	if got, err := c.Query(t.Context(), dnswire.Question{Name: "h.other.test", Type: dnswire.A}, stub.Options{}); !errors.Is(err, neterr.DNSRefused) {
		t.Errorf("h.other.test: got %+v, %v, want %v", got, err, neterr.DNSRefused)
	}
}

// TestBadServers has dnsdist in front of named treat questions badly.
func TestBadServers(t *testing.T) {
	named := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: "*.bad A 192.0.2.3\n"})
	bad := nettest.Dnsdist(t, named.DNS, `
addAction("servfail.bad.rig.test", RCodeAction(DNSRCode.SERVFAIL))
addAction("refused.bad.rig.test", RCodeAction(DNSRCode.REFUSED))
addAction("notimp.bad.rig.test", RCodeAction(DNSRCode.NOTIMP))
addAction("drop.bad.rig.test", DropAction())
addAction("slow.bad.rig.test", DelayAction(600))
addAction(AndRule({QNameRule("tcp.bad.rig.test"), TCPRule(false)}), TCAction())
`)
	nettest.CheckGoroutines(t)
	query := func(c *stub.Client, host string, o stub.Options) (*dnswire.Answer, []string, error) {
		var log netlog.Log
		var file bytes.Buffer
		if err := log.Start(&file, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		o.NetLog = log.Source(netlog.SourceNone)
		a, err := c.Query(t.Context(), dnswire.Question{Name: host + ".bad.rig.test", Type: dnswire.A}, o)
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}
		var asked []string
		for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
			if e.Name == "SOCKET_ALIVE" && e.Phase == "+" {
				asked = append(asked, fmt.Sprint(e.Source, " ", e.Params["address"]))
			}
		}
		return a, asked, err
	}
	viaBad, viaNamed, overTCP := "UDP_SOCKET "+bad.DNS, "UDP_SOCKET "+named.DNS, "SOCKET "+bad.DNS
	const short = 300 * time.Millisecond
	for _, tc := range []struct {
		name    string
		timeout time.Duration
		asked   []string
	}{
		{"well", patient, []string{viaBad}},
		{"servfail", patient, []string{viaBad, viaNamed}},
		{"refused", patient, []string{viaBad, viaNamed}},
		{"notimp", patient, []string{viaBad, viaNamed}},
		{"drop", short, []string{viaBad, viaNamed}},
		{"slow", short, []string{viaBad, viaNamed}},
		{"tcp", patient, []string{viaBad, overTCP}},
	} {
		a, asked, err := query(client(tc.timeout, bad, named), tc.name, stub.Options{})
		if tc.timeout == short {
			asked = asked[:min(len(asked), len(tc.asked))] // on a busy machine, even named takes longer
		}
		if err != nil || !slices.Equal(a.Addrs, addrs("192.0.2.3")) || !slices.Equal(asked, tc.asked) {
			t.Errorf("%s: got %+v, %v by asking %v, want 192.0.2.3 by asking %v", tc.name, a, err, asked, tc.asked)
		}
	}
	for name, want := range map[string]error{
		"servfail": neterr.DNSServerFailure,
		"refused":  neterr.DNSRefused,
		"notimp":   neterr.DNSNotImplemented,
	} {
		a, asked, err := query(client(patient, bad), name, stub.Options{})
		if !errors.Is(err, want) || !slices.Equal(asked, []string{viaBad, viaBad}) {
			t.Errorf("%s alone: got %+v, %v by asking %v, want %v by asking twice", name, a, err, asked, want)
		}
	}
	// Slow, but the only one: its first answer counts.
	if a, _, err := query(client(short, bad), "slow", stub.Options{}); err != nil || !slices.Equal(a.Addrs, addrs("192.0.2.3")) {
		t.Errorf("slow alone: got %+v, %v", a, err)
	}
	if a, _, err := query(client(20*time.Millisecond, bad), "drop", stub.Options{FastTimeout: true}); !errors.Is(err, neterr.DNSTimedOut) {
		t.Errorf("drop alone: got %+v, %v, want %v", a, err, neterr.DNSTimedOut)
	}
}

func TestOtherServers(t *testing.T) {
	for _, tc := range []struct {
		name string
		rig  *nettest.Rig
	}{
		{"dnsmasq", nettest.Dnsmasq(t, "--address=/h.test/192.0.2.1", "--address=/missing.test/")},
		{"unbound", nettest.Unbound(t, `
	local-data: "h.test. 60 A 192.0.2.1"
	local-zone: "missing.test." always_nxdomain
`)},
	} {
		c := client(patient, tc.rig)
		for _, tcp := range []bool{false, true} {
			if tcp {
				c = stub.New(stub.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort(tc.rig.DNS)}, UseTCP: true})
			}
			a, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, stub.Options{})
			if err != nil || !slices.Equal(a.Addrs, addrs("192.0.2.1")) {
				t.Errorf("%s, tcp %v: h.test: got %+v, %v", tc.name, tcp, a, err)
			}
			a, err = c.Query(t.Context(), dnswire.Question{Name: "missing.test", Type: dnswire.A}, stub.Options{})
			if err != nil || !a.NameError {
				t.Errorf("%s, tcp %v: missing.test: got %+v, %v, want that there is none", tc.name, tcp, a, err)
			}
		}
	}
}
