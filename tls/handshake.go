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
	"time"

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
	Private   bool // credentials are omitted: Chromium's privacy mode

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

func (c *Client) handshake(ctx context.Context, raw net.Conn, r *Request) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, wrapError("tls handshake", r.addr(), err)
	}
	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := startTimer(c.timeout, func() { cancel(errHandshakeTimeout) })
	defer timer.stop()

	alpn := r.ALPN
	if alpn == nil {
		alpn = c.hello.tls.ALPN
	}
	var verdict *certverify.Result
	asked := false // for a client certificate
	cfg := &utls.Config{
		ServerName: r.Host,
		// The verdict is VerifyConnection's alone, on resumed sessions too.
		InsecureSkipVerify:     true,
		InsecureSkipTimeVerify: true,
		VerifyConnection: func(s utls.ConnectionState) (err error) {
			timer.pause()
			defer timer.resume()
			verdict, err = c.verify(ctx, r, &s)
			return err
		},
		GetClientCertificate: func(*utls.CertificateRequestInfo) (*utls.Certificate, error) {
			asked = true
			r.NetLog.Event(netlog.SSLClientCertRequested)
			return new(utls.Certificate), nil
		},
		OmitEmptyPsk:                       true,
		PreferSkipResumptionOnNilExtension: true, // uTLS panics without
	}
	cache := c.sessions.of(sessionKey{r.Host, r.Port, r.Private, r.Isolation})
	if cache != nil {
		cfg.ClientSessionCache = cache
	}
	u := utls.UClient(raw, cfg, utls.HelloCustom)
	if err := u.ApplyPreset(c.hello.spec(r.Host, alpn, cache != nil)); err != nil {
		return nil, wrapError("tls handshake", r.addr(), err)
	}
	if err := u.HandshakeContext(ctx); err != nil {
		if context.Cause(ctx) == errHandshakeTimeout {
			err = errHandshakeTimeout // uTLS says "canceled" whatever the reason
		} else if caller.Err() != nil {
			err = caller.Err()
		} else if isUnusableSession(err) {
			c.sessions.drop(cache.key)
			err = &neterr.Error{Code: neterr.SSLProtocolError, Op: "tls handshake", Addr: r.addr(), Err: ErrSessionUnusable}
		} else if asked && isAlert(err, alertHandshakeFailure) {
			err = &neterr.Error{Code: neterr.BadSSLClientAuthCert, Op: "tls handshake", Addr: r.addr(), Err: err}
		}
		return nil, wrapError("tls handshake", r.addr(), err)
	}
	if verdict == nil { // cannot be, and must not be
		return nil, wrapError("tls handshake", r.addr(), neterr.Unexpected)
	}
	conn := newConn(u, raw, r.addr(), verdict)
	if g := uint16(conn.state.CurveID); g != 0 && !slices.Contains(c.hello.tls.KeyShares, g) {
		conn.state.HelloRetryRequest = true
		if cache != nil {
			cache.refuse = true // the server would ask again, and uTLS fails then
		}
	}
	return conn, nil
}

func (c *Client) verify(ctx context.Context, r *Request, s *utls.ConnectionState) (*certverify.Result, error) {
	if r.NetLog.On() {
		var list []string
		for _, cert := range s.PeerCertificates {
			list = append(list, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
		}
		r.NetLog.Event(netlog.SSLCertificatesReceived, netlog.Strings("certificates", list))
	}
	return c.verifier.Verify(ctx, &certverify.Params{
		Host:         r.Host,
		Certificates: s.PeerCertificates,
		OCSPResponse: s.OCSPResponse,
		SCTs:         s.SignedCertificateTimestamps,
		NetLog:       r.NetLog,
	})
}

// A pauseTimer calls a function after a time in which pauses do not count. It belongs
// to one goroutine.
type pauseTimer struct {
	timer *time.Timer // nil never fires
	left  time.Duration
	since time.Time
}

func startTimer(d time.Duration, f func()) *pauseTimer {
	if d < 0 {
		return &pauseTimer{}
	}
	return &pauseTimer{time.AfterFunc(d, f), d, time.Now()}
}

func (t *pauseTimer) pause() {
	if t.timer != nil && t.timer.Stop() {
		t.left -= time.Since(t.since)
	}
}

func (t *pauseTimer) resume() {
	if t.timer != nil {
		t.since = time.Now()
		t.timer.Reset(max(t.left, 0))
	}
}

func (t *pauseTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
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
