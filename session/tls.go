package session

import (
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// SetSSLConfig changes which TLS versions and cipher suites are offered (Electron:
// ses.setSSLConfig). Later requests use connections made under c; those under way end
// as they began. The error is neterr.InvalidArgument for a version that is not known or
// if nothing is left to offer, and then all stays as it was.
func (s *Session) SetSSLConfig(c tls.SSLConfig) error {
	if err := s.tls.SetSSLConfig(c); err != nil {
		return err
	}
	s.refresh(neterr.Aborted)
	return nil
}

// SetCertificateVerifyProc has p decide about every certificate that a server shows to
// this session (Electron: ses.setCertificateVerifyProc); nil leaves it to
// Config.TLS.Verifier again. Verdicts made before are forgotten, and so are connections,
// but for what is under way on them. The time that p takes does not count for the
// handshake's timeout.
func (s *Session) SetCertificateVerifyProc(p certverify.Proc) { s.tls.Verifier().SetProc(p) }

// SetCertificateErrorHandler has h decide about certificates that were refused
// (Electron: 'certificate-error'), of every request of the session; nil refuses them
// all. It is asked once for a host, a certificate and what is wrong with it: what it
// accepts is accepted until the session ends, also after h was replaced. A certificate
// that was revoked, or is none, is refused without asking, as is every one of a host that
// requires https (RFC 6797 section 8.4), as in Chromium.
func (s *Session) SetCertificateErrorHandler(h transport.CertificateErrorHandler) {
	if s.transport != nil {
		s.transport.SetCertificateErrorHandler(h)
	}
}

// SetClientCertificateSelector has choose say what to show to servers that want a
// client certificate (Electron: 'select-client-certificate'), once for a host and port
// until the certificate, or its absence, does not do any more. nil shows none, which is
// the default: there is no platform store to take one from. Choices made before are
// forgotten, and so are connections, but for what is under way on them.
//
// Requests without credentials never show a certificate, and nobody is asked.
func (s *Session) SetClientCertificateSelector(choose transport.ClientCertificateSelector) {
	if s.transport != nil {
		s.transport.SetClientCertificateSelector(choose)
	}
}

// refresh keeps later requests from connections that were made before.
func (s *Session) refresh(err error) {
	if s.transport != nil {
		s.transport.Refresh(err)
	}
}

// verifierOf returns a Verifier of the session's own, whose Proc and exceptions are not
// those of other sessions that were given the same one; exceptions cannot be made for
// strict hosts. stop ends what connects them.
func verifierOf(shared *certverify.Verifier, strict func(host string) bool) (own *certverify.Verifier, stop func()) {
	own = certverify.New(certverify.Config{Base: shared, Strict: strict})
	if shared == nil {
		return own, func() {}
	}
	return own, shared.OnChange(own.Forget)
}
