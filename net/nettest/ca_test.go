package nettest_test

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestCAIssue(t *testing.T) {
	ca := nettest.NewCA()
	leaf := ca.Issue("example.test", "*.example.test", "127.0.0.1", "::1").Leaf
	expired := ca.IssueWith(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "example.test").Leaf
	tests := []struct {
		name  string
		leaf  *x509.Certificate
		roots *x509.CertPool
		host  string
		ok    bool
	}{
		{name: "name", leaf: leaf, roots: ca.Pool(), host: "example.test", ok: true},
		{name: "wildcard", leaf: leaf, roots: ca.Pool(), host: "a.example.test", ok: true},
		{name: "IPv4", leaf: leaf, roots: ca.Pool(), host: "127.0.0.1", ok: true},
		{name: "IPv6", leaf: leaf, roots: ca.Pool(), host: "[::1]", ok: true},
		{name: "other name", leaf: leaf, roots: ca.Pool(), host: "example.org"},
		{name: "other authority", leaf: leaf, roots: nettest.NewCA().Pool(), host: "example.test"},
		{name: "edited", leaf: expired, roots: ca.Pool(), host: "example.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.leaf.Verify(x509.VerifyOptions{Roots: tt.roots, DNSName: tt.host})
			if ok := err == nil; ok != tt.ok {
				t.Errorf("Verify(%s): got %v, want success %v", tt.host, err, tt.ok)
			}
		})
	}
}

func TestCAPEM(t *testing.T) {
	ca := nettest.NewCA()
	block, rest := pem.Decode(ca.PEM())
	if block == nil || len(rest) != 0 {
		t.Fatalf("PEM is not one block: %q", ca.PEM())
	}
	got, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(ca.Certificate()) {
		t.Error("PEM has another certificate than Certificate")
	}
	cert, err := stdtls.X509KeyPair(ca.IssuePEM("example.test"))
	if err != nil {
		t.Fatalf("IssuePEM is no key pair: %v", err)
	}
	if got, want := len(cert.Certificate), 2; got != want {
		t.Errorf("chain: got %d certificates, want %d", got, want)
	}
}
