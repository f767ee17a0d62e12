package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestSecureDNS has names resolved over HTTPS by the session's own connections, and
// nothing else: neither the servers' own names nor anybody's.
func TestSecureDNS(t *testing.T) {
	ca := nettest.NewCA()
	named := nettest.Named(t, nettest.NamedConfig{CA: ca, Origin: "rig.test", Records: "www IN A 127.0.0.1\n"})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Host)) }))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	_, dohPort, _ := strings.Cut(named.HTTPS, ":")

	server, err := doh.NewServer("https://localhost:" + dohPort + "/dns-query{?dns}")
	if err != nil {
		t.Fatal(err)
	}
	cfg := trusting(ca)
	cfg.DNS = dns.Config{System: noNames{}, DisableHosts: true, Client: dns.ClientConfig{
		SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: []doh.Server{server},
	}}
	ses := newSession(t, cfg)

	res, err := ses.ResolveHost(t.Context(), "www.rig.test", dns.Options{})
	if err != nil || res.Source != "https" || len(res.Addrs) != 1 || res.Addrs[0] != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %+v, %v, want 127.0.0.1 by https", res, err)
	}
	resp, err := ses.Fetch(t.Context(), "http://www.rig.test:"+port+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := resp.Text(); err != nil || text != "www.rig.test:"+port {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := ses.Fetch(t.Context(), "http://none.rig.test/", nil); !errors.Is(err, neterr.NameNotResolved) {
		t.Errorf("got %v, want %v", err, neterr.NameNotResolved)
	}

	// Off again, nobody knows the name; what is remembered serves no more.
	ses.ConfigureHostResolver(dns.ClientConfig{})
	if res, err := ses.ResolveHost(t.Context(), "www.rig.test", dns.Options{}); !errors.Is(err, neterr.NameNotResolved) {
		t.Errorf("got %+v, %v, want %v", res, err, neterr.NameNotResolved)
	}
	if res, err := ses.ResolveHost(t.Context(), "www.rig.test", dns.Options{CacheUsage: dns.CacheStaleAllowed}); err != nil || !res.Stale {
		t.Errorf("got %+v, %v, want a stale answer", res, err)
	}
	ses.ClearHostResolverCache()
	if res, err := ses.ResolveHost(t.Context(), "www.rig.test", dns.Options{CacheUsage: dns.CacheStaleAllowed}); err == nil {
		t.Errorf("got %+v of an empty cache", res)
	}
}
