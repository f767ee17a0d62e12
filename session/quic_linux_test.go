package session_test

import (
	"context"
	stdtls "crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestUDPDropped: on a network that lets QUIC through at first and then swallows it, the
// first request to a server costs the head start that QUIC has and no more, the second
// one nothing.
func TestUDPDropped(t *testing.T) {
	if !nettest.InNamespace(t) {
		return
	}
	nft := nettest.Program(t, "nft", "nftables")
	nettest.IP(t, "link set lo up")
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	udp := nettest.UDP(t)
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Alt-Svc", fmt.Sprintf(`h3=":%d"`, nettest.PortOf(udp)))
		if r.ProtoMajor < 2 {
			w.Header().Set("Connection", "close") // the next one has to connect
		}
	}
	// One certificate for each, so that no host is served by another's connection.
	cfg := &stdtls.Config{GetCertificate: func(h *stdtls.ClientHelloInfo) (*stdtls.Certificate, error) {
		c := ca.Issue(h.ServerName)
		return &c, nil
	}}
	stop, err := nettest.ServeHTTP3(udp, cfg.Clone(), http.HandlerFunc(answer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	srv.TLS = cfg
	srv.StartTLS()
	t.Cleanup(srv.Close)
	url := func(host string) string {
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "https://"))
		return "https://" + host + ":" + port + "/"
	}
	c := trusting(ca)
	c.DNS = dns.Config{System: here{}, DisableHosts: true}
	ses := newSession(t, c)
	timed := func(host string) time.Duration {
		start := time.Now()
		resp, _ := fetchText(t, ses, url(host))
		if resp.Proto != "HTTP/1.1" {
			t.Errorf("%s answered over %s", host, resp.Proto)
		}
		return time.Since(start)
	}
	normal := max(timed("first.test"), timed("second.test")) // and both advertise
	upgraded(t, ses, url("proof.test"))
	for _, rule := range []string{
		"add table inet f", "add chain inet f i { type filter hook input priority 0; }",
		fmt.Sprintf("add rule inet f i udp dport %d drop", nettest.PortOf(udp)),
	} {
		if out, err := exec.Command(nft, strings.Fields(rule)...).CombinedOutput(); err != nil {
			t.Fatalf("nft %s: %v\n%s", rule, err, out)
		}
	}
	const headStart, tolerance = 300 * time.Millisecond, 100 * time.Millisecond
	for _, host := range []string{"first.test", "second.test"} {
		first, second := timed(host), timed(host)
		if first < headStart-tolerance/2 || first > headStart+normal+tolerance {
			t.Errorf("%s: the first took %v, want %v more than %v", host, first, headStart, normal)
		}
		if second > normal+tolerance {
			t.Errorf("%s: the second took %v, want %v", host, second, normal)
		}
		t.Logf("%s: %v, then %v; without QUIC %v", host, first, second, normal)
	}
	ses.Close(context.Background())
}

// here is a system's resolver for which all hosts are this one.
type here struct{}

func (here) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}
