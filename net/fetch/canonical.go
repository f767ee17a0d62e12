package fetch

import (
	"net/url"
	"strings"

	"github.com/kaon-net/kaon/net/origin"
)

// parseCanonical takes a URL that is written as the URL Standard would write it,
// which nearly all are, so that the standard's parser is not needed: it costs some
// sixty allocations. It says no whenever there is a doubt.
func parseCanonical(s string) (target, bool) {
	var scheme string
	switch {
	case strings.HasPrefix(s, "https://"):
		scheme = "https"
	case strings.HasPrefix(s, "http://"):
		scheme = "http"
	default:
		return target{}, false
	}
	rest := s[len(scheme)+len("://"):]
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return target{}, false
	}
	authority, rest := rest[:slash], rest[slash:]
	o, ok := canonicalAuthority(scheme, authority)
	if !ok {
		return target{}, false
	}
	n, ok := canonicalPath(rest)
	if !ok {
		return target{}, false
	}
	u := &url.URL{Scheme: scheme, Host: authority}
	path, rest := rest[:n], rest[n:]
	if rest != "" && rest[0] == '?' {
		n, ok := span(rest, inQuery)
		if !ok {
			return target{}, false
		}
		u.RawQuery, u.ForceQuery = rest[1:n], n == 1
		rest = rest[n:]
	}
	if rest != "" {
		// Here is the "#", and only the end may stop the span.
		if n, ok := span(rest, inFragment); !ok || n != len(rest) {
			return target{}, false
		}
	}
	if strings.ContainsAny(path, "%!'()*") {
		setPath(u, path) // net/url would write these in another way
	} else {
		u.Path = path
	}
	return target{url: u, href: s, fragment: rest, origin: o}, true
}

// canonicalAuthority takes a lower-case host name or a dotted IPv4 address, and a
// port that is not the scheme's own.
func canonicalAuthority(scheme, s string) (origin.Origin, bool) {
	host, digits, hasPort := strings.Cut(s, ":")
	port := origin.DefaultPort(scheme)
	if hasPort {
		n, ok := decimal(digits, 65535)
		if !ok || n == 0 || uint16(n) == port {
			return origin.Origin{}, false
		}
		port = uint16(n)
	}
	return origin.Origin{Scheme: scheme, Host: host, Port: port}, canonicalHost(host)
}

func canonicalHost(host string) bool {
	if len(host) > 253 {
		return false
	}
	labels, numeric, last := 0, 0, ""
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Contains(label, "--") {
			return false // "--" is in every label that IDNA looks into
		}
		for i := 0; i < len(label); i++ {
			if class[label[i]]&inHost == 0 {
				return false
			}
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if _, ok := decimal(label, 255); ok {
			numeric++
		}
		labels++
		last = label
	}
	// A last label that looks like a number makes the host an IPv4 address, in one
	// of many notations; this is the canonical one.
	if c := last[0]; '0' <= c && c <= '9' {
		return labels == 4 && numeric == 4
	}
	return true
}

// decimal parses a number without a leading zero.
func decimal(s string, limit int) (n int, ok bool) {
	if s == "" || len(s) > 5 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, n <= limit
}

// canonicalPath returns the length of the path that s starts with: without dot
// segments, with each "%" before two digits.
func canonicalPath(s string) (n int, ok bool) {
	n, ok = span(s, inPath)
	if !ok {
		return 0, false
	}
	path := s[:n]
	if strings.Contains(path, "/.") {
		return 0, false // a dot segment, or a file whose name begins so
	}
	for i := strings.IndexByte(path, '%'); i >= 0; {
		if len(path) < i+3 || class[path[i+1]]&isHex == 0 || class[path[i+2]]&isHex == 0 {
			return 0, false
		}
		if path[i+1] == '2' && path[i+2]|0x20 == 'e' {
			return 0, false // a dot, perhaps of a dot segment
		}
		next := strings.IndexByte(path[i+1:], '%')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return n, true
}

// span returns how far s consists of characters of set. It is not ok to stop at
// anything but the end, "?" or "#".
func span(s string, set charClass) (n int, ok bool) {
	for n < len(s) && class[s[n]]&set != 0 {
		n++
	}
	return n, n == len(s) || s[n] == '?' || s[n] == '#'
}

// A charClass is a set of characters that need no encoding in a part of a URL.
type charClass uint8

const (
	inHost charClass = 1 << iota
	inPath
	inQuery    // of an http URL
	inFragment // and the "#" in front
	isHex
)

// class has the sets of each byte. It is made by the compiler.
var class = [256]charClass{
	'a': lowHex, 'b': lowHex, 'c': lowHex, 'd': lowHex, 'e': lowHex, 'f': lowHex,
	'g': low, 'h': low, 'i': low, 'j': low, 'k': low, 'l': low, 'm': low, 'n': low,
	'o': low, 'p': low, 'q': low, 'r': low, 's': low, 't': low, 'u': low, 'v': low,
	'w': low, 'x': low, 'y': low, 'z': low,
	'A': upHex, 'B': upHex, 'C': upHex, 'D': upHex, 'E': upHex, 'F': upHex,
	'G': anyPart, 'H': anyPart, 'I': anyPart, 'J': anyPart, 'K': anyPart, 'L': anyPart, 'M': anyPart,
	'N': anyPart, 'O': anyPart, 'P': anyPart, 'Q': anyPart, 'R': anyPart, 'S': anyPart, 'T': anyPart,
	'U': anyPart, 'V': anyPart, 'W': anyPart, 'X': anyPart, 'Y': anyPart, 'Z': anyPart,
	'0': lowHex, '1': lowHex, '2': lowHex, '3': lowHex, '4': lowHex,
	'5': lowHex, '6': lowHex, '7': lowHex, '8': lowHex, '9': lowHex,
	'-': low, '.': anyPart, '_': anyPart, '~': anyPart,
	'!': anyPart, '$': anyPart, '&': anyPart, '(': anyPart, ')': anyPart, '*': anyPart, '+': anyPart,
	',': anyPart, ';': anyPart, '=': anyPart, ':': anyPart, '@': anyPart, '/': anyPart, '%': anyPart,
	'\'': inPath | inFragment,
	'?':  inQuery | inFragment,
	'[':  inQuery | inFragment, ']': inQuery | inFragment,
	'{': inQuery | inFragment, '}': inQuery | inFragment,
	'|': inQuery | inFragment, '\\': inQuery | inFragment, '^': inQuery | inFragment,
	'`': inQuery,
	'#': inFragment,
}

const (
	anyPart = inPath | inQuery | inFragment
	low     = anyPart | inHost
	lowHex  = low | isHex
	upHex   = anyPart | isHex
)
