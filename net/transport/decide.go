package transport

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A CertificateError tells of a certificate that was refused: Electron's
// 'certificate-error'.
type CertificateError struct {
	URL         string // of the request
	Code        neterr.Code
	Certificate *certverify.Certificate // as sent, each with the next one sent as its IssuerCert
	Problems    []neterr.Code           // everything found wrong, the most serious first
}

// A CertificateErrorHandler decides whether a certificate that was refused is to be
// trusted all the same. It runs on the goroutine of a request, with no lock held, and
// may block until ctx ends; other requests that meet the same certificate wait for its
// answer.
type CertificateErrorHandler func(ctx context.Context, e *CertificateError) (accept bool)

// SetCertificateErrorHandler has h asked about refused certificates from now on; nil
// refuses them all. What was accepted is remembered for the host, the certificate and
// its problems, by the tls.Client's Verifier. h is not asked where nobody may decide
// otherwise; see certverify.Verifier.MayAccept.
func (t *Transport) SetCertificateErrorHandler(h CertificateErrorHandler) {
	t.certificateError.Store(&h)
}

// A ClientCertificateSelector chooses what to show to a server that wants a client
// certificate; nil is none. An error ends the request with it and with
// neterr.SSLClientAuthCertNeeded. It runs as a CertificateErrorHandler does.
type ClientCertificateSelector func(ctx context.Context, want *tls.ClientAuthError) (*tls.ClientCertificate, error)

// SetClientCertificateSelector has s choose from now on. Choices are remembered for
// the server; those made before are forgotten, and so are connections. Without a
// selector, which is nil, servers are shown no certificate.
func (t *Transport) SetClientCertificateSelector(s ClientCertificateSelector) {
	t.selector.Store(&s)
	if t.tls != nil {
		t.tls.ClearClientCertificates()
	}
	t.pool.Refresh(neterr.Aborted)
}

// maxDecisions bounds how often one request asks (Chromium: kMaxRestarts of
// HttpNetworkTransaction).
const maxDecisions = 32

// A plea is what one request has asked the program. It stays on the stack of its
// request, which nearly always has nothing to ask.
type plea struct {
	asked int
	chose bool // a client certificate, or was given another chance to
}

// plead asks the program whether something can be done about err. If so it returns nil,
// and the next connection may be a better one; else err, or what else ends the request.
func (t *Transport) plead(ctx context.Context, req *exchange.Request, p *plea, err error) error {
	if cause := t.decide(ctx, req, p, err); cause != nil {
		return cause
	}
	if p.asked++; p.asked > maxDecisions {
		return &neterr.Error{Code: neterr.TooManyRetries, Op: "connect", Addr: req.URL.Host, Err: err}
	}
	return nil
}

func (t *Transport) decide(ctx context.Context, req *exchange.Request, p *plea, err error) error {
	var refused *tls.CertificateError
	var want *tls.ClientAuthError
	switch code := neterr.CodeOf(err); {
	case errors.As(err, &refused) && t.tls.Verifier().MayAccept(refused.Host, code):
		if h := t.certificateError.Load(); h != nil && *h != nil {
			return t.decideCertificate(ctx, req, *h, refused, err)
		}
	case code == neterr.SSLClientAuthCertNeeded && errors.As(err, &want):
		p.chose = true
		return t.chooseCertificate(ctx, req, want)
	case code == neterr.SSLClientAuthSignatureFailed && !p.chose:
		// The key may have gone, with its card. The choice is forgotten, so somebody is
		// asked for another one (Chromium: HandleSSLClientAuthError).
		p.chose = true
		req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(err))
		return nil
	}
	return err
}

func (t *Transport) decideCertificate(ctx context.Context, req *exchange.Request, h CertificateErrorHandler, refused *tls.CertificateError, err error) error {
	v := t.tls.Verifier()
	q := question{server: server{host: refused.Host}, cert: sha256.Sum256(refused.Certificates[0].Raw)}
	return t.questions.once(ctx, q, func() error {
		if refused.IsAccepted(v) { // while this one connected
			return nil
		}
		req.NetLog.Begin(netlog.URLRequestDelegateSSLCertificateError)
		defer req.NetLog.End(netlog.URLRequestDelegateSSLCertificateError)
		if !h(ctx, &CertificateError{
			URL: req.URL.String(), Code: refused.Code, Problems: refused.Verdict.Problems,
			Certificate: certverify.NewCertificate(refused.Certificates),
		}) {
			return err
		}
		return refused.Accept(v)
	})
}

func (t *Transport) chooseCertificate(ctx context.Context, req *exchange.Request, want *tls.ClientAuthError) error {
	return t.questions.once(ctx, question{server: server{want.Host, want.Port}}, func() error {
		if t.tls.HasClientCertificate(want.Host, want.Port) { // chosen while this one connected
			return nil
		}
		req.NetLog.Begin(netlog.URLRequestDelegateCertificateRequested)
		defer req.NetLog.End(netlog.URLRequestDelegateCertificateRequested)
		var cert *tls.ClientCertificate
		if s := t.selector.Load(); s != nil && *s != nil {
			var err error
			if cert, err = (*s)(ctx, want); err != nil {
				return &neterr.Error{Code: neterr.SSLClientAuthCertNeeded, Op: "select client certificate", Addr: req.URL.Host, Err: err}
			}
		}
		if err := t.tls.SetClientCertificate(want.Host, want.Port, cert); err != nil {
			return err
		}
		if cert != nil {
			t.pool.Refresh(neterr.Aborted) // of those there are some may be another user's
		}
		return nil
	})
}
