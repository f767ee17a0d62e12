package cache

import (
	"strings"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
)

// A plan is what a request says of the cache, by its method, its load flags and its fields.
type plan struct {
	past   string // why the request goes past the cache; "" if it does not
	method method

	replace    bool // what is stored is not looked at, but replaced
	validate   bool // what is stored is not used unasked
	skip       bool // what is stored is used, stale or not
	only       bool // the origin is not asked
	noStore    bool // nothing of the answer is kept
	only504    bool // only was said by only-if-cached, whose miss is a response (RFC 9111 section 5.2.1.7)
	reload     bool // max-age=0 alone made it validate
	hasRange   bool
	condition  bool // the caller has a validator of its own
	sendReload bool // the origin is to hear Cache-Control: max-age=0
	sendBypass bool // and no-cache

	span          byteRange
	noneMatch     string // If-None-Match
	modifiedSince string // If-Modified-Since

	maxAge, minFresh, maxStale, staleIfError time.Duration
}

// isPlain reports whether the request is a GET that takes what is fresh, and else what the
// origin says.
func (p *plan) isPlain() bool {
	return p.past == "" && p.method == methodGet &&
		!p.replace && !p.validate && !p.only && !p.noStore && !p.hasRange && !p.condition
}

type method uint8

const (
	methodGet method = iota
	methodHead
	methodPost  // with an upload id
	methodSafe  // another that takes nothing away
	methodOther // one that does
)

func methodOf(req *exchange.Request) method {
	switch req.Method {
	case "", "GET":
		return methodGet
	case "HEAD":
		return methodHead
	case "OPTIONS", "TRACE", "CONNECT":
		return methodSafe
	case "POST":
		if req.UploadID != 0 {
			return methodPost
		}
	}
	return methodOther
}

// read makes the plan. Fields of the caller's change the mode as they do in Chromium
// (HttpCache::Transaction::SetRequest).
func (p *plan) read(req *exchange.Request) {
	p.method = methodOf(req)
	p.maxAge, p.minFresh, p.maxStale, p.staleIfError = absent, absent, absent, absent
	switch {
	case p.method >= methodSafe:
		p.past = "method"
	case p.method == methodGet && req.Body != nil:
		p.past = "a GET with a body"
	case req.LoadFlags&exchange.DisableCache != 0:
		p.past = "disabled"
	case req.Key.HasNonce():
		p.past = "partition with a nonce"
	case req.Host != "":
		p.past = "Host is not the URL's" // who knows whose answer that is
	}
	if p.past != "" {
		return
	}
	p.readFlags(req.LoadFlags)
	p.readFields(req.Header)
	if p.condition && (p.hasRange || p.replace) {
		p.past = "a condition of the caller's, and a range or a reload"
	}
}

func (p *plan) readFlags(flags exchange.LoadFlags) {
	p.only = flags&exchange.OnlyFromCache != 0
	p.skip = flags&exchange.SkipCacheValidation != 0
	switch {
	case flags&exchange.BypassCache != 0 && !p.only:
		p.replace, p.sendBypass = true, true
	case flags&exchange.ValidateCache != 0:
		p.validate, p.sendReload = true, true
	}
}

func (p *plan) readFields(header exchange.Fields) {
	for i := range header {
		name, value := header[i].Name, header[i].Value
		switch len(name) {
		case len("Range"):
			if exchange.EqualName(name, "Range") && p.method != methodHead {
				p.readRange(value)
			}
		case len("Pragma"):
			if exchange.EqualName(name, "Pragma") && exchange.HasToken(value, "no-cache") {
				p.replace = !p.only
			}
		case len("If-Match"): // and If-Range
			if exchange.EqualName(name, "If-Match") || exchange.EqualName(name, "If-Range") {
				p.past = "a condition of the caller's"
			}
		case len("If-None-Match"): // and Cache-Control
			switch {
			case exchange.EqualName(name, "If-None-Match"):
				p.readCondition(&p.noneMatch, value)
			case exchange.EqualName(name, "Cache-Control"):
				p.readDirectives(header)
			}
		case len("If-Modified-Since"):
			if exchange.EqualName(name, "If-Modified-Since") {
				p.readCondition(&p.modifiedSince, value)
			} else if exchange.EqualName(name, "If-Unmodified-Since") {
				p.past = "a condition of the caller's"
			}
		case len("If-Unmodified-Since"):
			if exchange.EqualName(name, "If-Unmodified-Since") {
				p.past = "a condition of the caller's"
			}
		}
	}
}

