package cookiejar

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// A Request is what the jar must know of an HTTP request, to choose its cookies and to
// judge those of its response. With only a URL it is one that the program makes for
// itself: no page is involved, and SameSite keeps nothing back.
type Request struct {
	URL    *url.URL
	Method string // "" means GET

	// SiteForCookies is the site of the page that the request is for. The zero Site
	// means URL's own, as for a navigation. A page without a site of its own, as one
	// made of data: or with a frame of another site around it, has one that no URL has,
	// such as Site{Scheme: "null"}.
	SiteForCookies origin.Site

	// Initiator is the site that caused the request; the zero Site means nobody did, as
	// for an address typed by the user.
	Initiator origin.Site

	// TopLevel: the response becomes the top-level page. SiteForCookies is then zero,
	// on every hop of a redirect.
	TopLevel bool

	// Redirects are the sites of the URLs that led to URL, each by a redirect. They
	// count only if Config.RedirectChain is set.
	Redirects []origin.Site

	// Key is the partition of the page. The zero Key has no Partitioned cookies: those
	// of a response are then kept for all.
	Key origin.Key

	// Script: no request but a script reads and writes cookies at URL. HttpOnly ones
	// are out of its reach.
	Script bool

	// ServerTime is the Date of the response; Expires counts from there. Zero: the
	// server's clock is right.
	ServerTime time.Time
}

// A target is a Request made ready to be compared with cookies.
type target struct {
	*Request
	scheme  string // http for ws, https for wss
	host    string
	path    string
	crypto  bool // https, wss
	trusted bool // may send and set Secure cookies
}

// maxHost is the longest name DNS has, with its final dot.
const maxHost = 254

// target is false when r.URL can have no cookies.
func (j *Jar) target(r *Request) (t target, bad Refused) {
	if r.URL == nil {
		return t, refuse(ReasonInvalidDomain)
	}
	t.Request = r
	switch t.scheme = r.URL.Scheme; t.scheme {
	case "ws":
		t.scheme = "http"
	case "wss":
		t.scheme = "https"
	case "http", "https":
	case "":
		return t, refuse(ReasonInvalidDomain)
	default:
		if !slices.Contains(j.config.Schemes, t.scheme) {
			return t, refuse(ReasonScheme)
		}
	}
	host, ok := origin.ASCIIHost(r.URL.Hostname())
	if !ok || host == "" || host[0] == '.' || strings.HasSuffix(host, "..") || len(host) > maxHost {
		return t, refuse(ReasonInvalidDomain)
	}
	t.host, t.path = host, requestPath(r.URL)
	t.crypto = t.scheme == "https"
	t.trusted = t.crypto || origin.IsLocalhost(host)
	return t, 0
}

// port is the one that a cookie remembers: that of https for a Secure cookie that a
// trustworthy host sets over plain http; -1 where the scheme has none.
func (t *target) port(secure bool) int {
	port := int(origin.DefaultPort(t.scheme))
	if digits := t.URL.Port(); digits != "" {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil {
			port = int(n)
		}
	}
	switch {
	case port == 0:
		return -1
	case port == 80 && secure && !t.crypto:
		return 443
	}
	return port
}

func requestPath(u *url.URL) string {
	p := u.EscapedPath()
	if u.Opaque != "" && u.Host != "" { // a path that net/url cannot write itself
		p = strings.TrimPrefix(u.Opaque, "//"+u.Host)
	}
	if p != "" && p[0] == '/' {
		return p
	}
	return "/"
}

// A reach is how far SameSite lets a request get (RFC 6265bis section 5.2), in order.
type reach uint8

const (
	crossSite reach = iota
	laxUnsafe       // a top-level navigation from another site, by POST or the like
	lax
	strict
)

// reach of a request to domain, the registrable domain of its host. Chromium compares
// sites with their schemes.
func (t *target) reach(domain string, chain bool) reach {
	site, same := t.sameSite(domain)
	switch {
	case !same:
		return crossSite
	case t.initiatedBy(site) && (!chain || t.Script || allSites(t.Redirects, site)):
		return strict
	case t.Script:
		return lax
	case !t.TopLevel:
		return crossSite
	}
	switch t.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE":
		return lax
	}
	return laxUnsafe
}

// setReach is reach for the cookies of a response: the page that a navigation leads to
// sets what it likes, and a script acts for its own page.
func (t *target) setReach(domain string, chain bool) reach {
	site, same := t.sameSite(domain)
	switch {
	case !same:
		return crossSite
	case t.TopLevel || t.Script:
		return lax
	case t.initiatedBy(site) && (!chain || allSites(t.Redirects, site)):
		return lax
	}
	return crossSite
}

// sameSite reports whether the request is for the site of the page that makes it.
func (t *target) sameSite(domain string) (site origin.Site, same bool) {
	site = origin.Site{Scheme: t.scheme, Domain: domain}
	return site, t.SiteForCookies == origin.Site{} || t.SiteForCookies == site
}

func (t *target) initiatedBy(site origin.Site) bool {
	return t.Initiator == origin.Site{} || t.Initiator == site
}

func allSites(sites []origin.Site, site origin.Site) bool {
	return !slices.ContainsFunc(sites, func(s origin.Site) bool { return s != site })
}

// crossSiteFrame reports whether the request comes from below a frame of another site
// than the page's, for PartitionKey.
func (t *target) crossSiteFrame(domain string) bool {
	site, same := t.sameSite(domain)
	return !same || !t.TopLevel && t.Key.Top() != site
}
