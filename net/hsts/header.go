package hsts

import (
	"errors"
	"strings"
	"time"
)

// maxMaxAge is the longest that a header is believed (Chromium).
const maxMaxAge = 365 * 24 * time.Hour

// A Policy is what one Strict-Transport-Security field says.
type Policy struct {
	MaxAge            time.Duration // at most a year; 0 ends the policy
	IncludeSubDomains bool
}

var errHeader = errors.New("hsts: malformed header")

// ParseHeader reads the value of a Strict-Transport-Security field (RFC 6797 section
// 6.1). One wrong directive makes all of it wrong; an unknown one is looked over.
func ParseHeader(s string) (p Policy, err error) {
	haveAge := false
	for rest := s; ; {
		var name, value string
		var hasValue, ok bool
		name, value, hasValue, rest, ok = directive(rest)
		switch {
		case !ok:
			return Policy{}, errHeader
		case strings.EqualFold(name, "max-age"):
			if haveAge || !hasValue {
				return Policy{}, errHeader
			}
			if p.MaxAge, haveAge = seconds(value); !haveAge {
				return Policy{}, errHeader
			}
		case strings.EqualFold(name, "includeSubDomains"):
			if p.IncludeSubDomains || hasValue {
				return Policy{}, errHeader
			}
			p.IncludeSubDomains = true
		}
		if rest == "" {
			break
		}
		rest = rest[1:] // the semicolon
	}
	if !haveAge {
		return Policy{}, errHeader
	}
	return p, nil
}

// directive reads up to the next semicolon, with which rest begins unless it is empty.
// A directive may be empty.
func directive(s string) (name, value string, hasValue bool, rest string, ok bool) {
	name, s = token(trimStart(s))
	s = trimStart(s)
	if name != "" && strings.HasPrefix(s, "=") {
		hasValue = true
		if s = trimStart(s[1:]); strings.HasPrefix(s, `"`) {
			value, s, ok = quoted(s)
		} else {
			value, s = token(s)
			ok = value != ""
		}
		if !ok {
			return "", "", false, "", false
		}
		s = trimStart(s)
	}
	return name, value, hasValue, s, s == "" || s[0] == ';'
}

func trimStart(s string) string { return strings.TrimLeft(s, " \t") }

// token cuts an RFC 9110 token off.
func token(s string) (tok, rest string) {
	i := 0
	for i < len(s) && isTokenByte(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isTokenByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// quoted cuts an RFC 9110 quoted-string off.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// seconds reads digits; too many of them are a long time.
func seconds(s string) (d time.Duration, ok bool) {
	const most = int64(maxMaxAge / time.Second)
	n := int64(0)
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || '9' < s[i] {
			return 0, false
		}
		n = min(10*n+int64(s[i]-'0'), most)
	}
	return time.Duration(n) * time.Second, s != ""
}
