package certverify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

var errNonUniqueName = errors.New("a known root stands for a name that is not unique")

// judge is the Verifier's own verdict at now: the error names the most serious
// problem.
func (v *Verifier) judge(ctx context.Context, p *Params, t *trust, now time.Time) (*Result, error) {
	var found findings
	res := new(Result)
	if len(p.Certificates) == 0 {
		found.add(neterr.CertInvalid, errNoCertificates)
	} else {
		v.examine(ctx, p, t, now, res, &found)
	}
	var status Status
	res.Problems, status = found.sorted()
	res.Status |= status
	if len(res.Problems) == 0 {
		return res, nil
	}
	worst := res.Problems[0]
	return res, &neterr.Error{Code: worst, Op: op, Addr: p.Host, Err: found.cause(worst)}
}

func (v *Verifier) examine(ctx context.Context, p *Params, t *trust, now time.Time, res *Result, found *findings) {
	leaf := p.Certificates[0]
	if roots, err := t.pool(); err != nil {
		found.add(neterr.CertAuthorityInvalid, err)
	} else {
		b := newBuilder(v, p.Certificates, roots, t)
		res.Chain = b.build(leaf, now, found)
		if res.Chain == nil {
			b.weigh(p.Certificates[:1], false, found)
		} else {
			res.KnownRoot = b.isKnown(root(res.Chain))
			b.object(res.Chain, found)
		}
	}
	if found.has(neterr.CertWeakSignatureAlgorithm) {
		res.Status |= StatusSHA1SignaturePresent
	}

	// As in Chromium, what was revoked or is not logged matters if the chain holds,
	// whatever is wrong with the name.
	if len(*found) == 0 {
		if err := stapledRevocation(p.OCSPResponse, res.Chain, now); err != nil {
			found.add(neterr.CertRevoked, err)
		}
		c := &Chain{Params: p, Certificates: res.Chain, KnownRoot: res.KnownRoot}
		if v.revocation != nil && len(*found) == 0 {
			res.Status |= StatusRevCheckingEnabled
			v.revocation.run(ctx, c, neterr.CertUnableToCheckRevocation, found)
		}
		if v.ctPolicy != nil {
			v.ctPolicy.run(ctx, c, neterr.CertificateTransparencyRequired, found)
		}
	}

	if !Covers(leaf, p.Host) {
		found.add(neterr.CertCommonNameInvalid, x509.HostnameError{Certificate: leaf, Host: p.Host})
	}
	if res.KnownRoot {
		if limit := maxValidity(leaf.NotBefore); leaf.NotAfter.Sub(leaf.NotBefore) > limit || leaf.NotAfter.Before(leaf.NotBefore) {
			found.add(neterr.CertValidityTooLong, fmt.Errorf("valid from %s to %s, longer than %d days",
				leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly), limit/day))
		}
		if isNonUnique(p.Host) {
			found.add(neterr.CertNonUniqueName, errNonUniqueName)
		}
	}
}

const day = 24 * time.Hour

// maxValidity is how long a certificate under a known root may be valid if that
// begins at from: the Baseline Requirements, section 6.3.2.
func maxValidity(from time.Time) time.Duration {
	for _, step := range [...]struct {
		since time.Time
		days  time.Duration
	}{
		{time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC), 47},
		{time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), 100},
		{time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC), 200},
	} {
		if !from.Before(step.since) {
			return step.days * day
		}
	}
	return 398 * day
}

func root(chain []*x509.Certificate) *x509.Certificate { return chain[len(chain)-1] }
