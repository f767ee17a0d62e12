package certverify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// maxMoments is how many other times are tried for a chain that does not hold now.
const maxMoments = 8

// A builder looks for a chain. crypto/x509 stops at the first problem and does not
// say whether the chain holds otherwise, so the builder asks again in other ways:
// only when something is wrong, and never to trust what x509 refused.
type builder struct {
	sent    []*x509.Certificate
	trust   *trust
	known   func() knownRoots
	isKnown func(*x509.Certificate) bool

	options x509.VerifyOptions // but for the time
}

func newBuilder(v *Verifier, sent []*x509.Certificate, roots *x509.CertPool, t *trust) *builder {
	b := &builder{sent: sent, trust: t, known: v.known, isKnown: v.isKnown, options: x509.VerifyOptions{
		Roots:         roots,
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}}
	for _, c := range sent[1:] {
		b.options.Intermediates.AddCert(c)
	}
	return b
}

// build fills found with what is wrong with the way from leaf to a root, but for what
// [builder.object] finds in a chain that crypto/x509 trusts, and returns the chain, if
// one holds apart from that.
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
		chain, flaws := b.trace(leaf, now)
		for _, f := range flaws {
			found.add(f.code, f.err)
		}
		if len(flaws) > 0 {
			return chain
		}
	}
	found.add(code, err)
	if isUsage(err) {
		b.options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		chain, _ = b.verify(leaf, now)
	}
	return chain
}

// verify returns the first chain that nothing speaks against, else any.
func (b *builder) verify(c *x509.Certificate, at time.Time) ([]*x509.Certificate, error) {
	options := b.options
	options.CurrentTime = at
	chains, err := c.Verify(options)
	if err != nil {
		return nil, err
	}
	for _, chain := range chains {
		var found findings
		if b.object(chain, &found); len(found) == 0 {
			return chain, nil
		}
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

func isUsage(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage
}
