package tls

import (
	"context"
	stdtls "crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"net/http/httptrace"
	"slices"
	"strconv"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A Request says whom a connection is for.
type Request struct {
	Host string // a DNS name in lower case, or an IP address without brackets: then there is no server name in the hello
	Port uint16

	// ALPN is what to offer, in order. nil is what the profile offers; an empty list
	// offers nothing. Without "h2" the hello has no application settings either, as
	// Chromium's for a WebSocket.
	ALPN []string

	// Sessions are resumed only between requests that have these two in common.
	Isolation origin.Key
	Private   bool // credentials are omitted: Chromium's privacy mode; no client certificate is shown

	// ECHConfigList, from an HTTPS record, has the hello encrypted (RFC 9849), without
	// resuming a session. uTLS makes the inner hello, which shows the server behind the
	// public name more of Go than of the profile, and cannot answer a server that wants
	// another key share. Empty greases, if the profile does.
	ECHConfigList []byte

	NetLog netlog.Source
	Trace  *httptrace.ClientTrace // nil hears nothing
}

func (r *Request) addr() string {
	return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))
}

// ErrSessionUnusable says that a handshake failed because it offered to resume a
// session and the server asked for another key share first, which uTLS cannot answer.
// The session is gone: a new connection to the server will do.
var ErrSessionUnusable = errors.New("the server wants another key share than a resumed session has")

const handshakeOp = "tls handshake"

var errHandshakeTimeout = errors.New("the handshake took too long")

// Handshake makes raw a TLS connection. It owns raw from now on: Close of the result
// closes it, and so does a failure, whose error is a *neterr.Error. When ctx ends,
// the handshake ends at once; afterwards ctx has no influence.
//
// The certificates are judged within the handshake, before the client's last
// message, so nothing was written and nothing can be read if they are refused.
func (c *Client) Handshake(ctx context.Context, raw net.Conn, r *Request) (*Conn, error) {
	r.NetLog.Begin(netlog.SSLConnect)
	if r.Trace != nil && r.Trace.TLSHandshakeStart != nil {
		r.Trace.TLSHandshakeStart()
	}
	conn, err := c.handshake(ctx, raw, r)
	if err != nil {
		_ = raw.Close()
		r.NetLog.Event(netlog.SSLHandshakeError, netlog.Err(err))
		r.NetLog.EndErr(netlog.SSLConnect, err)
	} else if r.NetLog.On() {
		r.NetLog.End(netlog.SSLConnect, connectAttrs(&conn.state)...)
	}
	if r.Trace != nil && r.Trace.TLSHandshakeDone != nil {
		var state stdtls.ConnectionState
		if conn != nil {
			state = conn.state
		}
		r.Trace.TLSHandshakeDone(state, err)
	}
	return conn, err
}

// An attempt is a handshake under way.
type attempt struct {
	client *Client
	set    *settings
	req    *Request
	auth   *clientAuth
	timer  *pauseTimer

	verdict *certverify.Result
	ech     bool // real, not greased
}

func (c *Client) handshake(ctx context.Context, raw net.Conn, r *Request) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, wrapError(handshakeOp, r.addr(), err)
	}
	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &attempt{client: c, set: c.settings.Load(), req: r, auth: c.newClientAuth(r), ech: len(r.ECHConfigList) > 0}
	a.timer = startTimer(c.timeout, func() { cancel(errHandshakeTimeout) })
	defer a.timer.stop()
	defer c.stock.refill()

	below := newWire(raw)
	u, cfg, err := a.hello(ctx, below)
	if err != nil {
		return nil, wrapError(handshakeOp, r.addr(), err)
	}
	if err := u.HandshakeContext(ctx); err != nil {
		if context.Cause(ctx) == errHandshakeTimeout {
			err = errHandshakeTimeout // uTLS says "canceled" whatever the reason
		} else if caller.Err() != nil {
			err = caller.Err()
		} else {
			err = a.failure(ctx, u, err)
		}
		return nil, a.auth.explain(handshakeOp, err)
	}
	if a.verdict == nil { // cannot be, and must not be
		return nil, wrapError(handshakeOp, r.addr(), neterr.Unexpected)
	}
	conn := newConn(u, below, a.auth, a.verdict)
	if p := conn.state.NegotiatedProtocol; p != "" && p != "http/1.1" || conn.state.Version >= utls.VersionTLS13 {
		forbidRenegotiation(cfg)
	}
	if g := uint16(conn.state.CurveID); g != 0 && !slices.Contains(a.set.hello.tls.KeyShares, g) {
		conn.state.HelloRetryRequest = true
		if cache, ok := cfg.ClientSessionCache.(*serverSessions); ok {
			cache.refuse = true // the server would ask again, and uTLS fails then
		}
	}
	return conn, nil
}

