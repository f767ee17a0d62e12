package session_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// fetchText returns the response to a GET and its body.
func fetchText(t *testing.T, ses *session.Session, url string) (*fetch.Response, string) {
	t.Helper()
	resp, err := ses.Fetch(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := resp.Text()
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}

// upgraded fetches url until it is answered over HTTP/3.
func upgraded(t *testing.T, ses *session.Session, url string) (resp *fetch.Response, text string) {
	t.Helper()
	nettest.Eventually(t, "a response over HTTP/3", func() bool {
		resp, text = fetchText(t, ses, url)
		return resp.Proto == "HTTP/3.0"
	})
	return resp, text
}

// TestCaddyHTTP3: a real server says that it speaks HTTP/3, and is taken at its word; the
// log tells how.
func TestCaddyHTTP3(t *testing.T) {
	ca := nettest.NewCA()
	rig := nettest.Caddy(t, nettest.CaddyConfig{CA: ca, HTTP3: true, Site: `
		handle /echo {
			request_body {
				max_size 1MB
			}
			respond "{http.request.body}"
		}
		respond "{http.request.proto}"
	`})
	nettest.CheckGoroutines(t)
	ses := newSession(t, trusting(ca))
	var log bytes.Buffer
	if err := ses.NetLog().Start(&log, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	url := "https://" + rig.HTTPS + "/"
	resp, text := fetchText(t, ses, url)
	if resp.Proto != "HTTP/2.0" || text != "HTTP/2.0" || !strings.Contains(resp.Header.Get("Alt-Svc"), "h3=") {
		t.Fatalf("first %s, %q, Alt-Svc %q", resp.Proto, text, resp.Header.Get("Alt-Svc"))
	}
	resp, text = upgraded(t, ses, url)
	if text != "HTTP/3.0" || resp.Info.Alternative != "alt-svc" || resp.Info.TLS.NegotiatedProtocol != "h3" {
		t.Errorf("then %q, info %+v", text, resp.Info)
	}
	for range 10 {
		if resp, _ := fetchText(t, ses, url); resp.Proto != "HTTP/3.0" || !resp.Info.Reused {
			t.Errorf("later %s, reused %t", resp.Proto, resp.Info.Reused)
		}
	}
	if err := ses.NetLog().Stop(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range nettest.ReadNetLog(t, log.Bytes()) {
		seen[e.Name] = true
	}
	for _, name := range []string{
		"HTTP_STREAM_JOB_CONTROLLER_ALT_SVC_FOUND", "QUIC_SESSION_POOL_JOB", "QUIC_SESSION",
		"SSL_CERTIFICATES_RECEIVED", "CERT_VERIFIER_REQUEST", "HTTP_TRANSACTION_QUIC_SEND_REQUEST_HEADERS",
	} {
		if !seen[name] {
			t.Errorf("the log has no %s", name)
		}
	}
}

// TestHTTP3Rules: what the program decides holds for HTTP/3, too, whatever a server
// advertises.
func TestHTTP3Rules(t *testing.T) {
	ca := nettest.NewCA()
	rig := nettest.Caddy(t, nettest.CaddyConfig{CA: ca, HTTP3: true, Site: `respond "{http.request.proto}"`})
	url := "https://" + rig.HTTPS + "/"
	visit := func(t *testing.T, cfg session.Config) *session.Session {
		nettest.CheckGoroutines(t)
		ses := newSession(t, cfg)
		upgraded(t, ses, url)
		return ses
	}
	over := func(t *testing.T, ses *session.Session, want string) {
		t.Helper()
		for range 3 {
			if resp, _ := fetchText(t, ses, url); resp.Proto != want {
				t.Errorf("got %s, want %s", resp.Proto, want)
			}
		}
	}
	t.Run("TLS 1.2 at most", func(t *testing.T) {
		ses := visit(t, trusting(ca))
		if err := ses.SetSSLConfig(tls.SSLConfig{MaxVersion: "tls1.2"}); err != nil {
			t.Fatal(err)
		}
		over(t, ses, "HTTP/2.0")
		if err := ses.SetSSLConfig(tls.SSLConfig{MinVersion: "tls1.3"}); err != nil {
			t.Fatal(err)
		}
		upgraded(t, ses, url)
	})
	t.Run("refused by the verify proc", func(t *testing.T) {
		ses := visit(t, trusting(ca))
		asked := 0
		ses.SetCertificateVerifyProc(func(context.Context, *certverify.Request) error {
			asked++
			return certverify.UseDefault
		})
		upgraded(t, ses, url)
		if asked == 0 {
			t.Error("nobody asked the new proc")
		}
		ses.SetCertificateVerifyProc(func(context.Context, *certverify.Request) error { return context.Canceled })
		if resp, err := ses.Fetch(t.Context(), url, nil); err == nil {
			t.Errorf("got a response over %s", resp.Proto)
		}
	})
	t.Run("disabled", func(t *testing.T) {
		nettest.CheckGoroutines(t)
		cfg := trusting(ca)
		cfg.DisableQUIC = true
		over(t, newSession(t, cfg), "HTTP/2.0")
	})
	t.Run("all connections closed", func(t *testing.T) {
		ses := visit(t, trusting(ca))
		ses.CloseAllConnections()
		upgraded(t, ses, url)
	})
}
