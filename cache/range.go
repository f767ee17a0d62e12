package cache

import (
	"strconv"
	"strings"
)

// A byteRange is one range of a Range field (RFC 9110 section 14.1.2): from first to last,
// both included. last is -1 without an end; first is -1 for the last bytes, as many as
// last says.
type byteRange struct {
	first, last int64
}

// parseRange reads a Range field of exactly one range of bytes.
func parseRange(s string) (r byteRange, ok bool) {
	const unit = "bytes="
	if len(s) < len(unit) || !strings.EqualFold(s[:len(unit)], unit) {
		return r, false
	}
	first, last, ok := strings.Cut(trim(s[len(unit):]), "-")
	if !ok || first == "" && last == "" {
		return r, false
	}
	r = byteRange{-1, -1}
	if first != "" {
		if r.first, ok = parseOffset(first); !ok {
			return r, false
		}
	}
	if last != "" {
		if r.last, ok = parseOffset(last); !ok {
			return r, false
		}
	}
	return r, r.first < 0 || r.last < 0 || r.first <= r.last
}

// within returns the part of a body of length bytes that the range is, from inclusive, to
// exclusive. ok is false if it is none (RFC 9110 section 14.1.2: not satisfiable).
func (r byteRange) within(length int64) (from, to int64, ok bool) {
	switch {
	case r.first < 0:
		from, to = max(length-r.last, 0), length
	case r.last < 0:
		from, to = r.first, length
	default:
		from, to = r.first, length
		if r.last < length {
			to = r.last + 1
		}
	}
	return from, to, from < to
}

// A contentRange is a Content-Range field of bytes (RFC 9110 section 14.4).
type contentRange struct {
	first, last int64
	length      int64 // of the whole; -1 is unknown
}

// parseContentRange reads the form that a 206 has.
func parseContentRange(s string) (r contentRange, ok bool) {
	const unit = "bytes "
	if len(s) < len(unit) || !strings.EqualFold(s[:len(unit)], unit) {
		return r, false
	}
	span, length, ok := strings.Cut(trim(s[len(unit):]), "/")
	if !ok {
		return r, false
	}
	first, last, ok := strings.Cut(span, "-")
	if !ok {
		return r, false
	}
	if r.first, ok = parseOffset(first); !ok {
		return r, false
	}
	if r.last, ok = parseOffset(last); !ok || r.last < r.first {
		return r, false
	}
	if length == "*" {
		r.length = -1
		return r, true
	}
	if r.length, ok = parseOffset(length); !ok || r.length <= r.last {
		return r, false
	}
	return r, true
}

func parseOffset(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false // ParseInt would take a sign
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func rangeValue(from, to int64) string {
	b := append(make([]byte, 0, 32), "bytes="...)
	b = strconv.AppendInt(b, from, 10)
	b = append(b, '-')
	return string(strconv.AppendInt(b, to-1, 10))
}

func contentRangeValue(from, to, length int64) string {
	b := append(make([]byte, 0, 48), "bytes "...)
	b = strconv.AppendInt(b, from, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, to-1, 10)
	b = append(b, '/')
	return string(strconv.AppendInt(b, length, 10))
}
