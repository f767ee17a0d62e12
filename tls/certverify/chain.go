package certverify

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// Chromium's limits.
const (
	minRSABits = 1024
	maxWeak    = 8 // SHA-1 signatures followed in one chain
	maxMoments = 8 // other times tried for a chain that does not hold now
)

// check fills found with all that is wrong and returns the chain, if one holds apart
// from what was found.
func (v *Verifier) check(r *Request, found *findings) []*x509.Certificate {
	leaf := r.Certificates[0]
	if err := leaf.VerifyHostname(r.Host); err != nil {
		found.add(neterr.CertCommonNameInvalid, err)
	}
	roots, err := v.roots()
	if err != nil {
		found.add(neterr.CertAuthorityInvalid, err)
		return nil
	}
	b := builder{roots: roots, extra: v.cfg.ExtraRoots, sent: r.Certificates, pool: x509.NewCertPool()}
	for _, c := range r.Certificates[1:] {
		b.pool.AddCert(c)
	}

	chain := b.build(leaf, v.cfg.Now(), found)
	weighed := chain
	if weighed == nil {
		weighed = r.Certificates[:1]
	}
	for _, c := range weighed {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
			found.add(neterr.CertWeakKey, fmt.Errorf("RSA key of %d bits", key.N.BitLen()))
		}
	}
	return chain
}

// A builder looks for a chain. crypto/x509 stops at the first problem and does not
// say whether the chain holds otherwise, so the builder asks again in other ways:
// only when something is wrong, and never to trust what x509 refused.
type builder struct {
	roots *x509.CertPool
	extra []*x509.Certificate
	sent  []*x509.Certificate
	pool  *x509.CertPool // sent without the leaf
}

func (b *builder) build(leaf *x509.Certificate, now time.Time, found *findings) []*x509.Certificate {
	chain, err := b.verify(leaf, now)
	if err == nil {
		return chain
	}
	if date := b.outOfDate(now); date != nil {
		found.add(neterr.CertDateInvalid, date)
		for _, at := range b.moments() {
			chain, other := b.verify(leaf, at)
			if other == nil {
				return chain
			}
			if code := classify(other); code != neterr.CertDateInvalid && code != neterr.CertAuthorityInvalid {
				err, now = other, at // the chain is known, and this is wrong with it besides
			}
		}
	}
	code := classify(err)
	if code == neterr.CertDateInvalid && found.has(code) {
		// The leaf's date hid that no time makes the chain hold.
		code, err = neterr.CertAuthorityInvalid, x509.UnknownAuthorityError{Cert: leaf}
	}
	if code == neterr.CertAuthorityInvalid {
		if chain = b.viaSHA1(leaf, now, found); chain != nil {
			return chain
		}
	}
	found.add(code, err)
	return nil
}

func (b *builder) verify(c *x509.Certificate, at time.Time) ([]*x509.Certificate, error) {
	chains, err := c.Verify(x509.VerifyOptions{
		Roots:         b.roots,
		Intermediates: b.pool,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return nil, err
	}
	return chains[0], nil
}

// outOfDate says which of the certificates sent is not valid at now, or returns nil.
func (b *builder) outOfDate(now time.Time) error {
	for _, c := range b.sent {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return x509.CertificateInvalidError{
				Cert: c, Reason: x509.Expired,
				Detail: fmt.Sprintf("valid from %s to %s", c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339)),
			}
		}
	}
	return nil
}

// moments are times at which all certificates of a chain may have been valid: that
// span, if there is one, begins and ends where one of them does.
func (b *builder) moments() []time.Time {
	var out []time.Time
	for _, c := range b.sent {
		out = append(out, c.NotBefore, c.NotAfter)
		if len(out) >= maxMoments {
			break
		}
	}
	return out
}

func classify(err error) neterr.Code {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var noRoots x509.SystemRootsError
	switch {
	case errors.As(err, &invalid):
		switch invalid.Reason {
		case x509.Expired:
			return neterr.CertDateInvalid
		case x509.CANotAuthorizedForThisName:
			return neterr.CertNameConstraintViolation
		}
		return neterr.CertInvalid
	case errors.As(err, &unknown), errors.As(err, &noRoots):
		return neterr.CertAuthorityInvalid
	}
	return neterr.CertInvalid
}
