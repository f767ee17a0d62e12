package cookiejar

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// maxLifetime is the longest a cookie lives (RFC 6265bis section 5.5).
const maxLifetime = 400 * 24 * time.Hour

// build makes the cookie that l means when t's response has it (RFC 6265bis section
// 5.7, with Chromium's reasons). site is where the jar keeps it.
func (j *Jar) build(t *target, l *Line, verdict Verdict, now time.Time) (c Cookie, site string, bad Refused) {
	site, registrable := j.siteOf(t.host)
	domain, hostOnly, ok := cookieDomain(t.host, l.Domain, site, registrable)
	bad.add(ReasonInvalidDomain, !ok)
	bad.add(ReasonInvalidPrefix, !prefixKept(l, t, registrable))
	bad.add(ReasonInvalidPartitioned, l.Partitioned && !(l.Secure && t.trusted) && !t.Key.HasNonce())
	if bad != 0 {
		return c, site, bad
	}
	c = Cookie{
		Name: l.Name, Value: l.Value, Domain: domain, HostOnly: hostOnly, Path: cookiePath(l.Path, t.path),
		Secure: l.Secure, HTTPOnly: l.HTTPOnly, SameSite: l.SameSite, Priority: l.Priority,
		Expires: expiry(l, now, t.ServerTime),
		Created: now, Accessed: now, Updated: now,
		SourceScheme: SourceNonSecure, SourcePort: t.port(l.Secure),
	}
	if l.Secure || t.crypto {
		c.SourceScheme = SourceSecure
	}
	if l.Partitioned || t.Key.HasNonce() {
		c.Partition = PartitionKey(t.Key, t.crossSiteFrame(site))
	}

	bad.add(ReasonSecureOnly, c.Secure && !t.trusted)
	bad.add(ReasonHTTPOnly, c.HTTPOnly && t.Script)
	bad.add(ReasonSameSiteNone, c.SameSite == None && !c.Secure)
	bad.add(ReasonUserPreferences, verdict == Block || verdict == PartitionedOnly && c.Partition.IsZero())
	if c.SameSite != None && t.setReach(site, j.config.RedirectChain) < lax {
		bad.add(ReasonSameSiteStrict, c.SameSite == Strict)
		bad.add(ReasonSameSiteLax, c.SameSite == Lax)
		bad.add(ReasonSameSiteUnspecified, c.SameSite == Unspecified)
	}
	return c, site, bad
}

// A known is what was found out about a host: cookies come several at a time, from the
// few hosts of a page.
type known struct {
	host, site  string
	registrable bool
}

// recent has the hosts that were asked for last, each at a place of its own or shared.
type recent [64]atomic.Pointer[known]

func (r *recent) at(host string) *atomic.Pointer[known] {
	n := uint(len(host))
	for i := range len(host) {
		n = n*31 + uint(host[i])
	}
	return &r[n%uint(len(r))]
}

// siteOf returns the registrable domain of host, or host itself if it has none.
func (j *Jar) siteOf(host string) (site string, registrable bool) {
	place := j.recent.at(host)
	if k := place.Load(); k != nil && k.host == host {
		return k.site, k.registrable
	}
	k := &known{host: strings.Clone(host)}
	if k.site, k.registrable = origin.Registrable(k.host); !k.registrable {
		k.site = k.host
	}
	place.Store(k)
	return k.site, k.registrable
}

// own copies the text of c out of the header and the URL it came with, which would
// live as long as the cookie.
func (c *Cookie) own() {
	name, value, domain := len(c.Name), len(c.Value), len(c.Domain)
	all := c.Name + c.Value + c.Domain + c.Path
	c.Name, all = all[:name], all[name:]
	c.Value, all = all[:value], all[value:]
	c.Domain, c.Path = all[:domain], all[domain:]
}

// cookieDomain applies the Domain attribute attr of a response from host, whose
// registrable domain is site. A host that has none can name itself only.
func cookieDomain(host, attr, site string, registrable bool) (domain string, hostOnly, ok bool) {
	if attr == "" {
		return host, true, true
	}
	attr = strings.TrimPrefix(attr, ".")
	if n := len(attr); n > 1 && attr[0] == '[' && attr[n-1] == ']' {
		attr = attr[1 : n-1]
	}
	domain, ok = origin.ASCIIHost(attr)
	switch {
	case !ok || strings.IndexByte(attr, '%') >= 0:
		return "", false, false
	case !registrable:
		return host, true, domain == host
	}
	return domain, false, len(domain) >= len(site) && (domain == host || isUnder(host, domain))
}

// cookiePath is the attribute, or the directory of the request (RFC 6265bis section
// 5.1.4).
func cookiePath(attr, request string) string {
	if attr != "" && attr[0] == '/' {
		return attr
	}
	if i := strings.LastIndexByte(request, '/'); i > 0 {
		return request[:i]
	}
	return "/"
}

// The prefixes by which a name promises attributes, in lower case (RFC 6265bis section
// 4.1.3); whose are the longest stand first.
var prefixes = [...]struct {
	prefix         string
	host, httpOnly bool
}{
	{"__host-http-", true, true},
	{"__host-", true, false},
	{"__http-", false, true},
	{"__secure-", false, false},
}

// prefixKept reports whether l has the attributes that its name promises. A cookie
// without a name must not look like one that promises.
func prefixKept(l *Line, t *target, registrable bool) bool {
	for _, p := range &prefixes {
		if l.Name == "" && foldPrefix(l.Value, p.prefix) {
			return false
		}
		if !foldPrefix(l.Name, p.prefix) {
			continue
		}
		hostKept := l.Path == "/" && (l.Domain == "" || !registrable && l.Domain == t.host)
		return l.Secure && t.trusted && (l.HTTPOnly || !p.httpOnly) && (hostKept || !p.host)
	}
	return true
}

// expiry is when l ends, at most maxLifetime from now; zero for a session cookie.
// Max-Age counts before Expires (RFC 6265bis section 5.7). server is the server's time.
func expiry(l *Line, now, server time.Time) time.Time {
	if l.MaxAge != "" && l.MaxAge[0] != '+' {
		// On overflow ParseInt gives the nearest number, as wanted.
		age, err := strconv.ParseInt(l.MaxAge, 10, 64)
		if err == nil || age != 0 {
			return now.Add(time.Duration(min(max(age, 0), int64(maxLifetime/time.Second))) * time.Second)
		}
	}
	t, ok := ParseDate(l.Expires)
	if !ok {
		return time.Time{}
	}
	if !server.IsZero() {
		t = t.Add(now.Sub(server))
	}
	return capExpiry(t, now)
}

func capExpiry(t, created time.Time) time.Time {
	if last := created.Add(maxLifetime); t.After(last) {
		return last
	}
	return t
}
