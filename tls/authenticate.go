package tls

import (
	"crypto"
	stdtls "crypto/tls"
	"errors"
	"io"
	"sync/atomic"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A clientAuth answers the server of one connection that wants to know who we are, and
// reads from a failure what that has to do with it.
type clientAuth struct {
	client *Client
	req    *Request
	id     *identity // nil if none was chosen

	asked  atomic.Bool           // uTLS says so under its lock, errors are read without
	failed atomic.Pointer[error] // of the key
}

func (c *Client) newClientAuth(r *Request) *clientAuth {
	return &clientAuth{client: c, req: r, id: c.identities.get(serverAddr{r.Host, r.Port})}
}

// sessionKey says which sessions the connection may resume; trust is the Verifier's
// generation if it is not asked before data goes out.
func (a *clientAuth) sessionKey(trust uint64) sessionKey {
	return sessionKey{a.req.Host, a.req.Port, a.req.Private, a.req.Isolation, a.id, trust}
}

// certificate is utls.Config.GetClientCertificate.
func (a *clientAuth) certificate(info *utls.CertificateRequestInfo) (*utls.Certificate, error) {
	a.asked.Store(true)
	a.req.NetLog.Event(netlog.SSLClientCertRequested)
	switch {
	case a.shows():
	case a.id != nil, a.req.Private:
		return new(utls.Certificate), nil
	default:
		want := &ClientAuthError{Host: a.req.Host, Port: a.req.Port, Authorities: info.AcceptableCAs}
		for _, s := range info.SignatureSchemes {
			want.SignatureSchemes = append(want.SignatureSchemes, stdtls.SignatureScheme(s))
		}
		return nil, a.fail(neterr.SSLClientAuthCertNeeded, want)
	}
	cert := &utls.Certificate{Certificate: a.id.chain, PrivateKey: signer{a}}
	// Whether the server knows the issuer is for it to say.
	schemes := utls.CertificateRequestInfo{SignatureSchemes: info.SignatureSchemes, Version: info.Version}
	if err := schemes.SupportsCertificate(cert); err != nil {
		return nil, a.fail(neterr.SSLClientAuthNoCommonAlgorithms, err)
	}
	return cert, nil
}

// shows reports whether there is a certificate to show. Chromium shows none where
// credentials are omitted.
func (a *clientAuth) shows() bool { return a.id != nil && a.id.chain != nil && !a.req.Private }

func (a *clientAuth) fail(code neterr.Code, cause error) error {
	var err error = &neterr.Error{Code: code, Op: "tls handshake", Addr: a.req.addr(), Err: cause}
	a.failed.Store(&err)
	return err
}

// A signer is the key of a clientAuth, and notes when it fails: uTLS keeps the words
// alone.
type signer struct{ *clientAuth }

func (s signer) Public() crypto.PublicKey { return s.id.key.Public() }

func (s signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := s.id.key.Sign(rand, digest, opts)
	if err != nil {
		err = s.fail(neterr.SSLClientAuthSignatureFailed, err)
	}
	return sig, err
}

// explain names an error of uTLS. A choice that did not do is forgotten, so that the
// next connection asks for another.
func (a *clientAuth) explain(op string, err error) error {
	if failed := a.failed.Load(); failed != nil {
		err = *failed
	} else {
		err = wrapError(op, a.req.addr(), a.alert(op, err))
	}
	if a.id != nil && isClientAuth(neterr.CodeOf(err)) {
		a.client.identities.drop(serverAddr{a.req.Host, a.req.Port}, a.id)
	}
	return err
}

// alert names the alerts whose meaning depends on whether a certificate was asked for
// and shown, as Chromium does (SSLClientSocketImpl::MapLastOpenSSLError): most servers
// say no more than handshake_failure when they miss one, and some firewalls say
// access_denied to whomever they block.
func (a *clientAuth) alert(op string, err error) error {
	code := neterr.OK
	switch {
	case isAlert(err, alertHandshakeFailure) && a.asked.Load() && !a.shows():
		code = neterr.BadSSLClientAuthCert
	case isAlert(err, alertAccessDenied) && !a.asked.Load():
		code = neterr.SSLProtocolError
	default:
		return err
	}
	return &neterr.Error{Code: code, Op: op, Addr: a.req.addr(), Err: err}
}

// recordError is explain for a complete handshake: io.EOF and errors of the connection
// below stay as they are.
func (a *clientAuth) recordError(op string, err error) error {
	var named *neterr.Error
	if errors.As(err, &named) || isTLS(err) {
		return a.explain(op, err)
	}
	return err
}

func isClientAuth(c neterr.Code) bool {
	switch c {
	case neterr.BadSSLClientAuthCert, neterr.SSLClientAuthSignatureFailed,
		neterr.SSLClientAuthNoCommonAlgorithms, neterr.SSLClientAuthPrivateKeyAccessDenied,
		neterr.SSLClientAuthCertNoPrivateKey:
		return true
	}
	return false
}
