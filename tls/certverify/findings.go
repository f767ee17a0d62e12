package certverify

import (
	"slices"

	"github.com/kaon-net/kaon/net/neterr"
)

// Status is a set of Chromium's CERT_STATUS bits, as its NetLog has them.
type Status uint32

// What a Verifier or a [Check] may find. Those above StatusValidityTooLong up to
// StatusSHA1SignaturePresent are facts, not problems.
const (
	StatusCommonNameInvalid               Status = 1 << 0
	StatusDateInvalid                     Status = 1 << 1
	StatusAuthorityInvalid                Status = 1 << 2
	StatusNoRevocationMechanism           Status = 1 << 4
	StatusUnableToCheckRevocation         Status = 1 << 5
	StatusRevoked                         Status = 1 << 6
	StatusInvalid                         Status = 1 << 7
	StatusWeakSignatureAlgorithm          Status = 1 << 8
	StatusNonUniqueName                   Status = 1 << 10
	StatusWeakKey                         Status = 1 << 11
	StatusPinnedKeyMissing                Status = 1 << 13
	StatusNameConstraintViolation         Status = 1 << 14
	StatusValidityTooLong                 Status = 1 << 15
	StatusRevCheckingEnabled              Status = 1 << 17 // Config.Revocation was asked
	StatusSHA1SignaturePresent            Status = 1 << 19
	StatusCertificateTransparencyRequired Status = 1 << 24
	StatusKnownInterceptionBlocked        Status = 1 << 26
	StatusSelfSignedLocalNetwork          Status = 1 << 28
)

// precedence is the order in which Chromium reports problems when there are several
// (MapCertStatusToNetError), with their bits.
var precedence = [...]struct {
	code   neterr.Code
	status Status
}{
	{neterr.CertInvalid, StatusInvalid},
	{neterr.SSLPinnedKeyNotInCertChain, StatusPinnedKeyMissing},
	{neterr.CertKnownInterceptionBlocked, StatusKnownInterceptionBlocked},
	{neterr.CertRevoked, StatusRevoked},
	{neterr.CertAuthorityInvalid, StatusAuthorityInvalid},
	{neterr.CertCommonNameInvalid, StatusCommonNameInvalid},
	{neterr.CertSelfSignedLocalNetwork, StatusSelfSignedLocalNetwork},
	{neterr.CertificateTransparencyRequired, StatusCertificateTransparencyRequired},
	{neterr.CertNameConstraintViolation, StatusNameConstraintViolation},
	{neterr.CertWeakSignatureAlgorithm, StatusWeakSignatureAlgorithm},
	{neterr.CertWeakKey, StatusWeakKey},
	{neterr.CertDateInvalid, StatusDateInvalid},
	{neterr.CertValidityTooLong, StatusValidityTooLong},
	{neterr.CertNonUniqueName, StatusNonUniqueName},
	{neterr.CertUnableToCheckRevocation, StatusUnableToCheckRevocation},
	{neterr.CertNoRevocationMechanism, StatusNoRevocationMechanism},
}

// statusOf returns the bit of a problem, zero for what is none.
func statusOf(code neterr.Code) Status {
	for _, p := range precedence {
		if p.code == code {
			return p.status
		}
	}
	return 0
}

// findings collects what is wrong with a chain, each code once. Codes are of the table
// above, or they would be lost.
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

// sorted returns the codes, the most serious first, and their bits.
func (f findings) sorted() (codes []neterr.Code, status Status) {
	for _, p := range precedence {
		if f.has(p.code) {
			codes = append(codes, p.code)
			status |= p.status
		}
	}
	return codes, status
}
