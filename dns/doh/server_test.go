package doh_test

import (
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

func TestTemplates(t *testing.T) {
	for _, c := range []struct {
		name, template, method, host string
		url                          string // up to the question
	}{
		{"GET", "https://dns.test/dns-query{?dns}", "GET", "dns.test", "https://dns.test/dns-query?dns=AAAB"},
		{"GET with more", "https://dns.test/q?a=b{&dns}", "GET", "dns.test", "https://dns.test/q?a=b&dns=AAAB"},
		{"GET in the path", "https://dns.test/{dns}/q", "GET", "dns.test", "https://dns.test/AAAB"},
		{"POST", "https://dns.test/dns-query", "POST", "dns.test", "https://dns.test/dns-query"},
		{"POST with another variable", "https://dns.test/dns-query{?x}", "POST", "dns.test", "https://dns.test/dns-query"},
		{"a port", "https://dns.test:8443/q", "POST", "dns.test", "https://dns.test:8443/q"},
		{"an address", "https://[2001:DB8::1]:8443/q", "POST", "2001:db8::1", "https://[2001:DB8::1]:8443/q"},
		{"capitals", "HTTPS://DNS.test/q", "POST", "dns.test", "https://DNS.test/q"},
		{"not ASCII", "https://dns.bücher.test/q", "POST", "dns.xn--bcher-kva.test", "https://dns.b"},
		{"user info and fragment", "https://me:pass@dns.test/q#top", "POST", "dns.test", "https://dns.test/q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked *http.Request
			s := server(t, c.template)
			client := doh.New(doh.Config{Servers: []doh.Server{s}, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
				asked = r
				return nil, neterr.ConnectionRefused
			})})
			defer client.Close()
			_, err := client.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
			if !errors.Is(err, neterr.ConnectionRefused) {
				t.Fatalf("Query: got %v, want %v", err, neterr.ConnectionRefused)
			}
			if s.Host() != c.host || s.String() != c.template || asked.Method != c.method || !strings.HasPrefix(asked.URL.String(), c.url) {
				t.Errorf("got %q, %s %s of %s", s.Host(), asked.Method, asked.URL, s.String())
			}
			if asked.URL.User != nil || asked.URL.Fragment != "" {
				t.Errorf("got %s with what is not sent", asked.URL)
			}
		})
	}
}

func TestBadTemplates(t *testing.T) {
	for _, template := range []string{
		"", "dns.test", "/q", "http://dns.test/q", "https:", "https:///q", "https://", "https:dns.test",
		"https://dns.test/{dns", "https://dns.test/{?dns,}", "https://dns.test/}",
		"https://{dns}/q", "https://{dns:1}.test/q", "https://x.test:{dns}/", "{dns}", "htt{x}p://dns.test",
		"https://dns.test:0/", "https://dns.test:65536/", "https://dns.test:x/", "https://dns test/", "https://dns<test/", "https://[::1/",
	} {
		s, err := doh.NewServer(template)
		if !errors.Is(err, neterr.InvalidArgument) || !strings.HasSuffix(err.Error(), "not a valid DoH template: "+template) {
			t.Errorf("%q: got %v, %v", template, s.String(), err)
		}
	}
	if _, err := doh.NewServer("https://dns.test/q", netip.Addr{}); !errors.Is(err, neterr.InvalidArgument) {
		t.Errorf("no address: got %v, want %v", err, neterr.InvalidArgument)
	}
}

// TestAddrs: what is given and what is got are copies.
func TestAddrs(t *testing.T) {
	given := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	want := append([]netip.Addr(nil), given...)
	s, err := doh.NewServer("https://dns.test/q", given...)
	if err != nil {
		t.Fatal(err)
	}
	given[0] = netip.Addr{}
	s.Addrs()[1] = netip.Addr{}
	if got := s.Addrs(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestZeroServer: it is none.
func TestZeroServer(t *testing.T) {
	var zero doh.Server
	if zero.Host() != "" || zero.Addrs() != nil || zero.String() != "" {
		t.Errorf("got %q %v %q", zero.Host(), zero.Addrs(), zero.String())
	}
	c := doh.New(doh.Config{Servers: []doh.Server{zero}})
	defer c.Close()
	if c.Available() {
		t.Error("a client without servers is available")
	}
	_, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
	if !errors.Is(err, neterr.BlockedByClient) {
		t.Errorf("got %v, want %v", err, neterr.BlockedByClient)
	}
}
