// Package transport carries one request to its server: it takes a connection from
// the pool, made by resolving, dialling and TLS where none is idle, and tries again
// where that is safe.
//
// It joins engines that do not know each other (net/pool, net/dial, tls, net/h1, net/h2)
// and is itself an exchange.RoundTripper, so a cache, a throttle or a whole session
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

	DisableHTTP2 bool // offer servers HTTP/1.1 alone (Electron: --disable-http2)

	Logger *slog.Logger // operational warnings; nil: silent
	Log    *netlog.Log  // where connect jobs get their sources; nil: nowhere
}

// A Transport is an exchange.RoundTripper over real connections. Its methods may be
// called by several goroutines at once.
type Transport struct {
	pool  *pool.Pool
	tls   *tls.Client
	http1 servers // that answered over HTTP/2 with HTTP_1_1_REQUIRED (RFC 9113 section 7)
	apart servers // that answered 421 (RFC 9110 section 15.5.20): no connection of others

	certificateError atomic.Pointer[CertificateErrorHandler]
	selector         atomic.Pointer[ClientCertificateSelector]
	questions        questions
}

// New returns a Transport. Close it to free what it came to hold.
func New(cfg Config) *Transport {
	if cfg.Dialer == nil {
		cfg.Dialer = &dial.Dialer{}
	}
	t := &Transport{tls: cfg.TLS}
	c := connector{
		dialer: cfg.Dialer, tls: cfg.TLS, maxHeaderBytes: cfg.MaxHeaderBytes, http1: cfg.DisableHTTP2,
		apart: &t.apart,
	}
	t.pool = pool.New(pool.Config{
		MaxConnsPerHost: cfg.MaxConnsPerHost, MaxConns: cfg.MaxConns, IdleTimeout: cfg.IdleTimeout,
		Connect: c.connect, Logger: cfg.Logger, Log: cfg.Log,
	})
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
// An HTTP/2 connection also serves other hosts that resolve to its address and that
// its certificate covers. If such a server answers 421, the request is sent again on a
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
		NetLog:     req.NetLog, Trace: req.Trace,
	}
	elsewhere := false // a 421 sent it to another connection
	var ask plea
	for retries := 0; ; retries++ {
		resp, reused, err := t.attempt(ctx, req, &want, &ask)
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
			req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(err))
		} else {
			switch {
			case timedOutIdle(req, resp, reused, retries):
				req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(nil))
			case misdirected(req, resp, elsewhere):
				elsewhere = true
				t.apart.add(&want.Key)
				t.pool.Separate(want.Key)
				req.NetLog.Event(netlog.HTTPTransactionRestartMisdirectedRequest)
			default:
				resp.Info.Retries, resp.Info.Timing.Start = retries, start
				return resp, nil
			}
			resp.Body.Close()
		}
		if err := rewind(req); err != nil {
			return nil, err
		}
		want.Repeatable = false // trust was misplaced: have the next one probed
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
func (t *Transport) NetworkChanged() { t.pool.Flush(neterr.NetworkChanged, drainOnChange) }

// Close ends everything and waits for it; exchanges under way fail with
// neterr.ContextShutDown, as every request does after it.
func (t *Transport) Close() { t.pool.Close() }

// PoolInfo is the pool's state, as the socketPoolInfo of a NetLog's polledData has it.
func (t *Transport) PoolInfo() []map[string]any { return t.pool.Info() }
