package dns

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

const (
	maxHost  = 4096 // before conversion (Chromium)
	maxName  = 253  // RFC 1035 section 3.1: 255 bytes on the wire
	maxLabel = 63
)

// parseName sorts a host into an address or a name that may be asked for, in lower
// case and ASCII. A trailing dot stays: it tells resolvers that the name is whole.
func parseName(host string) (addr netip.Addr, name string, err error) {
	if len(host) > maxHost {
		return netip.Addr{}, "", neterr.NameNotResolved
	}
	literal := host
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		literal = host[1 : n-1]
	}
	if !mayBeAddr(literal) {
		// ParseAddr would only allocate an error.
	} else if addr, err := netip.ParseAddr(literal); err == nil {
		// Chromium knows no zones: a URL cannot have one (URL Standard).
		if addr.Zone() != "" || (len(literal) != len(host) && addr.Is4()) {
			return netip.Addr{}, "", neterr.NameNotResolved
		}
		return addr.Unmap(), "", nil
	}
	name, ok := origin.ASCIIHost(host)
	if !ok || !utf8.ValidString(host) || !isName(name) {
		return netip.Addr{}, "", neterr.NameNotResolved
	}
	return netip.Addr{}, name, nil
}

func mayBeAddr(s string) bool {
	return s != "" && ('0' <= s[0] && s[0] <= '9' || strings.Contains(s, ":"))
}

// isName checks a name as Chromium does before asking for it: labels of letters,
// digits, hyphens and underscores. A last label that is a number can only be a
// misspelt IPv4 address (URL Standard, "ends in a number checker"), which some
// systems' resolvers would accept as one.
func isName(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return false
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	return isAlphanumeric(last[0]) && !isNumber(last)
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

// isNumber reports whether s is decimal or hexadecimal as an address would have it.
func isNumber(s string) bool {
	digits := "0123456789"
	if strings.HasPrefix(s, "0x") {
		s, digits = s[2:], "0123456789abcdef"
	}
	return strings.Trim(s, digits) == ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}
