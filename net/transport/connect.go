package transport

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls"
)

// A connector makes the pool's connections: resolve, dial, TLS, protocol.
type connector struct {
	dialer         *dial.Dialer
	tls            *tls.Client
	maxHeaderBytes int
	http1          bool // offer nothing else
	apart          *servers
	rivals         *rivals // nil without QUIC
	waiting        *atomic.Int32
}

// http1Only is what ALPN offers where HTTP/2 will not do, as Chromium does for
// WebSockets. Otherwise it is what the TLS profile has.
var http1Only = []string{"http/1.1"}

// connect makes one connection. ctx ends when nobody wants it any more.
func (c *connector) connect(ctx context.Context, r *pool.Request) (pool.Conn, error) {
	if r.Alternative {
		return c.rivals.connect(ctx, r)
	}
	race := c.rivals.advertised(r)
	if err := race.wait(ctx, r); err != nil {
		return nil, err
	}
	var unusable bool
	var rejected *tls.ECHRejectedError
	for {
		conn, err := c.try(ctx, r, rejected, &race)
		if err == nil && race != nil {
			c.rivals.connected(race)
		}
		switch {
		case !unusable && errors.Is(err, tls.ErrSessionUnusable):
			unusable = true // the session is gone, so the next handshake is a full one
		case rejected == nil && errors.As(err, &rejected):
			r.NetLog.Event(netlog.SSLConnectJobRestartWithECHConfigList)
		default:
			return conn, err
		}
	}
}

// try makes one connection with at most one handshake. rejected, if not nil, is why the
// one before failed: the server knows better how to say hello. rc is set if DNS starts a
// race.
func (c *connector) try(ctx context.Context, r *pool.Request, rejected *tls.ECHRejectedError, rc **race) (pool.Conn, error) {
	k := &r.Key
	secure := k.Scheme == "https"
	if secure && c.tls == nil {
		return nil, &neterr.Error{Code: neterr.NotImplemented, Op: "https", Err: errors.New("transport.Config.TLS is nil")}
	}
	r.Report(pool.Resolving)
	to := &dial.Request{
		Host: k.Host, Port: k.Port, Scheme: k.Scheme, SecureDNS: k.SecureDNS, Isolation: k.Isolation,
		Resolved: c.sharing(r), NetLog: r.NetLog, Trace: reporting(r),
	}
	if *rc == nil && c.rivals.suits(k) {
		to.ServicesFirst = c.rivals.expects(k)
		to.Services = func(services []dnswire.Service) error {
			*rc = c.rivals.published(r, services)
			return (*rc).wait(ctx, r)
		}
	}
	d, err := c.dialer.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	r.Report(pool.Connected)
	cfg := h1.Config{
		Connect: &exchange.ConnectTiming{
			DNSStart: d.DNSStart, DNSEnd: d.DNSEnd, Start: d.ConnectStart, End: d.ConnectEnd,
		},
		NetLog:         d.NetLog,
		MaxHeaderBytes: c.maxHeaderBytes,
		DefaultPort:    k.Port == origin.DefaultPort(k.Scheme),
		Waiting:        c.waiting,
	}
	if !secure {
		return h1.NewConn(d.Conn, cfg), nil
	}
	ech := echConfigList(d.Services)
	if rejected != nil {
		ech = rejected.RetryConfigList
	}
	conn, err := c.handshake(ctx, d.Conn, r, ech, &cfg)
	if err != nil {
		d.NetLog.End(netlog.SocketAlive)
		return nil, err
	}
	if cfg.TLS.NegotiatedProtocol == "h2" {
		mux, err := h2.NewConn(conn, h2.Config{
			HTTP2: c.tls.Profile().HTTP2,
			TLS:   cfg.TLS, ExportKeyingMaterial: cfg.ExportKeyingMaterial,
			Connect: cfg.Connect, NetLog: cfg.NetLog, MaxHeaderBytes: cfg.MaxHeaderBytes,
			Host: net.JoinHostPort(k.Host, strconv.Itoa(int(k.Port))),
		})
		if err != nil {
			return nil, err
		}
		return c.shared(mux, conn, k), nil
	}
	return h1.NewConn(conn, cfg), nil
}

// echConfigList returns the configurations of Encrypted ClientHello that the host's
// HTTPS records have, of the record to prefer (RFC 9848).
func echConfigList(services []dnswire.Service) []byte {
	var best *dnswire.Service
	for i := range services {
		if s := &services[i]; best == nil || s.Priority < best.Priority {
			best = s
		}
	}
	if best == nil {
		return nil
	}
	return best.ECH
}

// handshake puts TLS on raw, which it closes if that fails, and notes in cfg how it
// went.
func (c *connector) handshake(ctx context.Context, raw net.Conn, r *pool.Request, ech []byte, cfg *h1.Config) (*tls.Conn, error) {
	var alpn []string
	if c.http1 || r.Key.HTTP1 {
		alpn = http1Only
	}
	cfg.Connect.TLSStart = time.Now()
	conn, err := c.tls.Handshake(ctx, raw, &tls.Request{
		Host: r.Key.Host, Port: r.Key.Port, ALPN: alpn,
		Isolation: r.Key.Isolation, Private: r.Key.Private,
		ECHConfigList: ech,
		NetLog:        r.NetLog, Trace: r.Trace,
	})
	if err != nil {
		return nil, err
	}
	cfg.Connect.TLSEnd = time.Now()
	cfg.Connect.End = cfg.Connect.TLSEnd
	cfg.TLS, cfg.ExportKeyingMaterial = conn.State(), conn.ExportKeyingMaterial
	return conn, nil
}

// reporting is r's trace, which also tells the pool when the host is resolved: from
// the first attempt to connect on, a backup job may help.
func reporting(r *pool.Request) *httptrace.ClientTrace {
	var t httptrace.ClientTrace
	if r.Trace != nil {
		t = *r.Trace
	}
	connectStart := t.ConnectStart
	t.ConnectStart = func(network, addr string) {
		r.Report(pool.Connecting)
		if connectStart != nil {
			connectStart(network, addr)
		}
	}
	return &t
}
