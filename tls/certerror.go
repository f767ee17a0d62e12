package tls

import (
	"crypto/x509"
	"errors"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A CertificateError says which certificate was refused, to whoever may accept it. It
// is the cause of a neterr.Error with the code of the refusal:
//
//	var refused *tls.CertificateError
//	if errors.As(err, &refused) && program.says(refused) {
//		err := refused.Accept(client.Verifier())
//		…
//		conn, err = client.Handshake(ctx, anotherRaw, request)
//	}
type CertificateError struct {
	Host         string              // whose certificate it was to be
	Certificates []*x509.Certificate // as sent, the server's own first
	Verdict      *certverify.Result  // with all problems; shared, not to be changed
	Code         neterr.Code         // the refusal itself: the Verifier's, or its Proc's
	Err          error               // what is wrong in words; may be nil
}

func (e *CertificateError) Error() string {
	if e.Err == nil {
		return "the certificate was refused"
	}
	return e.Err.Error()
}

// Unwrap returns e.Err.
func (e *CertificateError) Unwrap() error { return e.Err }

// Accept has v take the certificate for that host from now on; see
// [certverify.Verifier.Accept].
func (e *CertificateError) Accept(v *certverify.Verifier) error {
	return v.Accept(e.Host, e.Certificates[0], e.Verdict, e.Code)
}

// IsAccepted reports whether Accept was called for the same with v.
func (e *CertificateError) IsAccepted(v *certverify.Verifier) bool {
	return v.Accepts(e.Host, e.Certificates[0], e.Verdict, e.Code)
}

// refusal adds to an error of the Verifier what the program needs to know to decide
// otherwise.
func refusal(host string, certs []*x509.Certificate, res *certverify.Result, err error) error {
	var e *neterr.Error
	if res == nil || len(certs) == 0 || !errors.As(err, &e) {
		return err
	}
	return &neterr.Error{Code: e.Code, Op: e.Op, Addr: e.Addr, Err: &CertificateError{
		Host: host, Certificates: certs, Verdict: res, Code: e.Code, Err: e.Err,
	}}
}
