// Package origin has the words for who a request is for and on whose behalf it is
// made: origins, sites, and the keys that partition state they must not share.
package origin

import (
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// An Origin is a scheme, host and port (RFC 6454 section 4). The zero Origin is
// opaque: it equals nothing a URL has, and prints as "null".
type Origin struct {
	Scheme string // lower case
	Host   string // lower case, ASCII; IPv6 without brackets
	Port   uint16 // never zero but in an opaque origin
}

// Of returns the origin of u: opaque when u has no host or its scheme no default
// port and none is given. It allocates nothing when u is written canonically.
func Of(u *url.URL) Origin {
	host, port, ok := SplitHostPort(u.Scheme, u.Host)
	if !ok || host == "" {
		return Origin{}
	}
	return Origin{Scheme: lower(u.Scheme), Host: host, Port: port}
}

// IsOpaque reports whether o belongs to nobody.
func (o Origin) IsOpaque() bool { return o.Host == "" }

// String is the ASCII serialisation (RFC 6454 section 6.2), default port left out.
func (o Origin) String() string {
	if o.IsOpaque() {
		return "null"
	}
	return o.Scheme + "://" + o.HostPort()
}

// HostPort is the authority as a URL writes it, the scheme's default port left out.
func (o Origin) HostPort() string {
	host := o.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.Port == DefaultPort(o.Scheme) {
		return host
	}
	return host + ":" + strconv.Itoa(int(o.Port))
}

// Trustworthy reports whether o is potentially trustworthy (W3C Secure Contexts
// section 3.1): https and wss, loopback addresses, localhost and its subdomains.
func (o Origin) Trustworthy() bool {
	switch o.Scheme {
	case "https", "wss", "file":
		return true
	}
	return IsLocalhost(o.Host)
}

// IsLocalhost reports whether host is a loopback literal, localhost, or a name under it.
func IsLocalhost(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if n := len(host); n >= 9 && strings.EqualFold(host[n-9:], "localhost") {
		return n == 9 || host[n-10] == '.'
	}
	if host == "" || (host[0] != '1' && !strings.Contains(host, ":")) {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// DefaultPort returns 80 or 443 for the schemes that Kaon speaks, else 0.
func DefaultPort(scheme string) uint16 {
	switch scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	}
	return 0
}

// SplitHostPort takes the host of a URL apart. The host comes back lower-case and
// in ASCII (IDNA), without brackets; a missing port is the scheme's default. ok is
// false when a part is not valid or no port is known.
func SplitHostPort(scheme, hostport string) (host string, port uint16, ok bool) {
	host, digits := hostport, ""
	colon, plain := plainHost(hostport)
	switch {
	case plain && colon < 0:
	case plain:
		host, digits = hostport[:colon], hostport[colon+1:]
	case strings.HasPrefix(host, "["):
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", 0, false
		}
		host, digits = hostport[1:end], hostport[end+1:]
		if digits != "" && digits[0] != ':' {
			return "", 0, false
		}
		digits = strings.TrimPrefix(digits, ":")
	default:
		if host, digits, _ = strings.Cut(host, ":"); strings.Contains(digits, ":") {
			return "", 0, false
		}
	}
	if digits == "" {
		port = DefaultPort(lower(scheme))
	} else {
		port, ok = parsePort(digits)
		if !ok {
			return "", 0, false
		}
	}
	if ok = plain; !plain {
		host, ok = ASCIIHost(host)
	}
	return host, port, ok && (port != 0 || digits != "")
}

// plainHost reports whether a host, with or without a port, is as nearly all are: in
// lower-case ASCII and no IPv6 address. colon is where the port begins, -1 without one.
func plainHost(s string) (colon int, plain bool) {
	colon = -1
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':' && colon < 0:
			colon = i
		case c <= ' ', c >= 0x7f, 'A' <= c && c <= 'Z', c == ':', c == '[':
			return -1, false
		}
	}
	return colon, true
}

func parsePort(digits string) (port uint16, ok bool) {
	n := 0
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = 10*n + int(c-'0'); n > math.MaxUint16 {
			return 0, false
		}
	}
	return uint16(n), digits != ""
}

// ASCIIHost returns host lower-case and, where it has other characters, in the form
// that DNS and the wire use (UTS 46). ok is false for what cannot be converted.
func ASCIIHost(host string) (string, bool) {
	ascii, upper := true, false
	for i := 0; i < len(host); i++ {
		c := host[i]
		switch {
		case c >= 0x80:
			ascii = false
		case 'A' <= c && c <= 'Z':
			upper = true
		case c <= ' ' || c == 0x7f:
			return "", false
		}
	}
	if !ascii {
		if !utf8.ValidString(host) {
			return "", false
		}
		s, err := idna.Lookup.ToASCII(host)
		return s, err == nil
	}
	if upper {
		host = strings.ToLower(host)
	}
	return host, true
}

// lower is strings.ToLower for text that nearly always is lower-case already.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// A Site is a scheme and a registrable domain (the public suffix and one label
// more): what the web calls schemeful same-site. An IP address, or a host that is
// itself a public suffix, is its own site.
type Site struct {
	Scheme, Domain string
}

// Site returns the site that o belongs to; the zero Site if o is opaque.
func (o Origin) Site() Site {
	if o.IsOpaque() {
		return Site{}
	}
	scheme := o.Scheme
	switch scheme {
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	}
	return Site{scheme, Domain(o.Host)}
}

// String writes the site as Chromium's logs do: "https://example.com".
func (s Site) String() string {
	if s == (Site{}) {
		return "null"
	}
	return s.Scheme + "://" + s.Domain
}

// Domain returns the registrable domain of host, or host itself if it has none:
// an IP address, a single label, a public suffix.
func Domain(host string) string {
	if d, ok := Registrable(host); ok {
		return d
	}
	return host
}

// Registrable returns the registrable domain of a host as SplitHostPort writes it.
// ok is false where there is none: an IP address, a single label, a public suffix.
func Registrable(host string) (domain string, ok bool) {
	bare := strings.TrimSuffix(host, ".")
	d, err := publicsuffix.EffectiveTLDPlusOne(bare)
	if err != nil {
		return "", false
	}
	return host[len(bare)-len(d):], true // a name with its final dot is another site
}

// ICANNSuffix returns the public suffix of a lower-case name without a final dot, as
// "co.uk" of "www.example.co.uk", those left out that companies run for their users, as
// "github.io". known says whether the suffix is on the list; one that is not is the
// last label.
func ICANNSuffix(name string) (suffix string, known bool) {
	for {
		suffix, known = publicsuffix.PublicSuffix(name)
		if known {
			return suffix, true
		}
		_, above, private := strings.Cut(suffix, ".")
		if !private {
			return suffix, false
		}
		name = above
	}
}
