package exchange

import (
	"net/http"
	"net/textproto"
)

// MIMEHeader returns the fields as the map that net/textproto and net/http use.
func MIMEHeader(f Fields) textproto.MIMEHeader { return textproto.MIMEHeader(HTTPHeader(f)) }

// HTTPHeader returns the fields as net/http has them: canonical names, values in
// the order received. Every value list is part of one slab.
func HTTPHeader(f Fields) http.Header { return httpHeader(f, nil) }

// httpHeader is HTTPHeader with the slab taken from slab if that is long enough.
func httpHeader(f Fields, slab []string) http.Header {
	h := make(http.Header, len(f))
	if len(slab) < len(f) {
		slab = make([]string, len(f))
	}
	var seen uint64 // a bit for each name: most that come need not be looked up
	for i := range f {
		name := canonical(f[i].Name)
		bit := nameBit(name)
		if seen&bit != 0 {
			if vs, ok := h[name]; ok {
				h[name] = append(vs, f[i].Value)
				continue
			}
		}
		seen |= bit
		slab[i] = f[i].Value
		h[name] = slab[i : i+1 : i+1]
	}
	return h
}

// nameBit is one of 64, seldom the same for two names.
func nameBit(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((len(name) + int(name[0]) + 2*int(name[len(name)-1])) & 63)
}

// FromHTTPHeader appends h's fields to f: names in order of the alphabet, since a
// map has none, and each name's values in theirs.
func FromHTTPHeader(f Fields, h http.Header) Fields {
	start := len(f)
	for name, values := range h {
		for _, v := range values {
			// Insertion sort: a request has few fields, and most come singly.
			f = append(f, Field{name, v})
			for i := len(f) - 1; i > start && f[i-1].Name > name; i-- {
				f[i], f[i-1] = f[i-1], f[i]
			}
		}
	}
	return f
}

// isCanonical reports whether a name of letters, digits and hyphens is canonical.
func isCanonical(name string) bool {
	after := byte('-')
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			if after == '-' {
				return false
			}
		case 'A' <= c && c <= 'Z':
			if after != '-' {
				return false
			}
		case c != '-' && (c < '0' || c > '9'):
			return false
		}
		after = c
	}
	return name != ""
}
