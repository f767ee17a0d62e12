package certverify

import (
	"context"
	"errors"

	"github.com/kaon-net/kaon/net/neterr"
)

// A Request is what a [Proc] decides on: the request of Electron's
// setCertificateVerifyProc.
type Request struct {
	Host                 string       // hostname
	Certificate          *Certificate // as sent, each with the next one sent as its IssuerCert
	ValidatedCertificate *Certificate // with the chain that was built; as sent if there is none
	IsIssuedByKnownRoot  bool         // whether browsers ship the root
	VerificationResult   string       // of the Verifier: "OK", or "net::ERR_CERT_AUTHORITY_INVALID" and the like
	ErrorCode            neterr.Code  // the same as a number
}

// A Proc gives the program's verdict. nil accepts the certificate whatever is wrong
// with it (Electron's 0), [UseDefault] leaves it to the Verifier (-3), and any other
// error rejects it (-2): with its code, if it carries a [neterr.Code], else with
// [neterr.Failed].
//
// It runs on the goroutine that asks, with no lock held, and may block until ctx
// ends; the time it takes does not count against a handshake's. Its answers are kept
// with the verdicts, refusals too: it is asked once for a chain and a host in half an
// hour, and not at the same time for the same. It must not call [Verifier.Verify]
// for what it is asked about.
type Proc func(ctx context.Context, r *Request) error

// UseDefault is what a [Proc] returns to leave the verdict to the Verifier.
//
//lint:ignore ST1012 it is an answer rather than a failure
var UseDefault = errors.New("use the default verdict")

// ask has proc decide, where found and err are the Verifier's own verdict.
func ask(ctx context.Context, proc Proc, p *Params, found *Result, err error) error {
	r := &Request{
		Host:                p.Host,
		Certificate:         NewCertificate(p.Certificates),
		IsIssuedByKnownRoot: found.KnownRoot,
		VerificationResult:  "OK",
		ErrorCode:           neterr.CodeOf(err),
	}
	if err != nil {
		r.VerificationResult = r.ErrorCode.Error()
	}
	r.ValidatedCertificate = r.Certificate
	if found.Chain != nil {
		r.ValidatedCertificate = NewCertificate(found.Chain)
	}
	said := proc(ctx, r)
	if said == nil {
		return nil
	}
	if errors.Is(said, UseDefault) {
		return err
	}
	code := neterr.CodeOf(said)
	if code == neterr.OK { // a number that cannot refuse, in an error that does
		code = neterr.Failed
	}
	return &neterr.Error{Code: code, Op: op, Addr: p.Host, Err: said}
}
