package altsvc

import (
	"strings"
	"time"
)

// DefaultMaxAge is how long an alternative holds that says nothing of it (RFC 7838
// section 3.1).
const DefaultMaxAge = 24 * time.Hour

// An Entry is one alternative as a field advertises it.
type Entry struct {
	Protocol string // ALPN protocol id, percent-decoded: any bytes
	Host     string // as written, without brackets; empty is the origin's own
	Port     uint16 // never 0
	MaxAge   time.Duration
}

// Parse reads the value of Alt-Svc; the values of several fields are to be joined by
// commas. It takes and refuses what Chromium does: ok is false for a value that is not
// to be heeded, all of it. No entries mean "clear".
//
// The parameter persist is ignored, as other unknown ones are: Chromium keeps every
// alternative when the network changes. A ma of 0 is refused.
func Parse(value string) (entries []Entry, ok bool) {
	if value == "" {
		return nil, false
	}
	if value == "clear" {
		return nil, true
	}
	for value != "" {
		var e Entry
		if e, value, ok = parseEntry(value); !ok {
			return nil, false
		}
		entries = append(entries, e)
		value = strings.TrimLeft(value, " \t,")
	}
	return entries, true
}

// parseEntry reads an alternative with its parameters; rest is empty or begins with a
// comma.
func parseEntry(s string) (e Entry, rest string, ok bool) {
	id, s, ok := strings.Cut(s, "=")
	if !ok || id == "" {
		return e, "", false
	}
	if e.Protocol, ok = percentDecode(id); !ok {
		return e, "", false
	}
	authority, s, ok := cutQuoted(s)
	if !ok {
		return e, "", false
	}
	if e.Host, e.Port, ok = parseAuthority(authority); !ok {
		return e, "", false
	}
	e.MaxAge = DefaultMaxAge
	for {
		if s = skipSpace(s); s == "" || s[0] == ',' {
			return e, s, true
		}
		if s[0] != ';' {
			return e, "", false
		}
		if s = skipSpace(s[1:]); s == "" || s[0] == ',' {
			return e, s, true // a semicolon that nothing follows
		}
		if s, ok = e.parameter(s); !ok {
			return e, "", false
		}
	}
}

// parameter reads name and value.
func (e *Entry) parameter(s string) (rest string, ok bool) {
	name, s := span(s, "= \t,")
	if s = skipSpace(s); s == "" || s[0] != '=' {
		return "", false
	}
	s = skipSpace(s[1:])
	value, rest := span(s, "; \t,")
	if value == "" {
		return "", false
	}
	switch strings.ToLower(name) {
	case "ma":
		n, ok := positive(value, 1<<32-1)
		e.MaxAge = time.Duration(n) * time.Second
		return rest, ok
	case "v":
		// Google's versions of QUIC: the only value in which a comma ends nothing.
		return skipVersions(s)
	}
	return rest, true
}

// skipVersions reads a quoted list of numbers.
func skipVersions(s string) (rest string, ok bool) {
	if s[0] != '"' {
		return "", false
	}
	list, rest, ok := strings.Cut(s[1:], `"`)
	if !ok || list == "" {
		return rest, ok
	}
	for n := range strings.SplitSeq(list, ",") {
		if _, ok := positive(n, 1<<16-1); !ok {
			return "", false
		}
	}
	return rest, true
}

// cutQuoted takes a quoted string that is not empty off s, its escapes still in it.
func cutQuoted(s string) (quoted, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:], i > 1
		}
	}
	return "", "", false
}

// parseAuthority reads [host] ":" port out of a quoted string.
func parseAuthority(s string) (host string, port uint16, ok bool) {
	if s[0] == '[' {
		host, s, ok = strings.Cut(s[1:], "]")
		if !ok || strings.Contains(host, `"`) {
			return "", 0, false
		}
	} else {
		var b strings.Builder
		for s != "" && s[0] != ':' {
			if s[0] == '\\' {
				s = s[1:] // cutQuoted saw that something follows
			}
			b.WriteByte(s[0])
			s = s[1:]
		}
		host = b.String()
	}
	if s == "" || s[0] != ':' {
		return "", 0, false
	}
	n, ok := positive(s[1:], 1<<16-1)
	return host, uint16(n), ok
}

// positive reads a number from 1 to limit.
func positive(s string, limit uint64) (n uint64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = 10*n + uint64(s[i]-'0'); n > limit {
			return 0, false
		}
	}
	return n, n > 0
}

func percentDecode(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, ok1 := hexDigit(s[i+1])
		low, ok2 := hexDigit(s[i+2])
		if !ok1 || !ok2 {
			return "", false
		}
		b = append(b, high<<4|low)
		i += 2
	}
	return string(b), true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t") }

// span cuts s before the first byte that is in set.
func span(s, set string) (before, rest string) {
	if i := strings.IndexAny(s, set); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
