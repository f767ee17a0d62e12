package transport_test

import (
	"context"
	stdtls "crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/transport"
)

// everywhere resolves every name to 127.0.0.1.
type everywhere struct{}

func (everywhere) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, &net.DNSError{Err: "none", IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// local returns a Dialer that finds every host on this machine.
func local(t *testing.T) *dial.Dialer {
	r := dns.New(dns.Config{System: everywhere{}, DisableHosts: true})
	t.Cleanup(r.Close)
	return &dial.Dialer{Resolver: r}
}

// named returns a server's URL under another host.
func named(t *testing.T, u, host string) *url.URL {
	t.Helper()
	v := parse(t, u)
	v.Host = net.JoinHostPort(host, v.Port())
	return v
}

// certify returns a server's configuration: one certificate for all names, or without
// any one for each name that is asked for.
func certify(ca *nettest.CA, names ...string) *stdtls.Config {
	if len(names) > 0 {
		return ca.Config(names...)
	}
	return &stdtls.Config{GetCertificate: func(h *stdtls.ClientHelloInfo) (*stdtls.Certificate, error) {
		c := ca.Issue(h.ServerName)
		return &c, nil
	}}
}

// host answers with the name that the request is for.
func host(w http.ResponseWriter, r *http.Request) {
	name, _, _ := net.SplitHostPort(r.Host)
	w.Header().Set("Host-Asked", name)
}

// TestOtherHost: requests for two names use one connection if both lead to one address
// and the server there has proved to answer for both.
func TestOtherHost(t *testing.T) {
	site := origin.Of(parse(t, "https://page.test")).Site()
	for _, tt := range []struct {
		name  string
		certs []string
		edit  func(second *exchange.Request)
		want  int // connections
	}{
		{"one certificate", []string{"a.x.test", "b.x.test"}, nil, 1},
		{"wildcard", []string{"*.x.test"}, nil, 1},
		{"two certificates", nil, nil, 2},
		{"without credentials", []string{"*.x.test"}, func(r *exchange.Request) { r.Credentials = exchange.Omit }, 2},
		{"without secure DNS", []string{"*.x.test"}, func(r *exchange.Request) { r.SecureDNS = exchange.SecureDNSDisable }, 2},
		{"isolated", []string{"*.x.test"}, func(r *exchange.Request) { r.Key = origin.NewKey(site, site) }, 2},
		{"upgrade", []string{"*.x.test"}, func(r *exchange.Request) {
			r.Header = exchange.FieldsOf("Connection", "Upgrade", "Upgrade", "websocket")
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
			base, conns := serveHTTP2As(t, certify(ca, tt.certs...), host)
			do(t, tr, &exchange.Request{URL: named(t, base, "a.x.test")})
			for range 2 {
				req := &exchange.Request{URL: named(t, base, "b.x.test")}
				if tt.edit != nil {
					tt.edit(req)
				}
				if got := do(t, tr, req).Header.Get("Host-Asked"); got != "b.x.test" {
					t.Errorf("the server was asked for %q, want b.x.test", got)
				}
			}
			if n := conns(); n != tt.want {
				t.Errorf("%d connections, want %d", n, tt.want)
			}
		})
	}
}

// TestOtherHostPreconnect: there is nothing to make ahead for a host that another one's
// connection serves.
func TestOtherHostPreconnect(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
	base, conns := serveHTTP2As(t, certify(ca, "*.x.test"), host)
	do(t, tr, &exchange.Request{URL: named(t, base, "a.x.test")})
	b := named(t, base, "b.x.test")
	if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: b, N: 3}); err != nil {
		t.Fatal(err)
	}
	if resp := do(t, tr, &exchange.Request{URL: b}); !resp.Info.Reused || conns() != 1 {
		t.Errorf("reused %v over %d connections, want one", resp.Info.Reused, conns())
	}
}

// TestMisdirected: a server that answers 421 to a request that came over another
// host's connection gets it, and later ones at once, over one of its own.
func TestMisdirected(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
	var refused atomic.Int32
	base, conns := serveHTTP2As(t, certify(ca, "*.x.test"), func(w http.ResponseWriter, r *http.Request) {
		host(w, r)
		body, _ := io.ReadAll(r.Body)
		switch name := w.Header().Get("Host-Asked"); {
		case name != r.TLS.ServerName:
			refused.Add(1)
			w.WriteHeader(http.StatusMisdirectedRequest)
		case r.Method == "POST" && string(body) != "hello":
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	do(t, tr, &exchange.Request{URL: named(t, base, "a.x.test")})
	for i, want := range []int{1, 0} {
		hello := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
		body, _ := hello()
		resp := do(t, tr, &exchange.Request{
			Method: "POST", URL: named(t, base, "b.x.test"), Body: body, GetBody: hello, ContentLength: 5,
		})
		if resp.Status != 200 || resp.Info.Retries != want {
			t.Errorf("request %d: status %d after %d retries, want 200 after %d", i, resp.Status, resp.Info.Retries, want)
		}
	}
	if refused.Load() != 1 || conns() != 2 {
		t.Errorf("%d requests refused, %d connections; want 1 and 2", refused.Load(), conns())
	}
}

// TestMisdirectedForGood: the second 421 is the answer, and so is the first to a body
// that cannot be sent again.
func TestMisdirectedForGood(t *testing.T) {
	for _, tt := range []struct {
		name string
		body io.ReadCloser
		want int // requests
	}{
		{"repeated", nil, 2},
		{"not repeatable", io.NopCloser(strings.NewReader("x")), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tr := start(t, transport.Config{TLS: trusting(t, ca)})
			var requests atomic.Int32
			base, _ := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				w.WriteHeader(http.StatusMisdirectedRequest)
			})
			req := &exchange.Request{Method: "POST", URL: parse(t, base), Body: tt.body}
			if tt.body != nil {
				req.ContentLength = -1
			}
			if resp := do(t, tr, req); resp.Status != http.StatusMisdirectedRequest || int(requests.Load()) != tt.want {
				t.Errorf("status %d after %d requests, want 421 after %d", resp.Status, requests.Load(), tt.want)
			}
		})
	}
}

// TestOtherHostWideWildcard: a name that a browser takes for nobody's is nobody's here,
// though crypto/x509 would have it cover the other host.
func TestOtherHostWideWildcard(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
	base, _ := serveHTTP2As(t, certify(ca, "a.x.test", "*.test"), host)
	do(t, tr, &exchange.Request{URL: named(t, base, "a.x.test")})
	_, err := tr.RoundTrip(t.Context(), &exchange.Request{URL: named(t, base, "b.test")})
	if neterr.CodeOf(err) != neterr.CertCommonNameInvalid {
		t.Errorf("got %v, want %v", err, neterr.CertCommonNameInvalid)
	}
}
