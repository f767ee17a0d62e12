package exchange

import (
	"strconv"
	"strings"
	"time"
)

// CacheInfo tells what the HTTP cache did for a response, in the words of RFC 9211.
// The zero CacheInfo is of a response that met no cache.
type CacheInfo struct {
	Hit           bool         // the whole response came from the cache, with or without asking the origin whether it holds
	Forward       CacheForward // why the origin was asked
	ForwardStatus int          // what it answered, as 304; 0 if that is the response's own
	Stale         bool         // given out past its freshness
	Stored        bool         // the response is being kept for later requests
	Collapsed     bool         // the transfer is another request's, too
	Age           time.Duration
	TTL           time.Duration // freshness that is left; negative once stale
	Detail        string        // why it was not stored, or not used
}

// CacheForward is why a request went to the origin (RFC 9211 section 2.2).
type CacheForward uint8

// The reasons.
const (
	ForwardNone     CacheForward = iota // it did not
	ForwardBypass                       // the cache was not to be used
	ForwardMethod                       // the method is none that a cache answers
	ForwardURIMiss                      // nothing is stored for the URL
	ForwardVaryMiss                     // nothing that suits the request's fields
	ForwardRequest                      // the request asked for it
	ForwardStale                        // what is stored is stale
	ForwardPartial                      // what is stored is not all of it
)

var forwardNames = [...]string{"", "bypass", "method", "uri-miss", "vary-miss", "request", "stale", "partial"}

// String returns the token of RFC 9211, as "uri-miss".
func (f CacheForward) String() string {
	if int(f) < len(forwardNames) {
		return forwardNames[f]
	}
	return "fwd-" + strconv.Itoa(int(f))
}

// String returns what a Cache-Status field would say, the cache's name left out:
//
//	hit; ttl=30
//	fwd=stale; fwd-status=304; stored
func (c *CacheInfo) String() string {
	var b strings.Builder
	param := func(name, value string) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name)
		if value != "" {
			b.WriteString("=" + value)
		}
	}
	if c.Hit && c.Forward == ForwardNone {
		param("hit", "")
		param("ttl", strconv.FormatInt(int64(c.TTL/time.Second), 10))
	}
	if c.Forward != ForwardNone {
		param("fwd", c.Forward.String())
	}
	if c.ForwardStatus != 0 {
		param("fwd-status", strconv.Itoa(c.ForwardStatus))
	}
	if c.Stored {
		param("stored", "")
	}
	if c.Collapsed {
		param("collapsed", "")
	}
	if c.Detail != "" {
		param("detail", strconv.Quote(c.Detail))
	}
	return b.String()
}
