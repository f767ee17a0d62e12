package transport_test

import (
	"context"
	stdtls "crypto/tls"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// publishing is a dialer that finds host at srv by a DNS server, which publishes an ECH
// configuration if there is one.
func publishing(t *testing.T, host string, srv *nettest.Server, ech []byte) *dial.Dialer {
	name, zone, _ := strings.Cut(host, ".")
	records := name + " IN A 127.0.0.1\n"
	if ech != nil {
		records += fmt.Sprintf("_%d._https.%s IN HTTPS 1 . alpn=h2 ech=%s\n",
			srv.Port(), name, base64.StdEncoding.EncodeToString(ech))
	}
	rig := nettest.Named(t, nettest.NamedConfig{Origin: zone, Records: records})
	resolver := dns.New(dns.Config{
		Nameservers: []netip.AddrPort{netip.MustParseAddrPort(rig.DNS)}, DisableHosts: true,
		Client: dns.ClientConfig{BuiltInResolver: dns.On},
	})
	t.Cleanup(resolver.Close)
	return &dial.Dialer{Resolver: resolver}
}

// TestECH: a configuration that a server does not know any more costs one connection,
// and then the server's own is used, if it has one.
func TestECH(t *testing.T) {
	const public, secret = "public.test", "secret.test"
	ca := nettest.NewCA()
	key, fresh := nettest.ECHKey(1, 0x0020, public)
	_, stale := nettest.ECHKey(2, 0x0020, public)
	for _, tt := range []struct {
		name     string
		known    []byte
		keys     []stdtls.EncryptedClientHelloKey
		names    []string // of the certificate
		want     neterr.Code
		accepted bool
		conns    int
	}{
		{name: "none known", keys: []stdtls.EncryptedClientHelloKey{key}, names: []string{secret, public}, conns: 1},
		{name: "fresh", known: fresh, keys: []stdtls.EncryptedClientHelloKey{key}, names: []string{secret, public}, accepted: true, conns: 1},
		{name: "stale", known: stale, keys: []stdtls.EncryptedClientHelloKey{key}, names: []string{secret, public}, accepted: true, conns: 2},
		{name: "given up by the server", known: stale, names: []string{secret, public}, conns: 2},
		{name: "not the public name", known: stale, keys: []stdtls.EncryptedClientHelloKey{key}, names: []string{secret}, want: neterr.ECHFallbackCertificateInvalid, conns: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := ca.Config(tt.names...)
			cfg.EncryptedClientHelloKeys = tt.keys
			srv := nettest.NewTLSServer(t, cfg, nettest.Respond(ok))
			tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: publishing(t, secret, srv, tt.known)})
			req := get(t, srv)
			req.URL = named(t, srv.URL(), secret)
			// It is no error of the host's own certificate: nobody may accept it.
			tr.SetCertificateErrorHandler(func(context.Context, *transport.CertificateError) bool { return true })
			resp, err := tr.RoundTrip(t.Context(), req)
			if neterr.CodeOf(err) != tt.want {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil {
				if resp.Info.TLS.ECHAccepted != tt.accepted {
					t.Errorf("encrypted %t, want %t", resp.Info.TLS.ECHAccepted, tt.accepted)
				}
				resp.Body.Close()
			}
			if n := srv.Accepted(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}
