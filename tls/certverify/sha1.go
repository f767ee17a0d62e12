package certverify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// viaSHA1 returns the chain of c if it holds but for SHA-1 signatures, which
// crypto/x509 refuses to look at, and then adds that to found. A certificate made by
// a root that was neither sent nor is one of the extra roots is not recognized and
// counts as one of an unknown authority. Usage and constraints below the weak
// signature go unchecked: whatever comes of it, the verdict is no.
func (b *builder) viaSHA1(c *x509.Certificate, at time.Time, found *findings) []*x509.Certificate {
	path := []*x509.Certificate{c}
	weak := false
	for range maxWeak {
		issuer := b.issuer(c)
		if issuer == nil || slices.Contains(path, issuer) {
			return nil
		}
		weak = weak || isSHA1(c)
		if weak {
			if rest, err := b.verify(issuer, at); err == nil {
				found.add(neterr.CertWeakSignatureAlgorithm, fmt.Errorf("signed with %s", c.SignatureAlgorithm))
				return append(path, rest...)
			}
		}
		path = append(path, issuer)
		c = issuer
	}
	return nil
}

// issuer finds who signed c among what is at hand.
func (b *builder) issuer(c *x509.Certificate) *x509.Certificate {
	for _, list := range [...][]*x509.Certificate{b.sent, b.extra} {
		for _, p := range list {
			if p != c && p.IsCA && bytes.Equal(p.RawSubject, c.RawIssuer) && signedBy(c, p) {
				return p
			}
		}
	}
	return nil
}

func signedBy(c, issuer *x509.Certificate) bool {
	if !isSHA1(c) {
		return c.CheckSignatureFrom(issuer) == nil
	}
	sum := sha1.Sum(c.RawTBSCertificate)
	switch key := issuer.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], c.Signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum[:], c.Signature)
	}
	return false
}

func isSHA1(c *x509.Certificate) bool {
	return c.SignatureAlgorithm == x509.SHA1WithRSA || c.SignatureAlgorithm == x509.ECDSAWithSHA1
}
