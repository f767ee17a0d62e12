// Package session is Kaon's front door: a [Session] holds the state that one user
// of the web has, composes the layers below it, and offers them as a fetch API and
// as an http.RoundTripper. It is what stands behind Electron's session module.
//
//	ses, err := session.New(session.Config{})
//	if err != nil { … }
//	defer ses.Close(ctx)
//
//	resp, err := ses.Fetch(ctx, "https://example.com/", nil)
//
// A program that has an http.Client swaps it for the session's:
//
//	client := ses.Client()
//	resp, err := client.Get("https://example.com/")
//
// [FromPartition] and [FromPath] name sessions as Electron does; [OpenProfile] says
// where those that last are kept.
package session

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session/storage"
	"github.com/kaon-net/kaon/tls"
)

// A Session is one user of the web: its connections, its identity and its log.
// Sessions share nothing. Any number of goroutines may use one.
//
// The layers are the session's alone; what it does is told at their own types.
type Session struct {
	path      string
	log       *netlog.Log
	resolver  *dns.Resolver
	cookies   *cookiejar.Jar
	hsts      *hsts.Store
	cache     httpCache
	data      *storage.Registry
	store     *storage.Store // nil in memory
	tls       *tls.Client
	transport *transport.Transport // nil with Config.Network
	lookout   *lookout             // likewise
	network   exchange.RoundTripper
	fetcher   *fetch.Fetcher
	http      http.RoundTripper

	leaveVerifier func() // ends the tie to the Verifier that the program gave
	onClose       func() // leaves the profile; nil without one

	closing sync.Once
	closed  chan struct{} // closed when Close is done
	lost    error         // what could not be written then
}

// New returns a session that belongs to no profile. Close it to end what it has
// under way.
func New(cfg Config) (*Session, error) {
	if cfg.Path != "" && !filepath.IsAbs(cfg.Path) {
		return nil, errNotAbsolute
	}
	return compose(cfg, &watch{})
}

// Fetch requests url and follows redirects, as a program's own fetch in Electron
// does (Electron: ses.fetch): with the header fields that Chromium sends, in its
// order. init may be nil. An HTTP status is no error; errors carry a neterr.Code.
// The response's Body must be read to its end or closed.
func (s *Session) Fetch(ctx context.Context, url string, init *fetch.Init) (*fetch.Response, error) {
	return s.fetcher.Fetch(ctx, url, init)
}

// RoundTripper returns the session as an http.RoundTripper with net/http's
// contract. It adds User-Agent, Accept-Encoding and Accept-Language where the
// caller set none, and nothing else; it decodes the body unless the caller set
// Accept-Encoding. [exchange.WithOptions] says what http.Request has no field for.
//
// Always the same value: programs may compare it.
func (s *Session) RoundTripper() http.RoundTripper { return s.http }

// Client returns an http.Client over [Session.RoundTripper]. It follows redirects by
// the rules of [Session.Fetch], and has no Jar: cookies are the session's.
func (s *Session) Client() *http.Client {
	return &http.Client{Transport: s.http, CheckRedirect: checkRedirect}
}

// SetUserAgent changes the User-Agent and the languages of later requests (Electron:
// ses.setUserAgent). acceptLanguages is an ordered list, as "en-US,fr,de"; q-values
// are added. An empty userAgent is Chromium's own again, empty acceptLanguages stay
// what they are. Client hints keep the real brands.
func (s *Session) SetUserAgent(userAgent, acceptLanguages string) {
	s.fetcher.SetUserAgent(userAgent, acceptLanguages)
}

// UserAgent returns what requests without a User-Agent of their own send.
func (s *Session) UserAgent() string { return s.fetcher.UserAgent() }

// IsPersistent reports whether the session keeps anything on disk (Electron:
// ses.isPersistent).
func (s *Session) IsPersistent() bool { return s.path != "" }

// StoragePath returns the session's directory, or "" if it is in memory (Electron:
// ses.storagePath).
func (s *Session) StoragePath() string { return s.path }

// NetLog returns the log that everything in the session writes to (Electron:
// ses.netLog). It records nothing until it is started.
func (s *Session) NetLog() *netlog.Log { return s.log }

// Preconnect makes sockets to the origin of url until there are n of them, from 1
// to 6, and sends nothing (Electron: ses.preconnect). It returns when they are
// there or could not be made. The next requests use them.
func (s *Session) Preconnect(ctx context.Context, url string, n int) error {
	u, err := fetch.ParseURL(url)
	if err != nil {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "Must pass non-empty valid url to session.preconnect.", Err: err}
	}
	if n < 1 || n > 6 {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "numSocketsToPreconnect is outside range [1,6]"}
	}
	if err := s.fetcher.CheckPort(origin.Of(u)); err != nil {
		return err
	}
	if s.transport == nil {
		return nil // Config.Network has no sockets that we know of
	}
	return s.transport.Preconnect(ctx, transport.Preconnect{URL: u, N: n})
}

// ResolveHost resolves a host name as the session's connections do (Electron:
// ses.resolveHost). Its errors are those of [dns.Resolver.Resolve], mostly
// neterr.NameNotResolved.
func (s *Session) ResolveHost(ctx context.Context, host string, o dns.Options) (dns.Result, error) {
	if s.lookout != nil {
		s.lookout.start() // what is remembered is of this network
	}
	if !o.NetLog.On() {
		o.NetLog = s.log.Source(netlog.SourceNetworkServiceHostResolver)
	}
	return s.resolver.Resolve(ctx, host, o)
}

// ClearHostResolverCache forgets what names resolved to (Electron:
// ses.clearHostResolverCache). When it returns, nothing of it is in the session's
// directory either.
func (s *Session) ClearHostResolverCache() {
	s.resolver.ClearCache()
	if s.store != nil {
		_ = s.store.Scrub(context.Background()) // which warns if it fails, and tries again
	}
}

// ConfigureHostResolver changes how names are looked up from now on (Electron:
// app.configureHostResolver, which is for all sessions of a program).
func (s *Session) ConfigureHostResolver(c dns.ClientConfig) { s.resolver.Configure(c) }

// CloseAllConnections ends every connection (Electron: ses.closeAllConnections).
// Requests under way fail with neterr.Aborted; later ones connect anew.
func (s *Session) CloseAllConnections() {
	if s.transport != nil {
		s.transport.CloseAllConnections(neterr.Aborted)
	}
}

// Close ends the session: requests under way fail with neterr.ContextShutDown, as
// later ones do, and what the session started has ended when Close returns. What it
// keeps is written, and its directory and its name in a profile are free then. An error
// says what could not be written. ctx bounds the wait. A running log is stopped. Closing
// twice is fine. What is under way in Config.Network is that one's to end.
func (s *Session) Close(ctx context.Context) error {
	s.closing.Do(func() {
		go func() {
			defer close(s.closed)
			s.cache.settle()
			if s.transport != nil {
				s.lookout.close()
				s.transport.Close()
			}
			s.leaveVerifier()
			s.tls.Close()
			s.resolver.Close()
			s.cache.close()
			if s.store != nil {
				s.lost = s.store.Close()
			}
			if s.onClose != nil {
				s.onClose() // last: nobody else may have the directory before
			}
		}()
	})
	select {
	case <-s.closed:
	case <-ctx.Done():
		return neterr.From(context.Cause(ctx))
	}
	err := s.log.Stop()
	if errors.Is(err, netlog.ErrNotRunning) {
		err = nil
	}
	return errors.Join(err, s.lost)
}
