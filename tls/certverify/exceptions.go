package certverify

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"

	"github.com/kaon-net/kaon/net/neterr"
)

// IsOverridable reports whether somebody may decide to trust a certificate in spite of
// a problem. Nobody may if it was revoked, or cannot be what it should be (Chromium:
// IsCertErrorFatal).
func IsOverridable(code neterr.Code) bool {
	switch code {
	case neterr.CertContainsErrors, neterr.CertRevoked, neterr.CertInvalid:
		return false
	}
	return code.IsCertError()
}

// Accept excepts a certificate that was refused with err, an error of Verify: from now
// on Verify takes it for host. That holds for the problems that res lists: when others
// come up, Verify refuses it again. Nothing ends an exception.
//
// The error is neterr.InvalidArgument unless [Verifier.MayAccept].
func (v *Verifier) Accept(host string, cert *x509.Certificate, res *Result, err error) error {
	code := neterr.CodeOf(err)
	if !v.MayAccept(host, code) {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "accept certificate", Addr: host, Err: errFatal}
	}
	v.exceptions.add(exceptionOf(host, cert, res, code))
	return nil
}

// MayAccept reports whether somebody may decide to trust a certificate for host in
// spite of err: the problem [IsOverridable], and the host is not one of Config.Strict.
func (v *Verifier) MayAccept(host string, err error) bool {
	return IsOverridable(neterr.CodeOf(err)) && (v.strict == nil || !v.strict(normalize(host)))
}

// Accepts reports whether [Verifier.Accept] was called with the same, and still may be.
func (v *Verifier) Accepts(host string, cert *x509.Certificate, res *Result, err error) bool {
	return v.MayAccept(host, err) && v.exceptions.has(exceptionOf(host, cert, res, neterr.CodeOf(err)))
}

var errFatal = errors.New("nobody may accept such a certificate")

// answer is a verdict with the exceptions applied.
func (v *Verifier) answer(p *Params, vd *verdict) (*Result, error) {
	if vd.err != nil && len(p.Certificates) > 0 && v.Accepts(p.Host, p.Certificates[0], vd.result, vd.err) {
		return vd.result, nil
	}
	return vd.result, vd.err
}

// An exception is what was accepted: for one host, one certificate and what is wrong
// with it, to the program and to the Verifier.
type exception struct {
	host   string
	cert   [sha256.Size]byte
	status Status
	code   neterr.Code
}

func exceptionOf(host string, cert *x509.Certificate, res *Result, code neterr.Code) exception {
	return exception{normalize(host), sha256.Sum256(cert.Raw), res.Status, code}
}

// exceptions are as many as the program makes.
type exceptions struct {
	mu  sync.Mutex
	all map[exception]struct{}
}

func (e *exceptions) has(x exception) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.all[x]
	return ok
}

func (e *exceptions) add(x exception) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = make(map[exception]struct{})
	}
	e.all[x] = struct{}{}
}
