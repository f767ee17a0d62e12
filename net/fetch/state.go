package fetch

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// A page is who makes a request, as far as its cookies depend on it. The zero page is
// the program itself.
type page struct {
	initiator origin.Site // whose doing the request is; zero: nobody's
	topLevel  bool        // the response becomes the page
	cookieAt  int         // where among the header fields Cookie goes; negative: to the end
}

// mustUpgrade reports whether req may go out over https only (RFC 6797 section 8.3).
func (f *Fetcher) mustUpgrade(req *exchange.Request) bool {
	return f.hsts != nil && req.URL.Scheme == "http" && req.LoadFlags&exchange.ShouldBypassHSTS == 0 &&
		f.hsts.Required(req.URL.Hostname())
}

// attachCookies sends what the jar has for req, unless the caller wrote a Cookie field.
func (f *Fetcher) attachCookies(req *exchange.Request, p *page) {
	if f.cookies == nil || f.cookies.Len() == 0 || req.Credentials == exchange.Omit || req.Header.Has("Cookie") {
		return
	}
	r := f.cookieRequest(req, p)
	value := f.cookies.Header(&r)
	if value == "" {
		return
	}
	at := p.cookieAt
	if at < 0 {
		at = len(req.Header)
	}
	req.Header = slices.Insert(req.Header, at, exchange.Field{Name: "Cookie", Value: value})
}

// nobody is the site for cookies of a page that has none: no URL has that site.
var nobody = origin.Site{Scheme: "null"}

// cookieRequest is req as the jar has to know it. Without a page the site for cookies is
// that of the URL first asked for, also after redirects (Electron: ClientRequest).
func (f *Fetcher) cookieRequest(req *exchange.Request, p *page) cookiejar.Request {
	r := cookiejar.Request{URL: req.URL, Method: req.Method, Initiator: p.initiator, TopLevel: p.topLevel, Key: req.Key}
	switch {
	case p.topLevel: // the URL's own
	case !req.Key.IsZero():
		if r.SiteForCookies = req.Key.Top(); r.SiteForCookies == (origin.Site{}) || r.SiteForCookies != req.Key.Frame() {
			r.SiteForCookies = nobody
		}
	case len(req.Via) > 0:
		r.SiteForCookies = f.siteOf(req.Via[0])
	}
	for _, u := range req.Via {
		r.Redirects = append(r.Redirects, f.siteOf(u))
	}
	return r
}

// siteOf is the site that a hop to u belonged to. Where HSTS has put https for http,
// nobody was asked over http, so the site is the same. Chromium takes it for another.
func (f *Fetcher) siteOf(u *url.URL) origin.Site {
	site := origin.Of(u).Site()
	if f.hsts != nil && site.Scheme == "http" && f.hsts.Required(u.Hostname()) {
		site.Scheme = "https"
	}
	return site
}

// remember keeps what the response's header wants to be kept for later requests.
func (f *Fetcher) remember(req *exchange.Request, resp *exchange.Response, p *page) {
	if resp.Info.Cache.Hit && resp.Info.Cache.Forward == exchange.ForwardNone {
		return // said long ago
	}
	cookies := f.cookies != nil && req.Credentials != exchange.Omit && req.LoadFlags&exchange.DoNotSaveCookies == 0
	secure := f.hsts != nil
	clearing := false
	var r *cookiejar.Request
	for i := range resp.Header {
		field := &resp.Header[i]
		switch {
		case cookies && exchange.EqualName(field.Name, "Set-Cookie"):
			if r == nil {
				made := f.cookieRequest(req, p)
				r = &made
				r.ServerTime, _ = http.ParseTime(resp.Header.Get("Date"))
			}
			if err := f.cookies.Receive(r, field.Value); err != nil {
				logRefused(req.NetLog, field.Value, err)
			}
		case secure && exchange.EqualName(field.Name, "Strict-Transport-Security"):
			secure = false // the first of them counts (RFC 6797 section 8.1)
			if isVerified(resp) {
				_ = f.hsts.Receive(req.URL, field.Value) // what is malformed says nothing
			}
		case cookies && exchange.EqualName(field.Name, "Clear-Site-Data"):
			clearing = clearing || clearsCookies(field.Value)
		}
	}
	if clearing {
		f.clearCookies(req)
	}
}

// isVerified reports whether the response came over TLS, and nothing was wrong with the
// server's certificate that somebody looked over.
func isVerified(resp *exchange.Response) bool {
	return resp.Info.TLS != nil && len(resp.Info.TLS.VerifiedChains) > 0
}

// clearsCookies reads a Clear-Site-Data field (W3C Clear Site Data section 3.1).
func clearsCookies(value string) bool {
	for word := range strings.SplitSeq(value, ",") {
		switch strings.Trim(word, " \t") {
		case `"cookies"`, `"*"`:
			return true
		}
	}
	return false
}

// clearCookies removes the cookies of the registrable domain that req asked, in the
// partition that it was made in; only trustworthy origins may ask for that. Cookies of
// the same response go with them, as in Chromium.
func (f *Fetcher) clearCookies(req *exchange.Request) {
	o := origin.Of(req.URL)
	if !o.Trustworthy() {
		return
	}
	site, partitions := origin.Domain(o.Host), []origin.Key{{}}
	if !req.Key.IsZero() {
		partitions = append(partitions, cookiejar.PartitionKey(req.Key, false), cookiejar.PartitionKey(req.Key, true))
	}
	f.cookies.RemoveFunc(func(c *cookiejar.Cookie) bool {
		return origin.Domain(c.Domain) == site && slices.Contains(partitions, c.Partition)
	})
}

// logRefused records why a cookie was not stored. Which one it was is a secret.
func logRefused(src netlog.Source, field string, err error) {
	if !src.On() {
		return
	}
	var refused cookiejar.Refused
	errors.As(err, &refused)
	name, _, _ := strings.Cut(field, "=")
	src.Event(netlog.CookieInclusionStatus,
		netlog.String("operation", "store"),
		netlog.String("status", refused.String()),
		netlog.String("name", strings.Trim(name, " \t")).Only(netlog.IncludeSensitive))
}
