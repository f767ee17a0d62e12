package nettest_test

import (
	stdtls "crypto/tls"
	"io"
	"net/http"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

// TestRigs starts each server, reloads it where it can do that, and restarts it.
func TestRigs(t *testing.T) {
	hi := map[string][]byte{"hi": []byte("hi")}
	for _, tt := range []struct {
		name  string
		start func(testing.TB, *nettest.CA) *nettest.Rig
		proto string // over TLS
		plain bool   // it listens without TLS, too
		alive bool   // it can reload
	}{
		{"nginx", func(t testing.TB, ca *nettest.CA) *nettest.Rig {
			return nettest.Nginx(t, nettest.NginxConfig{Files: hi, CA: ca, HTTP2: true})
		}, "HTTP/2.0", true, true},
		{"nginx, HTTP/1.1", func(t testing.TB, ca *nettest.CA) *nettest.Rig {
			return nettest.Nginx(t, nettest.NginxConfig{Files: hi, CA: ca})
		}, "HTTP/1.1", true, true},
		{"caddy", func(t testing.TB, ca *nettest.CA) *nettest.Rig {
			return nettest.Caddy(t, nettest.CaddyConfig{Site: "respond hi", CA: ca})
		}, "HTTP/2.0", true, true},
		{"haproxy", func(t testing.TB, ca *nettest.CA) *nettest.Rig {
			return nettest.HAProxy(t, nettest.HAProxyConfig{
				Frontend: "http-request return content-type text/plain string hi", CA: ca,
			})
		}, "HTTP/2.0", true, true},
		{"nghttpd", func(t testing.TB, ca *nettest.CA) *nettest.Rig {
			return nettest.Nghttpd(t, nettest.NghttpdConfig{Files: hi, CA: ca})
		}, "HTTP/2.0", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			ca := nettest.NewCA()
			rig := tt.start(t, ca)
			urls := map[string]string{"https://" + rig.HTTPS + "/hi": tt.proto}
			if tt.plain {
				urls["http://"+rig.HTTP+"/hi"] = "HTTP/1.1"
			}
			wantHi(t, ca, urls)
			if err := rig.Reload(); (err == nil) != tt.alive {
				t.Errorf("reload: got %v, want it to work: %v", err, tt.alive)
			}
			wantHi(t, ca, urls)
			if err := rig.Restart(); err != nil {
				t.Fatal(err)
			}
			wantHi(t, ca, urls)
		})
	}
}

// wantHi asks each URL on a new connection; the values are the protocols to see.
func wantHi(t *testing.T, ca *nettest.CA, urls map[string]string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for url, proto := range urls {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != "hi" || resp.Proto != proto || err != nil {
			t.Errorf("%s: got %q over %s, %v; want hi over %s", url, got, resp.Proto, err, proto)
		}
	}
}
