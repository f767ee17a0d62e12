package cookiejar

import (
	"fmt"
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// A Cookie is one stored cookie. Name, Domain, HostOnly, Path and Partition together
// say which one it is: a cookie that agrees in all of them takes its place. Times are
// kept to the microsecond.
type Cookie struct {
	Name  string // may be empty: such a cookie is sent as its value alone
	Value string // as received, quotes included

	Domain   string // lower case, ASCII, no leading dot; IPv6 without brackets
	HostOnly bool   // false: also sent to the hosts under Domain
	Path     string // begins with "/"

	Secure   bool
	HTTPOnly bool
	SameSite SameSite
	Priority Priority

	Expires  time.Time // zero: a session cookie
	Created  time.Time // kept when the same value is set again
	Accessed time.Time // last sent, exact to a minute
	Updated  time.Time // last written

	// Partition is zero for a cookie that all top-level sites share, else a value of
	// PartitionKey (CHIPS).
	Partition origin.Key

	// SourceScheme and SourcePort say who set the cookie. They are kept, as Chromium
	// keeps them, and bind nothing: there too binding to scheme and port is off.
	SourceScheme SourceScheme
	SourcePort   int // -1: unknown
}

// IsSession reports whether c ends with the session.
func (c *Cookie) IsSession() bool { return c.Expires.IsZero() }

// size is what the limits in bytes count.
func (c *Cookie) size() int { return len(c.Name) + len(c.Value) }

// same reports whether c and d are one cookie at two times.
func (c *Cookie) same(d *Cookie) bool {
	return c.Name == d.Name && c.Domain == d.Domain && c.HostOnly == d.HostOnly && c.Path == d.Path && c.Partition == d.Partition
}

// SameSite is a cookie's SameSite attribute (RFC 6265bis section 5.6.7).
type SameSite uint8

const (
	Unspecified SameSite = iota // absent or unknown: Lax, and for two minutes also sent with a cross-site POST
	None                        // sent everywhere; needs Secure
	Lax                         // sent to its own site, and when a link elsewhere leads there
	Strict                      // sent to its own site only
)

var sameSiteNames = [...]string{Unspecified: "unspecified", None: "no_restriction", Lax: "lax", Strict: "strict"}

// String returns Electron's word: "unspecified", "no_restriction", "lax" or "strict".
func (s SameSite) String() string { return name(sameSiteNames[:], int(s)) }

// ParseSameSite is the reverse of String; its error is Electron's.
func ParseSameSite(s string) (SameSite, error) {
	for i, name := range sameSiteNames {
		if s == name {
			return SameSite(i), nil
		}
	}
	return Unspecified, fmt.Errorf("failed to convert %q to an appropriate cookie same site value", s)
}

// Priority orders eviction among the cookies of a domain.
type Priority int8

const (
	Low    Priority = -1
	Medium Priority = 0 // what a cookie has that says nothing
	High   Priority = 1
)

// String returns "low", "medium" or "high".
func (p Priority) String() string { return name([]string{"low", "medium", "high"}, int(p)+1) }

// SourceScheme is the kind of URL that set a cookie.
type SourceScheme uint8

const (
	SourceUnset     SourceScheme = iota // not known
	SourceNonSecure                     // http or ws
	SourceSecure                        // https or wss, or a Secure cookie from a trustworthy host
)

// String returns "unset", "non-secure" or "secure".
func (s SourceScheme) String() string { return name([]string{"unset", "non-secure", "secure"}, int(s)) }

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("(%d)", i)
	}
	return names[i]
}

// PartitionKey returns where cookies marked Partitioned are kept for the requests of
// key: one jar for each top-level site, and a second one for those of its frames that
// stand inside a frame of another site (crossSite). The zero Key has no partition; a
// key with a nonce is its own.
func PartitionKey(key origin.Key, crossSite bool) origin.Key {
	switch {
	case key.IsZero() || key.HasNonce():
		return key
	case crossSite:
		return origin.NewKey(key.Top(), origin.Site{})
	}
	return origin.NewKey(key.Top(), key.Top())
}

// domainMatch: the cookie of domain goes to host (RFC 6265bis section 5.1.3).
func (c *Cookie) domainMatch(host string) bool {
	if c.HostOnly || len(host) == len(c.Domain) {
		return host == c.Domain
	}
	return isUnder(host, c.Domain)
}

// isUnder reports whether host is a name below domain.
func isUnder(host, domain string) bool {
	n := len(host) - len(domain)
	return n > 0 && host[n-1] == '.' && host[n:] == domain
}

// pathMatch: RFC 6265bis section 5.1.4.
func pathMatch(cookie, request string) bool {
	if !strings.HasPrefix(request, cookie) || cookie == "" {
		return false
	}
	return len(request) == len(cookie) || cookie[len(cookie)-1] == '/' || request[len(cookie)] == '/'
}
