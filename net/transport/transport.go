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
	"net/url"
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
	MaxConns        int           // sockets in all; 0: 256; negative: no limit
	IdleTimeout     time.Duration // of a socket that was used; 0: 5 minutes; negative: none

	MaxHeaderBytes int // of a response head with its 1xx heads, and of trailers; 0: 256 KiB

	DisableHTTP2 bool // offer servers HTTP/1.1 alone (Electron: --disable-http2)

	Logger *slog.Logger // operational warnings; nil: silent
	Log    *netlog.Log  // where connect jobs get their sources; nil: nowhere
}

// A Transport is an exchange.RoundTripper over real connections. Its methods may be
// called by several goroutines at once.
type Transport struct {
	pool  *pool.Pool
	http1 insisters
}

// New returns a Transport. Close it to free what it came to hold.
func New(cfg Config) *Transport {
	if cfg.Dialer == nil {
		cfg.Dialer = &dial.Dialer{}
	}
	c := connector{dialer: cfg.Dialer, tls: cfg.TLS, maxHeaderBytes: cfg.MaxHeaderBytes, http1: cfg.DisableHTTP2}
	return &Transport{pool: pool.New(pool.Config{
		MaxConnsPerHost: cfg.MaxConnsPerHost, MaxConns: cfg.MaxConns, IdleTimeout: cfg.IdleTimeout,
		Connect: c.connect, Logger: cfg.Logger, Log: cfg.Log,
	})}
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
func (t *Transport) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	start := time.Now()
	key, err := keyOf(req)
	if err != nil {
		req.CloseBody()
		return nil, err
	}
	key.HTTP1 = key.Scheme == "https" && (req.Header.Has("Upgrade") || t.http1.has(&key))
	want := pool.Request{
		Key: key, Priority: req.Priority, IgnoreLimits: req.LoadFlags&exchange.IgnoreLimits != 0,
		Repeatable: req.IsReplayable() && (req.IsIdempotent() || req.LoadFlags&exchange.RetryAnyMethod != 0),
		NetLog:     req.NetLog, Trace: req.Trace,
	}
	for retries := 0; ; retries++ {
		resp, reused, err := t.attempt(ctx, req, &want)
		if err != nil {
			again, cause := mayRetry(req, err, reused, retries)
			if !again {
				return nil, neterr.From(cause)
			}
			err = cause
			if errors.Is(err, neterr.HTTP11Required) {
				t.http1.add(&want.Key)
				want.Key.HTTP1 = true
			}
		} else {
			if !timedOutIdle(req, resp, reused, retries) {
				resp.Info.Retries, resp.Info.Timing.Start = retries, start
				return resp, nil
			}
			resp.Body.Close()
		}
		if req.NetLog.On() {
			req.NetLog.Event(netlog.HTTPTransactionRestartAfterError, netlog.Err(err))
		}
		if err := rewind(req); err != nil {
			return nil, err
		}
		want.Repeatable = false // trust was misplaced: have the next one probed
	}
}

// Preconnect makes connections until there are n to u's origin, idle, busy and
// connecting ones together, and sends nothing; the limit per host bounds n. It
// returns when they are made. private asks for the connections of requests without
// credentials.
func (t *Transport) Preconnect(ctx context.Context, u *url.URL, n int, private bool) error {
	req := exchange.Request{URL: u}
	if private {
		req.Credentials = exchange.Omit
	}
	key, err := keyOf(&req)
	if err != nil {
		return err
	}
	return neterr.From(t.pool.Preconnect(ctx, &pool.Request{Key: key, Priority: exchange.Idle}, n))
}

// CloseIdleConnections closes the connections that serve nobody.
func (t *Transport) CloseIdleConnections() { t.pool.CloseIdle() }

// CloseAllConnections closes every connection; what is under way on them, or waits
// for one, fails with err. Later requests make new ones.
func (t *Transport) CloseAllConnections(err error) { t.pool.CloseAll(err) }

// Refresh makes later requests use new connections: for changed settings. Exchanges
// under way are not disturbed; idle connections are closed for the reason err.
func (t *Transport) Refresh(err error) { t.pool.Refresh(err) }

// Close ends everything and waits for it; exchanges under way fail with
// neterr.ContextShutDown, as every request does after it.
func (t *Transport) Close() { t.pool.Close() }

// PoolInfo is the pool's state, as a NetLog's polledData shows it.
func (t *Transport) PoolInfo() map[string]any { return t.pool.Info() }
