package sysconf

import (
	"net/netip"
	"strings"
	"time"
)

// The limits of glibc's <resolv.h>.
const (
	maxNameservers = 3
	maxSearch      = 6
	maxSearchBytes = 256 // of all suffixes, each with one byte more
	maxNdots       = 15
	maxTimeout     = 30
	maxAttempts    = 5
	maxZone        = 64 // more than any system's interfaces have

	defaultNdots    = 1
	defaultTimeout  = 5
	defaultAttempts = 2

	dnsPort = 53
)

// loopback is whom to ask if nobody is named.
var loopback = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort)

// ParseResolvConf reads the text of a resolv.conf as glibc does (resolv.conf(5)):
// keywords stand at the beginnings of lines, the last of "domain" and "search" counts,
// and what is not understood is skipped. Without a server it is the one on this
// machine. "sortlist" is ignored.
//
// [Config.Unhandled] has "use-vc", and servers whose address is 0.0.0.0 or ::.
func ParseResolvConf(text []byte) *Config {
	c := parseResolvConf(text)
	c.complete()
	return c
}

// parseResolvConf takes over what the lines say.
func parseResolvConf(text []byte) *Config {
	c := &Config{Ndots: defaultNdots, Timeout: defaultTimeout * time.Second, Attempts: defaultAttempts}
	for line := range strings.Lines(string(text)) {
		keyword, rest := cutBlank(strings.TrimRight(line, "\r\n"))
		switch keyword {
		case "nameserver":
			c.addNameserver(rest)
		case "domain":
			domain, _ := cutBlank(strings.TrimLeft(rest, blanks))
			c.setSearch(domain)
		case "search":
			c.setSearch(rest)
		case "options":
			c.setOptions(rest)
		}
	}
	return c
}

const blanks = " \t"

// cutBlank returns what stands before the first blank, and what behind it.
func cutBlank(s string) (before, after string) {
	if i := strings.IndexAny(s, blanks); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func (c *Config) addNameserver(rest string) {
	text, _ := cutBlank(strings.TrimLeft(rest, blanks))
	addr, err := netip.ParseAddr(text)
	if err != nil || len(c.Nameservers) == maxNameservers {
		return
	}
	zone := addr.Zone()
	if !addr.IsLinkLocalUnicast() && !addr.IsLinkLocalMulticast() || len(zone) > maxZone {
		zone = "" // means nothing there
	}
	addr = addr.WithZone(zone)
	c.Nameservers = append(c.Nameservers, netip.AddrPortFrom(addr, dnsPort))
}

// setSearch replaces the suffixes, unless there are none in the list.
func (c *Config) setSearch(list string) {
	if strings.Trim(list, blanks) == "" {
		return
	}
	c.Search = []string{} // not nil, which is where nothing was said
	room := maxSearchBytes
	for suffix := range strings.FieldsFuncSeq(list, isBlank) {
		room -= len(suffix) + 1
		if room < 0 || len(c.Search) == maxSearch {
			return
		}
		// The root is no suffix: names are tried as they are without it.
		if suffix = strings.Trim(suffix, "."); suffix != "" {
			c.Search = append(c.Search, strings.Clone(suffix))
		}
	}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

func (c *Config) setOptions(list string) {
	for option := range strings.FieldsFuncSeq(list, isBlank) {
		name, value, _ := strings.Cut(option, ":")
		switch name {
		case "ndots":
			c.Ndots = number(value, 0, maxNdots)
		case "timeout":
			c.Timeout = time.Duration(number(value, 1, maxTimeout)) * time.Second
		case "attempts":
			c.Attempts = number(value, 1, maxAttempts)
		case "rotate":
			c.Rotate = true
		case "use-vc":
			c.UseTCP = true
		case "edns0":
			c.EDNS0 = true
		case "trust-ad":
			c.TrustAD = true
		case "single-request":
			c.SingleRequest = true
		case "single-request-reopen":
			c.SingleRequestReopen = true
		case "no-aaaa":
			c.NoAAAA = true
		case "no-tld-query", "no_tld_query":
			c.NoTLDQuery = true
		}
	}
}

// complete settles what all that was said means together.
func (c *Config) complete() {
	if len(c.Nameservers) == 0 {
		c.Nameservers = []netip.AddrPort{loopback}
	}
	for _, server := range c.Nameservers {
		if server.Addr().IsUnspecified() {
			c.Unhandled = append(c.Unhandled, "nameserver "+server.Addr().String())
		}
	}
	if c.UseTCP {
		c.Unhandled = append(c.Unhandled, "use-vc")
	}
}

// number reads decimal digits up to the first other byte, as C's atoi does, and keeps
// the result between low and high.
func number(s string, low, high int) int {
	n := 0
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9' && n <= high; i++ {
		n = 10*n + int(s[i]-'0')
	}
	return min(max(n, low), high)
}
