// Package transport carries one request to its server: it takes a connection from
// the pool, made by resolving, dialling and TLS where none is idle, and tries again
// where that is safe.
//
// It joins engines that do not know each other (net/pool, net/dial, tls, net/altsvc,
// net/h1, net/h2, net/h3) and is itself an exchange.RoundTripper, so a cache, a throttle or a whole session
// stands on top of it:
//
//	t := transport.New(transport.Config{})
//	defer t.Close()
//	resp, err := t.RoundTrip(ctx, &exchange.Request{URL: u})
package transport

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls"
)

// A Config configures a [Transport]. The zero Config connects directly, over plain
// HTTP only, with Chromium's limits.
type Config struct {
	Dialer *dial.Dialer // nil: the zero Dialer
	TLS    *tls.Client  // nil: https is refused with neterr.NotImplemented

	MaxConnsPerHost int           // sockets of one pool.Key; 0: 6; negative: no limit
	MaxConns        int           // sockets in all, WebSockets apart; 0: 256, by chance more, see pool.Config; negative: no limit
	IdleTimeout     time.Duration // of an HTTP/1.1 socket that was used; 0: 5 minutes; negative: none

	MaxHeaderBytes int // of a response head with its 1xx heads, and of trailers; 0: 256 KiB

	DisableHTTP2 bool // offer servers HTTP/1.1 alone over TCP (Electron: --disable-http2)

	// DisableQUIC leaves HTTP/3 alone (Electron: --disable-quic). So it is, too, where
	// the TLS client's profile knows no HTTP/3, as a plain Go program's, or the Dialer
	// has a DialContext, which UDP would go past.
	DisableQUIC bool

	Logger *slog.Logger // operational warnings; nil: silent
	Log    *netlog.Log  // where connect jobs get their sources; nil: nowhere
}

// A Transport is an exchange.RoundTripper over real connections. Its methods may be
// called by several goroutines at once.
type Transport struct {
	pool  *pool.Pool
	tls   *tls.Client
	http1 servers // that answered over HTTP/2 with HTTP_1_1_REQUIRED (RFC 9113 section 7)
	apart servers // that answered 421 (RFC 9110 section 15.5.20): no connection of others, no HTTP/3

	altsvc   *altsvc.Store
	rivals   *rivals // nil without QUIC
	informed func(*exchange.Request, int, exchange.Fields)

	certificateError atomic.Pointer[CertificateErrorHandler]
	selector         atomic.Pointer[ClientCertificateSelector]
	questions        questions
}

// New returns a Transport. Close it to free what it came to hold.
func New(cfg Config) *Transport {
	if cfg.Dialer == nil {
		cfg.Dialer = &dial.Dialer{}
	}
	t := &Transport{tls: cfg.TLS, altsvc: altsvc.NewStore(altsvc.Config{})}
	if !cfg.DisableQUIC && cfg.TLS != nil && cfg.Dialer.CanUDP() {
		t.rivals = &rivals{
			dialer: cfg.Dialer, tls: cfg.TLS, maxHeaderBytes: cfg.MaxHeaderBytes,
			apart: &t.apart, lore: lore{store: t.altsvc},
			races: make(map[pool.Key]*race), doubted: make(map[pool.Key]int),
		}
		t.informed = t.rivals.listen
	}
	c := connector{
		dialer: cfg.Dialer, tls: cfg.TLS, maxHeaderBytes: cfg.MaxHeaderBytes, http1: cfg.DisableHTTP2,
		apart: &t.apart, rivals: t.rivals, waiting: new(atomic.Int32),
	}
	t.pool = pool.New(pool.Config{
		MaxConnsPerHost: cfg.MaxConnsPerHost, MaxConns: cfg.MaxConns, IdleTimeout: cfg.IdleTimeout,
		Connect: c.connect, Logger: cfg.Logger, Log: cfg.Log,
	})
	if t.rivals != nil {
		t.rivals.pool = t.pool
	}
	return t
}