// hello returns a connection with its ClientHello ready.
func (a *attempt) hello(ctx context.Context, raw net.Conn) (*utls.UConn, *utls.Config, error) {
	m, r := &a.set.hello, a.req
	in := &ingredients{host: r.Host, alpn: r.ALPN, realECH: a.ech}
	if in.alpn == nil {
		in.alpn = m.tls.ALPN
	}
	cfg := a.config(ctx)
	if a.ech {
		if err := m.offerECH(cfg, r.ECHConfigList); err != nil {
			return nil, nil, err
		}
	} else if a.set.sessions != nil {
		cfg.ClientSessionCache = &serverSessions{all: a.set.sessions, key: a.sessionKey()}
		in.resume = true
	}
	if len(m.tls.KeyShares) > 0 {
		in.keys = a.client.stock.take()
	}
	u := utls.UClient(raw, cfg, utls.HelloCustom)
	if err := u.ApplyPreset(m.spec(in)); err != nil {
		grease, err := echError(err)
		if !grease {
			return nil, nil, err
		}
		a.ech = false
		return a.hello(ctx, raw)
	}
	if in.keys != nil {
		*u.HandshakeState.State13.KeyShareKeys = in.keys.private
	}
	mayRenegotiate(u)
	return u, cfg, nil
}

func (a *attempt) config(ctx context.Context) *utls.Config {
	return &utls.Config{
		ServerName: a.req.Host,
		// The verdict is VerifyConnection's alone, on resumed sessions too.
		InsecureSkipVerify:     true,
		InsecureSkipTimeVerify: true,
		VerifyConnection: func(s utls.ConnectionState) error {
			return a.verify(ctx, a.req.Host, &s)
		},
		// uTLS asks before it has the certificates: see rejected.
		EncryptedClientHelloRejectionVerify: func(utls.ConnectionState) error { return nil },
		GetClientCertificate:                a.auth.certificate,
		OmitEmptyPsk:                        true,
		DynamicRecordSizingDisabled:         true, // BoringSSL fills its records
		PreferSkipResumptionOnNilExtension:  true, // uTLS panics without
	}
}

func (a *attempt) sessionKey() sessionKey {
	return a.auth.sessionKey(0)
}

// failure finds what an error of uTLS means to the caller.
func (a *attempt) failure(ctx context.Context, u *utls.UConn, err error) error {
	var rejected *utls.ECHRejectionError
	switch {
	case errors.As(err, &rejected):
		return a.rejected(ctx, u, rejected.RetryConfigList)
	case isUnusableSession(err):
		a.set.sessions.drop(a.sessionKey())
		return &neterr.Error{Code: neterr.SSLProtocolError, Op: handshakeOp, Addr: a.req.addr(), Err: ErrSessionUnusable}
	}
	return err
}

func (a *attempt) verify(ctx context.Context, host string, s *utls.ConnectionState) error {
	a.timer.pause()
	defer a.timer.resume()
	res, err := a.client.verify(ctx, &certverify.Params{
		Host:         host,
		Certificates: s.PeerCertificates,
		OCSPResponse: s.OCSPResponse,
		SCTs:         s.SignedCertificateTimestamps,
		NetLog:       a.req.NetLog,
	})
	if err == nil {
		a.verdict = res
	}
	return err
}

// verify has the Verifier judge what a server showed, over TCP or QUIC.
func (c *Client) verify(ctx context.Context, p *certverify.Params) (*certverify.Result, error) {
	if p.NetLog.On() {
		var list []string
		for _, cert := range p.Certificates {
			list = append(list, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
		}
		p.NetLog.Event(netlog.SSLCertificatesReceived, netlog.Strings("certificates", list))
	}
	res, err := c.verifier.Verify(ctx, p)
	if err != nil {
		return nil, refusal(p.Host, p.Certificates, res, err)
	}
	return res, nil
}

// connectAttrs are what Chromium writes at the end of SSL_CONNECT.
func connectAttrs(s *stdtls.ConnectionState) []netlog.Attr {
	protocol := s.NegotiatedProtocol
	if protocol == "" {
		protocol = "unknown"
	}
	return []netlog.Attr{
		netlog.String("version", stdtls.VersionName(s.Version)),
		netlog.Int("cipher_suite", s.CipherSuite),
		netlog.Int("key_exchange_group", uint16(s.CurveID)),
		netlog.Bool("is_resumed", s.DidResume),
		netlog.String("next_proto", protocol),
		netlog.Bool("encrypted_client_hello", s.ECHAccepted),
	}
}
