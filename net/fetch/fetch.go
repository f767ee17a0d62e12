package fetch

import (
	"context"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/coding"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/netlog"
)

// A Config configures a [Fetcher]. Only Next is needed.
type Config struct {
	Next    exchange.RoundTripper // what carries each hop
	Profile *profile.Profile      // what the requests look like; nil is profile.Chromium156

	UserAgent       string // default: the profile's, for this operating system
	AcceptLanguages string // preferred first, as "en-US,fr,de"; default: the profile's

	AllowedPorts []uint16 // restricted ports (Fetch Standard: bad ports) that are used all the same

	// MaxBody is how many bytes Response.Bytes, Text and JSON hold; 0 is 64 MiB,
	// negative no limit.
	MaxBody int64

	Cookies *cookiejar.Jar // what requests send and responses set; nil: none
	HSTS    *hsts.Store    // which hosts are asked over https alone; nil: none

	Log *netlog.Log // nil records nothing
}

const defaultMaxBody = 64 << 20

// A Fetcher makes requests. Its methods may be called by several goroutines at once.
type Fetcher struct {
	next         exchange.RoundTripper
	profile      *profile.Profile
	allowedPorts []uint16
	maxBody      int64
	cookies      *cookiejar.Jar
	hsts         *hsts.Store
	log          *netlog.Log

	identity atomic.Pointer[identity]
	decoders coding.Pool
}

// An identity is who the requests claim to come from. It is replaced as a whole, so
// that no request mixes two.
type identity struct {
	userAgent, languages string
	brands, platform     string
}

// New returns a Fetcher.
func New(cfg Config) *Fetcher {
	f := &Fetcher{
		next: cfg.Next, profile: cfg.Profile, allowedPorts: slices.Clone(cfg.AllowedPorts),
		maxBody: cfg.MaxBody, cookies: cfg.Cookies, hsts: cfg.HSTS, log: cfg.Log,
	}
	if f.profile == nil {
		f.profile = profile.Chromium156()
	}
	if f.maxBody == 0 {
		f.maxBody = defaultMaxBody
	}
	f.SetUserAgent(cfg.UserAgent, cfg.AcceptLanguages)
	return f
}

// SetUserAgent changes User-Agent and Accept-Language of the hops to come (Electron:
// ses.setUserAgent). The languages are a comma-separated list, preferred first:
// "en-US,fr,de" is sent as "en-US,fr;q=0.9,de;q=0.8". An empty userAgent is the
// profile's; empty acceptLanguages stay what they are.
func (f *Fetcher) SetUserAgent(userAgent, acceptLanguages string) {
	platform := f.profile.Platform(runtime.GOOS)
	if userAgent == "" {
		userAgent = platform.UserAgent
	}
	languages := profile.AcceptLanguage(f.profile.Languages)
	if acceptLanguages != "" {
		list := strings.Split(acceptLanguages, ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
		languages = profile.AcceptLanguage(slices.DeleteFunc(list, func(s string) bool { return s == "" }))
	} else if old := f.identity.Load(); old != nil {
		languages = old.languages
	}
	f.identity.Store(&identity{
		userAgent: userAgent,
		languages: languages,
		brands:    f.profile.BrandList(),
		platform:  `"` + platform.Name + `"`,
	})
}

// UserAgent returns what User-Agent says now.
func (f *Fetcher) UserAgent() string { return f.identity.Load().userAgent }

// CloseIdleConnections tells Next to, if it can: http.Client calls it by that name.
func (f *Fetcher) CloseIdleConnections() {
	if c, ok := f.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Fetch requests url, by default following redirects, and returns the response once
// its head is there. init may be nil. An HTTP error status is a response, not an
// error; an error carries a [neterr.Code].
//
// ctx bounds the fetch until the response's Body is read to its end or closed. The
// Body comes decoded, while Content-Encoding stays to be seen, as in browsers.
func (f *Fetcher) Fetch(ctx context.Context, url string, init *Init) (*Response, error) {
	var zero Init
	if init == nil {
		init = &zero
	}
	body := newUpload(init)
	defer body.close() // if it does not come to be sent
	c, err := f.newChain(url, init)
	if err != nil {
		return nil, err
	}
	c.body, c.trace = &body, httptrace.ContextClientTrace(ctx)
	src := f.log.Source(netlog.SourceURLRequest)
	beginRequest(src, c.init.Priority, &c.target)
	resp, err := c.follow(ctx, src)
	if err != nil {
		src.EndErr(netlog.RequestAlive, err)
		return nil, err
	}
	resp.Body = logBody(src, resp.Body)
	return c.response(resp), nil
}

// follow does hop after hop, until one does not redirect.
func (c *chain) follow(ctx context.Context, src netlog.Source) (*exchange.Response, error) {
	for {
		req, err := c.request(src)
		if err != nil {
			return nil, err
		}
		resp, sent, err := c.f.hop(ctx, req, c.page())
		if err != nil {
			return nil, err
		}
		if !sent {
			c.body.giveBack(req.Body)
		}
		location := redirectLocation(resp)
		if location == "" || c.init.Redirect == RedirectManual {
			return c.f.decode(req, resp)
		}
		src.Event(netlog.URLRequestRedirected, netlog.String("location", loggable(location)))
		abandon(resp.Body)
		if err := c.redirect(resp, location); err != nil {
			return nil, err
		}
	}
}

// newChain checks what is asked for.
func (f *Fetcher) newChain(url string, init *Init) (*chain, error) {
	in, err := init.normalize()
	if err != nil {
		return nil, err
	}
	c := &chain{f: f, init: in, method: in.Method, fields: in.Header, policy: in.ReferrerPolicy}
	if c.target, err = parse(url); err != nil {
		return nil, err
	}
	if c.referrer, err = parseReferrer(in.Referrer); err != nil {
		return nil, err
	}
	return c, c.arrive()
}

// arrive makes sure that the coming hop may go to target.
func (c *chain) arrive() error {
	if err := c.f.CheckPort(c.target.origin); err != nil {
		return err
	}
	if c.init.Mode == ModeSameOrigin && c.init.Origin != c.target.origin {
		return &neterr.Error{Code: neterr.Failed, Op: "fetch", Addr: c.target.origin.String(), Err: errNotSameOrigin}
	}
	c.urls = append(c.urls, c.target.href)
	c.referrer = c.referrer.trim(c.policy, c.target.origin)
	c.visit()
	return nil
}

const errNotSameOrigin = argError("mode same-origin, but another origin")
