package doh_test

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// A peer is a real server at an address of TLS, with answers for rig.test.
type peer struct {
	name  string
	start func(*testing.T, *nettest.CA) (addr string)
}

var peers = []peer{{"bind", startNamed}, {"unbound", startUnbound}, {"net/http", startStd}}

func startNamed(t *testing.T, ca *nettest.CA) string {
	addr := nettest.Named(t, nettest.NamedConfig{
		Origin: "rig.test", CA: ca,
		Records: "*.many A 192.0.2.1\nhost A 192.0.2.1\nhost AAAA 2001:db8::1\nhost HTTPS 1 . alpn=\"h2\"\nalias CNAME host\n",
	}).HTTPS
	// It listens before it has read its zone, and then has nothing but SERVFAIL.
	transport, _ := dialled(t, ca)
	c := doh.New(doh.Config{Servers: []doh.Server{server(t, methods(addr)["GET"])}, HTTP: transport})
	defer c.Close()
	nettest.Eventually(t, "named has its zone", func() bool {
		_, err := c.Query(t.Context(), dnswire.Question{Name: "host.rig.test", Type: dnswire.A}, netlog.Source{})
		return err == nil
	})
	return addr
}

func startUnbound(t *testing.T, ca *nettest.CA) string {
	dir := t.TempDir()
	chain, key := ca.IssuePEM("127.0.0.1")
	for name, content := range map[string][]byte{"chain.pem": chain, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := nettest.FreePort(t)
	nettest.Unbound(t, fmt.Sprintf(`
	interface: 127.0.0.1@%d
	https-port: %[1]d
	tls-service-pem: "%[2]s/chain.pem"
	tls-service-key: "%[2]s/key.pem"
	local-zone: "rig.test." static
	local-zone: "many.rig.test." redirect
	local-data: "many.rig.test. 60 A 192.0.2.1"
	local-data: "host.rig.test. 60 A 192.0.2.1"
	local-data: "host.rig.test. 60 AAAA 2001:db8::1"
	local-data: 'host.rig.test. 60 HTTPS 1 . alpn="h2"'
	local-data: "alias.rig.test. 60 CNAME host.rig.test."
`, port, dir))
	return fmt.Sprint("127.0.0.1:", port)
}

// startStd answers every question for addresses alike, over HTTP/2 and one connection.
func startStd(t *testing.T, ca *nettest.CA) string {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := answering(r)
		if err != nil || r.ProtoMajor != 2 {
			http.Error(w, fmt.Sprint(err, r.Proto), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/dns-message")
		io.Copy(w, resp.Body)
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // one test refuses its certificate
	srv.TLS = ca.Config("127.0.0.1")
	srv.TLS.NextProtos = []string{"h2"}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// dialled is a transport of std that trusts ca, and how many connections it made.
func dialled(t *testing.T, ca *nettest.CA) (http.RoundTripper, *atomic.Int32) {
	var n atomic.Int32
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &stdtls.Config{RootCAs: ca.Pool()},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			n.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport, &n
}

// methods are the templates of a server's two ways to be asked.
func methods(addr string) map[string]string {
	return map[string]string{"GET": "https://" + addr + "/dns-query{?dns}", "POST": "https://" + addr + "/dns-query"}
}

// TestPeers asks real servers in both ways.
func TestPeers(t *testing.T) {
	for _, p := range peers[:2] {
		t.Run(p.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			ca := nettest.NewCA()
			addr := p.start(t, ca)
			for method, template := range methods(addr) {
				t.Run(method, func(t *testing.T) {
					transport, _ := dialled(t, ca)
					c := doh.New(doh.Config{Servers: []doh.Server{server(t, template)}, HTTP: transport})
					defer c.Close()
					ask := func(name string, typ dnswire.Type) *dnswire.Answer {
						t.Helper()
						a, err := c.Query(t.Context(), dnswire.Question{Name: name, Type: typ}, netlog.Source{})
						if err != nil {
							t.Fatalf("%s %v: %v", name, typ, err)
						}
						return a
					}
					v4, v6 := []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{netip.MustParseAddr("2001:db8::1")}
					if a := ask("host.rig.test", dnswire.A); !slices.Equal(a.Addrs, v4) {
						t.Errorf("A: got %+v", a)
					}
					if a := ask("host.rig.test", dnswire.AAAA); !slices.Equal(a.Addrs, v6) {
						t.Errorf("AAAA: got %+v", a)
					}
					if a := ask("host.rig.test", dnswire.HTTPS); len(a.Services) != 1 || !slices.Equal(a.Services[0].ALPN, []string{"h2"}) {
						t.Errorf("HTTPS: got %+v", a)
					}
					if a := ask("alias.rig.test", dnswire.TXT); !a.Empty() {
						t.Errorf("TXT: got %+v, want nothing", a)
					}
					if a := ask("none.rig.test", dnswire.A); !a.NameError {
						t.Errorf("no such name: got %+v", a)
					}
				})
			}
		})
	}
}

// TestOneConnection: a thousand names cost one connection of HTTP/2.
func TestOneConnection(t *testing.T) {
	const names, atOnce = 1000, 20
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			ca := nettest.NewCA()
			addr := p.start(t, ca)
			transport, conns := dialled(t, ca)
			c := doh.New(doh.Config{Servers: []doh.Server{server(t, methods(addr)["POST"])}, HTTP: transport})
			defer c.Close()
			ask := func(i int) error {
				q := dnswire.Question{Name: fmt.Sprintf("n%d.many.rig.test", i), Type: dnswire.A}
				a, err := c.Query(t.Context(), q, netlog.Source{})
				if err == nil && len(a.Addrs) != 1 {
					err = fmt.Errorf("got %+v", a)
				}
				return err
			}
			var next atomic.Int32
			var tasks sync.WaitGroup
			for range atOnce {
				tasks.Go(func() {
					for i := int(next.Add(1)); i <= names; i = int(next.Add(1)) {
						if err := ask(i); err != nil {
							t.Errorf("name %d: %v", i, err)
							return
						}
					}
				})
			}
			tasks.Wait()
			if n := conns.Load(); n != 1 {
				t.Errorf("%d names took %d connections, want 1", names, n)
			}
		})
	}
}

// TestUntrusted: a server whose certificate nobody vouches for is not asked.
func TestUntrusted(t *testing.T) {
	nettest.CheckGoroutines(t)
	addr := startStd(t, nettest.NewCA())
	transport, _ := dialled(t, nettest.NewCA())
	c := doh.New(doh.Config{Servers: []doh.Server{server(t, methods(addr)["GET"])}, HTTP: transport})
	defer c.Close()
	_, err := c.Query(t.Context(), dnswire.Question{Name: "host.rig.test", Type: dnswire.A}, netlog.Source{})
	var cert *stdtls.CertificateVerificationError
	if !errors.As(err, &cert) || neterr.CodeOf(err) == neterr.DNSMalformedResponse {
		t.Errorf("got %v, want the certificate's error", err)
	}
}
