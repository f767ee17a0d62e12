package nettest_test

import (
	stdtls "crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestOpenSSL(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	rig := nettest.OpenSSL(t, nettest.OpenSSLConfig{CA: ca, Args: []string{"-tls1_2"}})
	transport := &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + rig.HTTPS + "/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	// It ends the connection without saying so.
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if !strings.Contains(string(page), "TLSv1.2") || resp.TLS.Version != stdtls.VersionTLS12 {
		t.Errorf("got %s with %q, want TLS 1.2 in both", stdtls.VersionName(resp.TLS.Version), page)
	}
}

func TestOpenSSLBadOption(t *testing.T) {
	nettest.Program(t, "openssl", "openssl")
	r := &recorder{TB: t}
	nettest.OpenSSL(r, nettest.OpenSSLConfig{CA: nettest.NewCA(), Args: []string{"-no_such_option"}})
	r.finish()
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "no_such_option") {
		t.Errorf("got %q, want one failure with what openssl printed", r.failures)
	}
}
