package tls

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"sync/atomic"
	"time"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A QUICHandshake is one TLS handshake inside QUIC (RFC 9001), for whoever speaks QUIC.
// It holds to all that holds for [Client.Handshake]: the Verifier, the SSLConfig, client
// certificates, and which sessions may be resumed. It is stricter with certificates:
// one with a fault is refused even if the program has accepted it, as Chromium does over
// QUIC. The hello is crypto/tls's, with the profile's groups: uTLS has none for QUIC that
// quic-go takes.
type QUICHandshake struct {
	config  *stdtls.Config
	verdict atomic.Pointer[certverify.Result] // that trusts the server
}

// SpeaksQUIC reports whether [Client.QUIC] has anything to offer: the profile speaks
// HTTP/3, and TLS 1.3, the only version inside QUIC, is in use.
func (c *Client) SpeaksQUIC() bool {
	return c.profile.HTTP3 && c.settings.Load().hello.max >= utls.VersionTLS13
}

// QUIC prepares a handshake for HTTP/3 with r.Host, wherever the connection leads. ctx
// bounds the judgement of the certificates, which may come late: data goes out before it
// (0-RTT) only to a server whose certificates the Verifier accepted before, and has not
// changed since. r.ALPN and r.Trace are not used. A server that rejects ECH ends it.
//
// The error is neterr.InvalidArgument unless c speaks QUIC.
func (c *Client) QUIC(ctx context.Context, r *Request) (*QUICHandshake, error) {
	set := c.settings.Load()
	if !c.profile.HTTP3 || set.hello.max < utls.VersionTLS13 {
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "quic handshake", Addr: r.addr()}
	}
	auth := c.newClientAuth(r)
	h := new(QUICHandshake)
	h.config = &stdtls.Config{
		ServerName:       r.Host,
		NextProtos:       []string{"h3"},
		MinVersion:       stdtls.VersionTLS13,
		CurvePreferences: curves(set.hello.tls.Groups),
		// The verdict is VerifyConnection's alone, on resumed sessions too.
		InsecureSkipVerify: true,
		VerifyConnection: func(s stdtls.ConnectionState) error {
			return h.verify(ctx, c, r, &s)
		},
		GetClientCertificate: auth.quicCertificate,
	}
	switch {
	case len(r.ECHConfigList) > 0:
		h.config.EncryptedClientHelloConfigList = r.ECHConfigList
		h.config.EncryptedClientHelloRejectionVerify = func(stdtls.ConnectionState) error {
			return &neterr.Error{Code: neterr.ECHNotNegotiated, Op: "quic handshake", Addr: r.addr()}
		}
	case set.quic != nil:
		h.config.ClientSessionCache = &quicSessions{set.quic, auth.sessionKey(c.verifier.Generation())}
	}
	return h, nil
}

// Config returns what the handshake is to be made with, once. It must not be changed.
func (h *QUICHandshake) Config() *stdtls.Config { return h.config }

// Covers reports whether the server's certificate, once it is accepted, is for host, too;
// see [Conn.Covers].
func (h *QUICHandshake) Covers(host string) bool {
	verdict := h.verdict.Load()
	return verdict != nil && certverify.Covers(verdict.Chain[0], host)
}

// VerifiedChains returns what the ConnectionState of the handshake does not have, because
// crypto/tls did not verify: the chain that the Verifier found; nil before it has spoken.
func (h *QUICHandshake) VerifiedChains() [][]*x509.Certificate {
	verdict := h.verdict.Load()
	if verdict == nil {
		return nil
	}
	return verifiedChains(verdict)
}

func (h *QUICHandshake) verify(ctx context.Context, c *Client, r *Request, s *stdtls.ConnectionState) error {
	res, err := c.verify(ctx, &certverify.Params{
		Host:         r.Host,
		Certificates: s.PeerCertificates,
		OCSPResponse: s.OCSPResponse,
		SCTs:         s.SignedCertificateTimestamps,
		NetLog:       r.NetLog,
	})
	switch {
	case err != nil:
		return err
	case len(res.Problems) > 0:
		return &neterr.Error{Code: res.Problems[0], Op: "quic handshake", Addr: r.addr()}
	}
	h.verdict.Store(res)
	return nil
}

// curves leaves out what crypto/tls does not know.
func curves(groups []uint16) []stdtls.CurveID {
	var out []stdtls.CurveID
	for _, g := range groups {
		if g != profile.GREASE {
			out = append(out, stdtls.CurveID(g))
		}
	}
	return out
}

// quicCertificate is certificate for crypto/tls.
func (a *clientAuth) quicCertificate(info *stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) {
	asked := &utls.CertificateRequestInfo{AcceptableCAs: info.AcceptableCAs, Version: info.Version}
	for _, s := range info.SignatureSchemes {
		asked.SignatureSchemes = append(asked.SignatureSchemes, utls.SignatureScheme(s))
	}
	cert, err := a.certificate(asked)
	if err != nil {
		return nil, err
	}
	return &stdtls.Certificate{Certificate: cert.Certificate, PrivateKey: cert.PrivateKey}, nil
}

// quicSessions are the sessions of one server, as crypto/tls wants them for one
// connection. It needs no key of crypto/tls's, which is the host name alone.
type quicSessions struct {
	all *sessions[*stdtls.ClientSessionState]
	key sessionKey
}

func (s *quicSessions) Get(string) (*stdtls.ClientSessionState, bool) {
	return s.all.take(s.key, time.Now())
}

func (s *quicSessions) Put(_ string, state *stdtls.ClientSessionState) {
	if state == nil {
		s.all.drop(s.key)
		return
	}
	if ticket, _, err := state.ResumptionState(); err == nil && len(ticket) <= maxTicket {
		s.all.add(s.key, state, true, time.Now())
	}
}
