package certverify

import (
	"errors"
	"slices"

	"github.com/kaon-net/kaon/net/neterr"
)

var errNoCertificates = errors.New("no certificates")

// precedence is the order in which Chromium reports problems when there are several
// (MapCertStatusToNetError).
var precedence = [...]neterr.Code{
	neterr.CertInvalid,
	neterr.SSLPinnedKeyNotInCertChain,
	neterr.CertKnownInterceptionBlocked,
	neterr.CertRevoked,
	neterr.CertAuthorityInvalid,
	neterr.CertCommonNameInvalid,
	neterr.CertSelfSignedLocalNetwork,
	neterr.CertificateTransparencyRequired,
	neterr.CertNameConstraintViolation,
	neterr.CertWeakSignatureAlgorithm,
	neterr.CertWeakKey,
	neterr.CertDateInvalid,
	neterr.CertValidityTooLong,
	neterr.CertNonUniqueName,
	neterr.CertUnableToCheckRevocation,
	neterr.CertNoRevocationMechanism,
}

// findings collects what is wrong with a chain, each code once.
type findings []finding

type finding struct {
	code neterr.Code
	err  error
}

func (f *findings) add(code neterr.Code, err error) {
	if !f.has(code) {
		*f = append(*f, finding{code, err})
	}
}

func (f findings) has(code neterr.Code) bool {
	return slices.ContainsFunc(f, func(x finding) bool { return x.code == code })
}

func (f findings) cause(code neterr.Code) error {
	for _, x := range f {
		if x.code == code {
			return x.err
		}
	}
	return nil
}

// sorted returns the codes, the most serious first.
func (f findings) sorted() []neterr.Code {
	var out []neterr.Code
	for _, code := range precedence {
		if f.has(code) {
			out = append(out, code)
		}
	}
	return out
}
