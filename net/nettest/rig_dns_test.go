package nettest_test

import (
	"context"
	stdtls "crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

// resolver asks a rig over UDP or TCP.
func resolver(rig *nettest.Rig, network string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, rig.DNS)
	}}
}

func TestDNSRigs(t *testing.T) {
	named := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: "h A 192.0.2.1"})
	for name, rig := range map[string]*nettest.Rig{
		"named":   named,
		"dnsdist": nettest.Dnsdist(t, named.DNS, ""),
		"dnsmasq": nettest.Dnsmasq(t, "--address=/h.rig.test/192.0.2.1"),
		"unbound": nettest.Unbound(t, `local-data: "h.rig.test. A 192.0.2.1"`),
	} {
		for _, network := range []string{"udp", "tcp"} {
			got, err := resolver(rig, network).LookupHost(t.Context(), "h.rig.test.")
			if err != nil || !slices.Equal(got, []string{"192.0.2.1"}) {
				t.Errorf("%s over %s: got %v, %v", name, network, got, err)
			}
		}
	}
}

func TestNamedOverHTTPS(t *testing.T) {
	ca := nettest.NewCA()
	rig := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: "h A 192.0.2.1", CA: ca})
	transport := &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	query := "\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01h\x03rig\x04test\x00\x00\x01\x00\x01"
	resp, err := (&http.Client{Transport: transport}).Get(
		"https://" + rig.HTTPS + "/dns-query?dns=" + base64.RawURLEncoding.EncodeToString([]byte(query)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || len(body) <= len(query) {
		t.Errorf("got %s %s of %d bytes, %v", resp.Proto, resp.Status, len(body), err)
	}
}
