package certverify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// Chromium's limits.
const (
	minRSABits      = 1024
	minKnownRSABits = 2048 // of any key below a known root
	maxChain        = 20   // certificates: the iterations of its path builder
)

const maxTrace = 8 // signatures that trace follows

var (
	errChainTooLong = errors.New("chain of more than 20 certificates")
	errNotCA        = errors.New("issued by a certificate that is not for issuing")
)

// object adds what speaks against a chain that leads to a root.
func (b *builder) object(chain []*x509.Certificate, found *findings) {
	if len(chain) > maxChain {
		found.add(neterr.CertAuthorityInvalid, errChainTooLong)
	}
	if check := b.trust.constraint(root(chain), b.known); check != nil {
		if err := check(chain); err != nil {
			found.add(neterr.CertAuthorityInvalid, err)
		}
	}
	for i, c := range chain {
		if i > 0 && !mayIssue(c) {
			found.add(neterr.CertInvalid, errNotCA)
		}
		if i == len(chain)-1 {
			break // nobody relies on the signature of a root
		}
		switch {
		case isSHA1(c):
			found.add(neterr.CertWeakSignatureAlgorithm, fmt.Errorf("signed with %s", c.SignatureAlgorithm))
		case isMD5(c):
			found.add(neterr.CertInvalid, fmt.Errorf("signed with %s", c.SignatureAlgorithm))
		}
	}
	b.weigh(chain, b.isKnown(root(chain)), found)
}

// weigh adds weak keys of certificates.
func (b *builder) weigh(certs []*x509.Certificate, known bool, found *findings) {
	least := minRSABits
	if known {
		least = minKnownRSABits
	}
	for _, c := range certs {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < least {
			found.add(neterr.CertWeakKey, fmt.Errorf("RSA key of %d bits", key.N.BitLen()))
		}
	}
}

// trace returns a chain of c that crypto/x509 does not see, since it looks neither at
// signatures by SHA-1 or MD5 nor at issuers that must not issue, and what is wrong with
// it. There is none without a flaw that explains x509's refusal. A certificate made by a root that was
// neither sent, nor is an extra or known root, is not recognized and counts as one of
// an unknown authority. Usage and constraints below the flaw go unchecked: whatever
// comes of it, the verdict is no.
func (b *builder) trace(c *x509.Certificate, at time.Time) (path []*x509.Certificate, flaws findings) {
	path = []*x509.Certificate{c}
	for range maxTrace {
		issuer := b.issuer(c)
		if issuer == nil || slices.Contains(path, issuer) {
			return nil, nil
		}
		if rest, err := b.verify(issuer, at); err == nil {
			path = append(path, rest...)
			b.object(path, &flaws)
			return path, flaws
		}
		path = append(path, issuer)
		c = issuer
	}
	return nil, nil
}

// issuer finds who signed c among what is at hand.
func (b *builder) issuer(c *x509.Certificate) *x509.Certificate {
	for _, list := range [...][]*x509.Certificate{b.sent, b.trust.extra, b.known().named(c.RawIssuer)} {
		for _, p := range list {
			if p != c && bytes.Equal(p.RawSubject, c.RawIssuer) && signedBy(c, p) {
				return p
			}
		}
	}
	return nil
}

func signedBy(c, issuer *x509.Certificate) bool {
	var hash crypto.Hash
	var sum []byte
	switch {
	case isSHA1(c):
		s := sha1.Sum(c.RawTBSCertificate)
		hash, sum = crypto.SHA1, s[:]
	case isMD5(c):
		s := md5.Sum(c.RawTBSCertificate)
		hash, sum = crypto.MD5, s[:]
	default:
		return issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
	}
	switch key := issuer.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, hash, sum, c.Signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum, c.Signature)
	}
	return false
}

func isSHA1(c *x509.Certificate) bool {
	return c.SignatureAlgorithm == x509.SHA1WithRSA || c.SignatureAlgorithm == x509.ECDSAWithSHA1
}

func isMD5(c *x509.Certificate) bool { return c.SignatureAlgorithm == x509.MD5WithRSA }

// mayIssue is what crypto/x509 asks of an issuer.
func mayIssue(c *x509.Certificate) bool {
	if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return false
	}
	if c.BasicConstraintsValid {
		return c.IsCA
	}
	return c.Version != 3
}