func (p *plan) readRange(value string) {
	span, ok := parseRange(value)
	if !ok || p.hasRange || p.method != methodGet {
		p.past = "not one range of bytes"
	}
	p.span, p.hasRange = span, true
}

func (p *plan) readCondition(to *string, value string) {
	if value = trim(value); value == "" {
		p.past = "an empty condition"
	}
	if *to != "" {
		value = *to + ", " + value
	}
	*to, p.condition = value, true
}

// readDirectives reads all Cache-Control fields; to do so again changes nothing.
func (p *plan) readDirectives(header exchange.Fields) {
	d := parseDirectives(header)
	if d.noCache && !p.only {
		p.replace = true
	}
	if d.maxAge == 0 && !p.validate {
		p.reload = true
	}
	if d.onlyIfCached && !p.only {
		p.only, p.only504 = true, true
	}
	p.noStore = d.noStore
	p.maxAge, p.minFresh, p.maxStale, p.staleIfError = d.maxAge, d.minFresh, d.maxStale, d.staleIfError
}

// isAnonymous reports whether a request's entry is one of those without credentials.
func isAnonymous(req *exchange.Request, split bool) bool {
	return split && req.Credentials == exchange.Omit
}

// keyOf is what the request's response is stored under, but for the variant.
func keyOf(req *exchange.Request, m method, split bool) store.Key {
	k := store.Key{URL: keyURL(req), Partition: req.Key, Anonymous: isAnonymous(req, split)}
	if m == methodPost {
		k.Upload = req.UploadID
	}
	return k
}

// keyURL is the URL that the request is for, written in one way: without user information
// and fragment, scheme and host in lower case, without the scheme's own port, with a path
// (RFC 9110 section 4.2.3).
func keyURL(req *exchange.Request) string {
	if u := req.URL; u.Opaque == "" && !u.ForceQuery && plainHost(u.Scheme, u.Host) {
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		if path[0] == '/' {
			if u.RawQuery == "" {
				return u.Scheme + "://" + u.Host + path
			}
			return u.Scheme + "://" + u.Host + path + "?" + u.RawQuery
		}
	}
	u := *req.URL
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if !plainHost(u.Scheme, u.Host) {
		if o := origin.Of(req.URL); !o.IsOpaque() {
			u.Scheme, u.Host = o.Scheme, o.HostPort()
		}
	}
	switch {
	case u.Opaque == "" && u.Path == "":
		u.Path = "/"
	case u.Opaque != "" && u.Host != "" && !strings.HasPrefix(u.Opaque, "//"):
		u.Opaque = "//" + u.Host + u.Opaque // a path that net/url would write otherwise
	}
	return u.String()
}

// plainHost reports whether a host has only one way to be written: lower case, no port.
func plainHost(scheme, host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case c == ':':
			return plainPort(scheme, host[i+1:])
		case c >= 0x80, 'A' <= c && c <= 'Z':
			return false
		}
	}
	return true
}

// plainPort reports whether a port is a number as it is usually written, and not the
// scheme's own.
func plainPort(scheme, port string) bool {
	if port == "" || len(port) > 5 || port[0] == '0' || port == "80" && scheme == "http" || port == "443" && scheme == "https" {
		return false
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	return true
}

// sameURL reports whether two keys are of the same resource in the same partition.
func sameURL(a, b *store.Key) bool {
	return a.URL == b.URL && a.Partition == b.Partition && a.Upload == b.Upload
}

// inOrigin reports whether a key's URL is of an origin.
func inOrigin(url string, o string) bool {
	return strings.HasPrefix(url, o) && len(url) > len(o) && (url[len(o)] == '/' || url[len(o)] == '?')
}
