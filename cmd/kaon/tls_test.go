package main

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

// serveTLS answers handshakes, and returns "localhost:port".
func serveTLS(t *testing.T, cfg *stdtls.Config) string {
	t.Helper()
	srv := nettest.NewTLSServer(t, cfg, func(c *nettest.Conn) { io.Copy(io.Discard, c) })
	_, port, _ := net.SplitHostPort(srv.Addr())
	return "localhost:" + port
}

func pemFile(t *testing.T, blocks ...*pem.Block) string {
	t.Helper()
	var b strings.Builder
	for _, block := range blocks {
		if err := pem.Encode(&b, block); err != nil {
			t.Fatal(err)
		}
	}
	name := t.TempDir() + "/file.pem"
	writeFile(t, name, b.String())
	return name
}

// identity writes a user's certificate and key to a file each.
func identity(t *testing.T, users *nettest.CA) (cert, key, both string) {
	t.Helper()
	c := users.Issue("alice")
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	first, second := &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}, &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	return pemFile(t, first), pemFile(t, second), pemFile(t, first, second)
}

func TestTLS(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca, users := nettest.NewCA(), nettest.NewCA()
	cacert := pemFile(t, &pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate().Raw})
	cert, key, both := identity(t, users)
	good := serveTLS(t, ca.Config("localhost"))
	tls12 := ca.Config("localhost")
	tls12.MaxVersion = stdtls.VersionTLS12
	old := serveTLS(t, tls12)
	past := &stdtls.Config{Certificates: []stdtls.Certificate{ca.IssueWith(func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}, "other.test")}}
	expired := serveTLS(t, past)
	asking := ca.Config("localhost")
	asking.ClientAuth, asking.ClientCAs = stdtls.RequireAndVerifyClientCert, users.Pool()
	strict := serveTLS(t, asking)
	polite := asking.Clone()
	polite.ClientAuth = stdtls.VerifyClientCertIfGiven
	optional := serveTLS(t, polite)

	tests := []struct {
		name   string
		args   []string
		status int
		out    []string // parts of standard output, and none of them wants it empty
		err    string
	}{
		{name: "good", args: []string{"--cacert", cacert, good}, out: []string{
			"version       TLS 1.3\n", "cipher        TLS_AES_128_GCM_SHA256 (0x1301)\n", "group         X25519MLKEM768\n",
			"alpn          http/1.1\n", "resumption    yes\n", "verdict       OK, a root that this machine or --cacert trusts\n",
			"certificate  0\nsubject      Kaon test leaf\nissuer       Kaon test CA\n", "certificate  1\nsubject      Kaon test CA\n", "fingerprint  sha256/",
		}},
		{name: "TLS 1.2", args: []string{"--cacert", cacert, "--max", "tls1.2", good}, out: []string{"version       TLS 1.2\n", "group         -\n", "resumption    yes\n"}},
		{name: "other cipher", args: []string{"--cacert", cacert, "--disable-cipher", "0xc02b", "--disable-cipher", "49196", old}, out: []string{"ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 (0xcca9)\n"}},
		{name: "too old", args: []string{"--cacert", cacert, "--min", "tls1.3", old}, status: 1, err: "net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH"},
		{name: "bad", args: []string{"--cacert", cacert, expired}, status: 1, out: []string{
			"version       TLS 1.3\n", "verdict       net::ERR_CERT_COMMON_NAME_INVALID, net::ERR_CERT_DATE_INVALID\n", "subject      Kaon test leaf\n",
		}, err: "kaon tls: net::ERR_CERT_COMMON_NAME_INVALID: verify certificate localhost: "},
		{name: "a client certificate wanted", args: []string{"--cacert", cacert, optional}, out: []string{"the server asked for a certificate", "resumption    yes\n"}},
		{name: "a client certificate needed", args: []string{"--cacert", cacert, strict}, status: 1, err: "net::ERR_BAD_SSL_CLIENT_AUTH_CERT"},
		{name: "a client certificate shown", args: []string{"--cacert", cacert, "--cert", cert, "--key", key, strict}, out: []string{"verdict       OK"}},
		{name: "in one file", args: []string{"--cacert", cacert, "--cert", both, strict}, out: []string{"verdict       OK"}},
		{name: "a key of nobody's", args: []string{"--cert", cert, "--key", cert, strict}, status: 1, err: "no private key in PEM form"},
		{name: "nothing", status: 2, err: "takes one HOST[:PORT], not 0"},
		{name: "a URL", args: []string{"https://localhost/"}, status: 2, err: `"https://localhost/" is no HOST[:PORT]`},
		{name: "no version", args: []string{"--min", "tls9", "localhost"}, status: 2, err: `"tls9" is none of`},
		{name: "no number", args: []string{"--disable-cipher", "AES", "localhost"}, status: 2, err: `not "AES"`},
		{name: "a key alone", args: []string{"--key", key, "localhost"}, status: 2, err: "--key goes with --cert"},
		{name: "no time", args: []string{"-m", "-1s", "localhost"}, status: 2, err: "--max-time -1s is negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kaon(t, "", append([]string{"tls"}, tt.args...)...)
			if got.status != tt.status {
				t.Errorf("status: got %d, want %d", got.status, tt.status)
			}
			for _, part := range tt.out {
				wantPart(t, "standard output", got.out, part)
			}
			if len(tt.out) == 0 {
				wantPart(t, "standard output", got.out, "")
			}
			wantPart(t, "standard error", got.err, tt.err)
		})
	}
}

func TestTLSNetLog(t *testing.T) {
	ca := nettest.NewCA()
	log := t.TempDir() + "/log.json"
	if got := kaon(t, "", "tls", "--netlog", log, serveTLS(t, ca.Config("localhost"))); got.status != 1 {
		t.Errorf("status %d, want 1", got.status)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	handshakes := 0
	for _, e := range nettest.ReadNetLog(t, b) {
		if e.String() == "+SSL_CONNECT" {
			handshakes++
		}
	}
	if handshakes != 2 {
		t.Errorf("%d handshakes in the log, want 2", handshakes)
	}
}
