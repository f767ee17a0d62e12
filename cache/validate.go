package cache

import (
	"strings"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// validators are what a stored response can be recognised by (RFC 9110 section 8.8).
type validators struct {
	etag         string // not of HTTP/1.0 and before, as in Chromium
	lastModified string
	strong       bool // the bytes are the same if it is
}

func validatorsOf(proto string, header exchange.Fields) validators {
	v := validators{lastModified: header.Get("Last-Modified")}
	old := proto == "HTTP/1.0" || proto == "HTTP/0.9"
	if !old {
		v.etag = header.Get("ETag")
	}
	switch {
	case old:
	case v.etag != "":
		v.strong = !strings.HasPrefix(v.etag, "W/")
	default:
		v.strong = strongDate(v.lastModified, header.Get("Date"))
	}
	return v
}

// strongDate reports whether a Last-Modified is a minute older than Date, so that the
// response cannot have changed twice since (RFC 9110 section 8.8.2.2).
func strongDate(lastModified, date string) bool {
	modified, ok := parseDate(lastModified, time.Time{})
	if !ok {
		return false
	}
	made, ok := parseDate(date, time.Time{})
	return ok && made.Sub(modified) >= time.Minute
}

func (v *validators) any() bool { return v.etag != "" || v.lastModified != "" }

// conditional adds what asks whether a response still holds.
func (v *validators) conditional(header exchange.Fields) exchange.Fields {
	if v.etag != "" {
		header = append(header, exchange.Field{Name: "If-None-Match", Value: v.etag})
	}
	if v.lastModified != "" {
		header = append(header, exchange.Field{Name: "If-Modified-Since", Value: v.lastModified})
	}
	return header
}

// ifRange is the value that asks for a part only if the whole has not changed.
func (v *validators) ifRange() string {
	if v.etag != "" {
		return v.etag
	}
	return v.lastModified
}

// holds reports whether a 304 is about the response that v is of (RFC 9111 section
// 4.3.4): one that names another version is about none that we have.
func (v *validators) holds(answer exchange.Fields) bool {
	if etag, ok := answer.Lookup("ETag"); ok && v.etag != "" {
		return sameETag(etag, v.etag)
	}
	if modified, ok := answer.Lookup("Last-Modified"); ok && v.etag == "" && v.lastModified != "" {
		return modified == v.lastModified
	}
	return true
}

// sameBytes reports whether an answer has the strong validator of what is stored, so that
// parts of both can be one (RFC 9110 section 15.3.7.3).
func (v *validators) sameBytes(proto string, answer exchange.Fields) bool {
	if !v.strong {
		return false
	}
	if v.etag != "" {
		return answer.Get("ETag") == v.etag
	}
	return answer.Get("Last-Modified") == v.lastModified && !answer.Has("ETag")
}

// sameETag compares weakly (RFC 9110 section 8.8.3.2).
func sameETag(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// asked reports whether a caller's own condition is the one that v would make.
func (v *validators) asked(p *plan) bool {
	if p.noneMatch != "" {
		if v.etag == "" {
			return false
		}
		for m := range members(p.noneMatch) {
			if sameETag(m, v.etag) {
				return true
			}
		}
		return false
	}
	return v.lastModified != "" && v.lastModified == p.modifiedSince
}

// update returns the stored header with the fields of a later answer in place of its own,
// but for those that are of the body which is stored (RFC 9111 section 3.2; the list is
// Chromium's).
func update(stored, answer exchange.Fields) exchange.Fields {
	answer = storedHeader(nil, answer)
	updated := make(exchange.Fields, 0, len(stored)+len(answer))
	for _, f := range stored {
		// The time it took to get here is the new answer's.
		if !exchange.EqualName(f.Name, "Age") && (keepsOld(f.Name) || !answer.Has(f.Name)) {
			updated = append(updated, f)
		}
	}
	for _, f := range answer {
		if !keepsOld(f.Name) {
			updated = append(updated, f)
		}
	}
	return updated
}

// keepsOld reports whether an update leaves a field as it was stored.
func keepsOld(name string) bool {
	switch len(name) {
	case 4:
		return exchange.EqualName(name, "ETag")
	case 11:
		return exchange.EqualName(name, "Content-MD5")
	case 12:
		return exchange.EqualName(name, "Content-Type")
	case 13:
		if exchange.EqualName(name, "Content-Range") {
			return true
		}
	case 14:
		if exchange.EqualName(name, "Content-Length") {
			return true
		}
	case 15:
		if exchange.EqualName(name, "X-Frame-Options") {
			return true
		}
	case 16:
		if exchange.EqualName(name, "Content-Location") || exchange.EqualName(name, "Content-Encoding") || exchange.EqualName(name, "X-XSS-Protection") {
			return true
		}
	}
	return hasPrefixFold(name, "X-Content-") || hasPrefixFold(name, "X-WebKit-")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && exchange.EqualName(s[:len(prefix)], prefix)
}

// renewed is the head of a stored response after an answer said that it holds.
func renewed(old *store.Head, answer exchange.Fields, sent, received time.Time) *store.Head {
	h := *old
	h.Header = update(old.Header, answer)
	h.RequestTime, h.ResponseTime, h.RefreshBy = sent, received, time.Time{}
	h.Rules = readRules(&h)
	return &h
}
