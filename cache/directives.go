package cache

import (
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
)

// directives is what the members of Cache-Control say that this cache knows, of a request
// or of a response. A delta that is absent is -1. Of a directive that is there twice, the
// first counts (RFC 9111 section 4.2.1).
type directives struct {
	maxAge               time.Duration
	staleWhileRevalidate time.Duration // of a response
	staleIfError         time.Duration
	maxStale             time.Duration // of a request; forever without a value
	minFresh             time.Duration // of a request

	noCacheFields string // of a response: the names in no-cache="…", as written

	badMaxAge      bool // max-age is there, and no number
	noCache        bool // the one without names
	noStore        bool
	mustRevalidate bool
	mustUnderstand bool
	immutable      bool
	explicit       bool // public or private, which alone make a response one that may be stored
	onlyIfCached   bool
}

const absent time.Duration = -1

// forever is what a delta of more than 2^31 seconds counts as (RFC 9111 section 1.2.2).
const forever = (1 << 31) * time.Second

func noDirectives() directives {
	return directives{maxAge: absent, staleWhileRevalidate: absent, staleIfError: absent, maxStale: absent, minFresh: absent}
}

// parseDirectives reads all Cache-Control fields. It allocates nothing, but for values
// that are quoted strings with escapes.
func parseDirectives(fields exchange.Fields) directives {
	d := noDirectives()
	for i := range fields {
		if exchange.EqualName(fields[i].Name, "Cache-Control") {
			d.parse(fields[i].Value)
		}
	}
	return d
}

// parse adds the members of one field.
func (d *directives) parse(list string) {
	for list != "" {
		var name, value string
		var valued bool
		name, value, valued, list = nextDirective(list)
		d.add(name, value, valued)
	}
}

func (d *directives) add(name, value string, valued bool) {
	is := func(s string) bool { return exchange.EqualName(name, s) }
	switch len(name) {
	case len("public"):
		d.explicit = d.explicit || is("public")
	case len("max-age"):
		switch {
		case is("max-age"):
			if d.maxAge == absent && !d.badMaxAge {
				d.maxAge = delta(value)
				d.badMaxAge = d.maxAge == absent
			}
		case is("private"):
			d.explicit = true
		}
	case len("no-cache"):
		switch {
		case is("no-store"):
			d.noStore = true
		case is("no-cache") && value == "":
			d.noCache = true
		case is("no-cache"):
			if d.noCacheFields != "" {
				value = d.noCacheFields + "," + value
			}
			d.noCacheFields = value
		}
	case len("max-stale"): // and immutable, min-fresh
		switch {
		case is("immutable"):
			d.immutable = true
		case is("min-fresh") && d.minFresh == absent:
			d.minFresh = delta(value)
		case is("max-stale") && d.maxStale == absent && valued:
			d.maxStale = delta(value)
		case is("max-stale") && d.maxStale == absent:
			d.maxStale = forever
		}
	case len("stale-if-error"): // and only-if-cached
		switch {
		case is("stale-if-error") && d.staleIfError == absent:
			d.staleIfError = delta(value)
		case is("only-if-cached"):
			d.onlyIfCached = true
		}
	case len("must-revalidate"): // and must-understand
		d.mustRevalidate = d.mustRevalidate || is("must-revalidate")
		d.mustUnderstand = d.mustUnderstand || is("must-understand")
	case len("stale-while-revalidate"):
		if is("stale-while-revalidate") && d.staleWhileRevalidate == absent {
			d.staleWhileRevalidate = delta(value)
		}
	}
}

// nextDirective cuts the first member off a list (RFC 9111 section 5.2). A quoted string
// without its end goes to the end of the field.
func nextDirective(list string) (name, value string, valued bool, rest string) {
	end := 0
	for end < len(list) && list[end] != ',' && list[end] != '=' {
		end++ // names are short: strings.IndexAny would take four times as long
	}
	if end == len(list) {
		return trim(list), "", false, ""
	}
	name, rest = trim(list[:end]), list[end+1:]
	if list[end] == ',' {
		return name, "", false, rest
	}
	rest = strings.TrimLeft(rest, " \t")
	if strings.HasPrefix(rest, `"`) {
		value, rest = quoted(rest[1:])
		_, rest, _ = strings.Cut(rest, ",")
		return name, value, true, rest
	}
	value, rest, _ = strings.Cut(rest, ",")
	return name, trim(value), true, rest
}

// quoted returns what is between the quotes, s being behind the first, and what follows.
func quoted(s string) (value, rest string) {
	i := strings.IndexAny(s, `"\`)
	if i >= 0 && s[i] == '"' {
		return s[:i], s[i+1:]
	}
	if i < 0 {
		return s, ""
	}
	var b strings.Builder
	for i = 0; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), s[min(i+1, len(s)):]
}

// delta is delta-seconds (RFC 9111 section 1.2.2), absent for what is none.
func delta(s string) time.Duration {
	if s == "" {
		return absent
	}
	var n int64
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return absent
		}
		n = min(10*n+int64(c-'0'), int64(forever/time.Second))
	}
	return time.Duration(n) * time.Second
}

// members yields the non-empty members of a comma list of tokens.
func members(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for m := range strings.SplitSeq(list, ",") {
			if m = trim(m); m != "" && !yield(m) {
				return
			}
		}
	}
}

func trim(s string) string { return strings.Trim(s, " \t") }
