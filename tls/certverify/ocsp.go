package certverify

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// maxOCSPAge is how old a response about a server's certificate may be: Chromium's
// kMaxRevocationLeafUpdateAge.
const maxOCSPAge = 7 * 24 * time.Hour

// stapledRevocation returns an error if the stapled response says, in the name of
// chain's issuer and of now, that the server's certificate is revoked. A response
// that cannot be read, is out of date or not signed as it should be says nothing, as
// in Chromium.
func stapledRevocation(response []byte, chain []*x509.Certificate, now time.Time) error {
	if len(response) == 0 || len(chain) < 2 {
		return nil
	}
	leaf, issuer := chain[0], chain[1]
	r, err := ocsp.ParseResponseForCert(response, leaf, issuer)
	if err != nil || r.Status != ocsp.Revoked || !isCurrent(r, now) || !maySign(r.Certificate, issuer) {
		return nil
	}
	return fmt.Errorf("revoked at %s", r.RevokedAt.Format(time.RFC3339))
}

func isCurrent(r *ocsp.Response, now time.Time) bool {
	return !r.ThisUpdate.After(now) && now.Sub(r.ThisUpdate) < maxOCSPAge &&
		(r.NextUpdate.IsZero() || now.Before(r.NextUpdate))
}

// maySign reports whether the issuer lets responder sign responses (RFC 6960 section
// 4.2.2.2). nil is the issuer itself.
func maySign(responder, issuer *x509.Certificate) bool {
	return responder == nil || responder.Equal(issuer) ||
		slices.Contains(responder.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning)
}
