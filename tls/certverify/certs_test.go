package certverify_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"
)

// now is the time of all tests here.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// An identity is a certificate and its key.
type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate signed by issuer, or by itself if issuer is nil. It is
// valid for a day around now, for example.test, unless edit says otherwise.
func issue(t testing.TB, name string, issuer *identity, edit func(*x509.Certificate)) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issueKey(t, name, issuer, key, edit)
}

func issueKey(t testing.TB, name string, issuer *identity, key crypto.Signer, edit func(*x509.Certificate)) *identity {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-12 * time.Hour),
		NotAfter:              now.Add(12 * time.Hour),
		BasicConstraintsValid: true,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if edit != nil {
		edit(tmpl)
	}
	self := identity{tmpl, key}
	if issuer == nil {
		issuer = &self
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, issuer.cert, key.Public(), issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{cert, key}
}

func ca(c *x509.Certificate) {
	c.IsCA = true
	c.ExtKeyUsage = nil
	c.KeyUsage = x509.KeyUsageCertSign
	c.NotBefore = now.AddDate(-5, 0, 0)
	c.NotAfter = now.AddDate(5, 0, 0)
}

func names(list ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, n := range list {
			if ip := net.ParseIP(n); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
			} else {
				c.DNSNames = append(c.DNSNames, n)
			}
		}
	}
}

// both applies two edits.
func both(a, b func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) { a(c); b(c) }
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// tower issues a certificate below that many intermediates and returns all of them,
// it first.
func tower(t testing.TB, root *identity, intermediates int, edit func(*x509.Certificate)) []*identity {
	t.Helper()
	list := []*identity{root}
	for range intermediates {
		list = append(list, issue(t, "storey "+strconv.Itoa(len(list)), list[len(list)-1], ca))
	}
	list = append(list, issue(t, "leaf", list[len(list)-1], edit))
	slices.Reverse(list)
	return list[:len(list)-1]
}

// withMD5 signs c, which has a signature by SHA-256 and RSA, by MD5 instead: crypto/x509
// does not.
func withMD5(t testing.TB, c *x509.Certificate, issuer *identity) *x509.Certificate {
	t.Helper()
	sha256RSA := []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
	md5RSA := []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04")
	sum := md5.Sum(bytes.ReplaceAll(c.RawTBSCertificate, sha256RSA, md5RSA))
	signature, err := issuer.key.Sign(rand.Reader, sum[:], crypto.MD5)
	if err != nil {
		t.Fatal(err)
	}
	der := bytes.ReplaceAll(c.Raw, sha256RSA, md5RSA)
	copy(der[len(der)-len(signature):], signature)
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func certs(ids ...*identity) []*x509.Certificate {
	var out []*x509.Certificate
	for _, id := range ids {
		out = append(out, id.cert)
	}
	return out
}

func pool(ids ...*identity) *x509.CertPool {
	p := x509.NewCertPool()
	for _, id := range ids {
		p.AddCert(id.cert)
	}
	return p
}

// at is a clock that stands.
func at(t time.Time) func() time.Time { return func() time.Time { return t } }