// RoundTrip sends req and returns the head of the response. Errors carry a
// neterr.Code.
//
// A connection that was idle may be dead without anybody knowing, and the request
// that meets it is sent again on another one, up to 50 times, if nothing of the
// answer came and nothing of the request went out, or its method is idempotent, or
// exchange.RetryAnyMethod is set, which is what Chromium does. So is one that such a
// connection answered with 408, and one that an HTTP/2 server said it did not act on
// or wants over HTTP/1.1, whatever its method. A request with a body needs GetBody
// for that.
//
// HTTP/3 is used where a server's Alt-Svc or the HTTPS record of its host offers it, and
// QUIC gets through: see [Config.DisableQUIC]. A TCP connection is made beside, at once
// or, where QUIC has worked on this network, after 1.5 round trips, 300 ms if none was
// measured, and 3 s at most; whichever is ready first serves. A request for which there
// is a TCP connection already goes over that, where Chromium would let QUIC try first if
// it is of HTTP/1.1. A service that failed where TCP did not is left alone, for 5 minutes
// and then ever longer. A request that it failed half-way goes over TCP, as often and by
// the same rules as above.
//
// An HTTP/2 or HTTP/3 connection also serves other hosts that resolve to its address and
// that its certificate covers. If such a server answers 421, the request is sent again on a
// connection of the host's own, as all later ones are; Chromium tries the shared one
// anew once the own has ended.
//
// Where a server's certificate is refused, or wants one of ours, the program is asked,
// and another connection made if it says so: see [Transport.SetCertificateErrorHandler]
// and [Transport.SetClientCertificateSelector].
func (t *Transport) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	start := time.Now()
	key, err := keyOf(req)
	if err != nil {
		req.CloseBody()
		return nil, err
	}
	upgrade := req.Header.Get("Upgrade")
	key.HTTP1 = key.Scheme == "https" && (upgrade != "" || t.http1.has(&key))
	key.WebSocket = exchange.EqualName(upgrade, "websocket")
	want := pool.Request{
		Key: key, Priority: req.Priority, IgnoreLimits: req.LoadFlags&exchange.IgnoreLimits != 0,
		Repeatable: req.IsReplayable() && (req.IsIdempotent() || req.LoadFlags&exchange.RetryAnyMethod != 0),
		Now:        start, NetLog: req.NetLog, Trace: req.Trace,
	}
	elsewhere := false // a 421 sent it to another connection
	var ask plea
	var failed *quicConn // why it goes over TCP
	for retries := 0; ; retries++ {
		c, resp, reused, err := t.attempt(ctx, req, &want, &ask)
		if failed != nil {
			t.rivals.decide(want.Key, failed, err == nil)
			failed = nil
		}
		if err != nil {
			again, cause := mayRetry(req, err, reused, retries)
			if !again && hasBegun(err) && req.IsReplayable() {
				// A server that renegotiates may want to know who we are only now.
				cause = t.plead(ctx, req, &ask, cause)
				again = cause == nil
			}
			if !again {
				return nil, neterr.From(cause)
			}
			err = cause
			if errors.Is(err, neterr.HTTP11Required) {
				t.http1.add(&want.Key)
				want.Key.HTTP1 = true
			}
			if quic, ok := c.(*quicConn); ok && errors.Is(err, neterr.QUICProtocolError) {
				failed = quic
				t.rivals.doubt(want.Key)
			}
			req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(err))
		} else {
			switch {
			case timedOutIdle(req, resp, reused, retries):
				req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(nil))
			case misdirected(req, resp, elsewhere):
				elsewhere = true
				t.apart.add(&want.Key)
				t.pool.Separate(want.Key)
				t.pool.Abandon(want.Key)
				req.NetLog.Event(netlog.HTTPTransactionRestartMisdirectedRequest)
			case tooEarly(req, resp):
				req.AfterHandshake = true
				req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(neterr.EarlyDataRejected))
			default:
				resp.Info.Retries, resp.Info.Timing.Start = retries, start
				return resp, nil
			}
			resp.Body.Close()
		}
		if err := rewind(req); err != nil {
			if failed != nil {
				t.rivals.decide(want.Key, failed, false)
			}
			return nil, err
		}
		want.Repeatable = false // trust was misplaced: have the next one probed
		want.Now = time.Time{}
	}
}

// CloseIdleConnections closes the connections that serve nobody.
func (t *Transport) CloseIdleConnections() { t.pool.CloseIdle() }

// CloseAllConnections closes every connection; what is under way on them, or waits
// for one, fails with err. Later requests make new ones.
func (t *Transport) CloseAllConnections(err error) { t.pool.CloseAll(err) }

// Refresh makes later requests use new connections: for changed settings. Exchanges
// under way are not disturbed; idle connections are closed for the reason err.
func (t *Transport) Refresh(err error) { t.pool.Refresh(err) }

// NetworkChanged is for when the machine's addresses changed: no later request uses a
// connection made before. Requests that wait for one fail with neterr.NetworkChanged.
// Exchanges over HTTP/1.1 go on. Those over HTTP/2 fail with the same code, but for
// Windows, Android and iOS, which end such connections themselves if they must: there
// they go on, too.
//
// All of this is Chromium's. Nor is any request sent again because of it: that is left
// to programs, as a browser leaves it to its pages.
//
// Connections over HTTP/3 end as those over HTTP/2 do, and that QUIC worked is forgotten.
func (t *Transport) NetworkChanged() {
	if t.rivals != nil {
		t.rivals.networkChanged()
	}
	t.pool.Flush(neterr.NetworkChanged, drainOnChange)
}

// AltSvc returns what servers have said about HTTP/3, and how they held to it: for who
// keeps that from one run of a program to the next, or clears it.
func (t *Transport) AltSvc() *altsvc.Store { return t.altsvc }

// Close ends everything and waits for it; exchanges under way fail with
// neterr.ContextShutDown, as every request does after it.
func (t *Transport) Close() { t.pool.Close() }

// PoolInfo is the pool's state, as the socketPoolInfo of a NetLog's polledData has it.
func (t *Transport) PoolInfo() []map[string]any { return t.pool.Info() }
