package certverify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/kaon-net/kaon/net/neterr"
)

// The keys of known roots are not to be had, so here a list of our own takes the
// place of the one that is shipped.

func selfSigned(t *testing.T, name string, key any, public any) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return sign(t, template, template, public, key)
}

func sign(t *testing.T, template, issuer *x509.Certificate, public, key any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Dates of distrust hold for roots of the system, not for those that the program
// trusts itself.
func TestConstraint(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := selfSigned(t, "distrusted", key, &key.PublicKey)
	free := selfSigned(t, "trusted", key, &key.PublicKey)
	distrusted := errors.New("issued after the date of distrust")
	known := knownRoots{
		sha256.Sum256(root.Raw): {Certificate: root.Raw, Constraint: func([]*x509.Certificate) error { return distrusted }},
		sha256.Sum256(free.Raw): {Certificate: free.Raw},
	}
	for _, c := range []struct {
		name  string
		trust trust
		root  *x509.Certificate
		want  neterr.Code
	}{
		{"of the system", trust{system: true}, root, neterr.CertAuthorityInvalid},
		{"of the program", trust{}, root, neterr.OK},
		{"of both", trust{system: true, extra: []*x509.Certificate{root}}, root, neterr.OK},
		{"without a date", trust{system: true}, free, neterr.OK},
	} {
		b := &builder{trust: &c.trust, known: func() knownRoots { return known }, isKnown: known.has}
		var found findings
		b.object([]*x509.Certificate{c.root}, &found)
		if len(found) > 1 || found.has(c.want) != (c.want != neterr.OK) || len(found) == 1 && !errors.Is(found[0].err, distrusted) {
			t.Errorf("%s: got %v, want %v", c.name, found, c.want)
		}
	}
}

// A known root is recognized as the issuer of a weak signature though it was not
// sent.
func TestTraceToKnownRoot(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	root := selfSigned(t, "root", key, &key.PublicKey)
	leaf := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"www.example.com"}, SignatureAlgorithm: x509.SHA1WithRSA,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, root, &key.PublicKey, key)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	v := New(Config{Roots: roots})
	p := &Params{Host: "www.example.com", Certificates: []*x509.Certificate{leaf}}

	v.known = func() knownRoots { return knownRoots{sha256.Sum256(root.Raw): bundle.Root{Certificate: root.Raw}} }
	res, err := v.Verify(t.Context(), p)
	if !errors.Is(err, neterr.CertWeakSignatureAlgorithm) || !res.KnownRoot || len(res.Chain) != 2 {
		t.Errorf("known: got %v, known %v, %d certificates", err, res.KnownRoot, len(res.Chain))
	}
	v.known = func() knownRoots { return nil }
	v.SetProc(nil) // forgets
	if _, err = v.Verify(t.Context(), p); !errors.Is(err, neterr.CertAuthorityInvalid) {
		t.Errorf("unknown: got %v, want %v", err, neterr.CertAuthorityInvalid)
	}
}
