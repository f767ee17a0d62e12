package session

import (
	"context"
	"errors"
	"syscall"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls"
)

// compose wires the layers from the bottom up. It is the one place that knows them
// all. Sessions that are given the same watch share a network monitor.
func compose(cfg Config, shared *watch) (*Session, error) {
	secure := hsts.New(cfg.HSTS)
	verifier, leave := verifierOf(cfg.TLS.Verifier, secure.Required)
	cfg.TLS.Verifier = verifier
	client, err := tls.NewClient(cfg.TLS)
	if err != nil {
		leave()
		return nil, err
	}
	s := &Session{path: cfg.Path, tls: client, leaveVerifier: leave, closed: make(chan struct{})}
	s.log = netlog.New(s.polledData)
	s.cookies, s.hsts = cookiejar.New(cfg.Cookies), secure
	cfg.DNS.Log = s.log
	if cfg.DNS.HTTP == nil {
		cfg.DNS.HTTP = exchange.HTTP(below{s})
	}
	s.resolver = dns.New(cfg.DNS)

	var network exchange.RoundTripper = gate{cfg.Network, s.closed}
	if cfg.Network == nil {
		if cfg.Monitor != nil {
			shared = watchOf(cfg.Monitor)
		}
		s.lookout = &lookout{watch: shared, logger: cfg.Logger, log: s.log, resolver: s.resolver}
		s.transport = transport.New(transport.Config{
			Dialer: &dial.Dialer{
				Resolver: s.resolver,
				// Before the socket has an address: no change is missed that could take it.
				Control: func(string, string, syscall.RawConn) error { s.lookout.start(); return nil },
			},
			TLS:             client,
			MaxConnsPerHost: cfg.MaxConnsPerHost,
			MaxConns:        cfg.MaxConns,
			IdleTimeout:     cfg.IdleTimeout,
			MaxHeaderBytes:  cfg.MaxHeaderBytes,
			DisableHTTP2:    cfg.DisableHTTP2,
			DisableQUIC:     cfg.DisableQUIC,
			Logger:          cfg.Logger,
			Log:             s.log,
		})
		s.lookout.transport = s.transport
		network = s.transport
		verifier.OnChange(func() { s.transport.Refresh(neterr.CertVerifierChanged) })
	}
	s.network = network
	if err := s.remember(cfg); err != nil {
		return nil, errors.Join(err, s.Close(context.Background()))
	}
	s.fetcher = fetch.New(fetch.Config{
		Next:            s.openCache(&cfg, network),
		Profile:         client.Profile(),
		UserAgent:       cfg.UserAgent,
		AcceptLanguages: cfg.AcceptLanguages,
		AllowedPorts:    cfg.AllowedPorts,
		Cookies:         s.cookies,
		HSTS:            s.hsts,
		Log:             s.log,
	})
	s.http = exchange.HTTP(s.fetcher)
	return s, nil
}

// polledData is the state of the layers that a recording of the log ends with.
func (s *Session) polledData() map[string]any {
	data := map[string]any{}
	if s.transport != nil {
		data["socketPoolInfo"] = s.transport.PoolInfo()
	}
	return data
}

// A gate is a Config.Network that serves no closed session.
type gate struct {
	network exchange.RoundTripper
	closed  <-chan struct{}
}

func (g gate) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	select {
	case <-g.closed:
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, neterr.ContextShutDown
	default:
		return g.network.RoundTrip(ctx, req)
	}
}

func (g gate) CloseIdleConnections() {
	if c, ok := g.network.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// below is the session's network without what a page's requests get on top, for what
// the session itself asks. DNS over HTTPS rides on it without end: the hosts of its
// servers are resolved without it (exchange.SecureDNSBootstrap).
type below struct{ s *Session }

func (b below) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	return b.s.network.RoundTrip(ctx, req)
}
