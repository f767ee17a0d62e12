package session_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestHTTPSOnly: a host with an HTTPS record is asked over https, whatever the URL says
// (RFC 9460 section 9.5). Both doors show how.
func TestHTTPSOnly(t *testing.T) {
	ca := nettest.NewCA()
	srv := nettest.NewTLSServer(t, ca.Config("up.rig.test", "alias.rig.test"), nettest.Respond(okResponse))
	named := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: fmt.Sprintf(`
up IN A 127.0.0.1
_%d._https.up IN HTTPS 1 . alpn=http/1.1
_%[1]d._https.alias IN HTTPS 0 up
`, srv.Port())})
	cfg := trusting(ca)
	cfg.DNS = dns.Config{
		Nameservers: []netip.AddrPort{netip.MustParseAddrPort(named.DNS)}, System: noNames{}, DisableHosts: true,
		Client: dns.ClientConfig{BuiltInResolver: dns.On},
	}
	ses := newSession(t, cfg)
	plain := fmt.Sprintf("http://up.rig.test:%d/", srv.Port())
	secure := fmt.Sprintf("https://up.rig.test:%d/", srv.Port())

	resp, err := ses.Fetch(t.Context(), plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.URL != secure || !resp.Redirected {
		t.Errorf("got %s, redirected %t, want %s", resp.URL, resp.Redirected, secure)
	}

	manual, err := ses.Fetch(t.Context(), plain, &fetch.Init{Redirect: fetch.RedirectManual})
	if err != nil {
		t.Fatal(err)
	}
	manual.Body.Close()
	if manual.Status != 307 || manual.Header.Get("Non-Authoritative-Reason") != "DNS" || manual.Header.Get("Location") != secure {
		t.Errorf("got %d %v", manual.Status, manual.Header)
	}

	got, err := ses.Client().Get(plain)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if got.Request.URL.String() != secure || got.TLS == nil {
		t.Errorf("got an answer from %s, want %s", got.Request.URL, secure)
	}

	// An alias at the place of a host's name: its addresses are those of another.
	res, err := ses.ResolveHost(t.Context(), "alias.rig.test", dns.Options{Scheme: "https", Port: srv.Port()})
	if err != nil || len(res.Addrs) != 1 || res.Addrs[0] != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %+v, %v, want 127.0.0.1", res, err)
	}
}
