// Package exchange has the words for one HTTP request and its response, as Kaon's
// layers pass them down and up, and the adapters to net/http.
//
// Header fields are an ordered list as sent or received: order, case and
// duplicates count on the wire. http.Header is built only in the adapters [HTTP]
// and [From].
package exchange

import (
	"context"
	"io"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// A RoundTripper answers one request. Unlike http.RoundTripper it may set fields of
// the request it is given: whoever calls it owns the request and makes a new one
// for each call.
//
// RoundTrip closes the request's Body, also when it fails, though perhaps only
// after it has returned. ctx bounds the exchange until the response's Body is read
// to its end or closed. An error means that there is no response; it carries a
// neterr.Code.
type RoundTripper interface {
	RoundTrip(ctx context.Context, req *Request) (*Response, error)
}

// RoundTripperFunc makes a function a [RoundTripper].
type RoundTripperFunc func(ctx context.Context, req *Request) (*Response, error)

// RoundTrip calls f.
func (f RoundTripperFunc) RoundTrip(ctx context.Context, req *Request) (*Response, error) {
	return f(ctx, req)
}

// A Request is one request on its way to the wire. The zero value of each field is
// the usual case.
type Request struct {
	Method string   // empty is GET
	URL    *url.URL // absolute; shared with the caller and never changed
	Host   string   // for the Host field or :authority, where it is not the URL's
	Header Fields   // without framing: Host, Connection, Content-Length and Transfer-Encoding are the connection's

	Body          io.ReadCloser                 // nil has none
	ContentLength int64                         // of Body; -1 is unknown
	GetBody       func() (io.ReadCloser, error) // a fresh Body, for another attempt; nil if there can be none
	Trailer       func() Fields                 // called once Body ended; nil has none
	TrailerNames  []string                      // announced before the Body

	// Protocol makes a CONNECT over HTTP/2 or 3 an extended one (RFC 8441): the
	// :protocol pseudo-field, as "websocket". Empty with every other request.
	Protocol string

	Priority    Priority
	LoadFlags   LoadFlags
	Credentials Credentials
	SecureDNS   SecureDNSPolicy
	Close       bool // the connection serves no later request

	// AfterHandshake keeps the request out of 0-RTT, though its method is safe: a server
	// wanted that (RFC 8470 section 5.2).
	AfterHandshake bool

	Key      origin.Key // whose state may be shared
	Via      []*url.URL // the URLs that led here by redirects, the first one asked for first; usually nil
	UploadID int64      // the same for the same Body, so that the response to a POST can be cached; 0 is none

	// Informed, if not nil, is called with the status and the fields of each 1xx
	// response, before Trace. It must keep neither.
	Informed func(req *Request, status int, fields Fields)

	// Connected is when there was a connection for the request, which net/transport
	// notes for it; zero: it is used at once.
	Connected time.Time

	NetLog netlog.Source
	Trace  *httptrace.ClientTrace // from the caller's context; usually nil
}

// A Response is what came back. The caller reads Body to its end or closes it.
type Response struct {
	Status        int    // as 200
	StatusText    string // as "OK"; empty over HTTP/2 and 3
	Proto         string // "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3.0"
	Header        Fields // in the order and case received
	Body          io.ReadCloser
	ContentLength int64         // of Body as it is given; -1 is unknown
	Uncompressed  bool          // Body was decoded on the way up
	Close         bool          // the connection ends with this response
	Trailer       func() Fields // valid once Body ended; nil has none
	Info          Info
}

// IsReplayable reports whether the request can be sent again from the start:
// without a body, or with one that GetBody makes anew.
func (r *Request) IsReplayable() bool { return r.Body == nil || r.GetBody != nil }

// IsIdempotent reports whether sending the request twice does what sending it once
// does: a safe or idempotent method (RFC 9110 section 9.2.2), or one that the
// caller declared to be so with an Idempotency-Key.
func (r *Request) IsIdempotent() bool {
	switch r.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return r.Header.Has("Idempotency-Key") || r.Header.Has("X-Idempotency-Key")
}

// IsSafe reports whether the method asks for no change (RFC 9110 section 9.2.1).
func (r *Request) IsSafe() bool {
	switch r.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}

// A Priority orders requests that wait for the same connections. The zero Priority
// is Lowest, Chromium's default.
type Priority int8

// Chromium's priorities. Their order is their meaning; their Urgency is what
// HTTP/2 and 3 send.
const (
	Throttled Priority = iota - 2
	Idle
	Lowest
	Low
	Medium
	Highest
)

// String returns Chromium's name, as "HIGHEST".
func (p Priority) String() string {
	switch p {
	case Throttled:
		return "THROTTLED"
	case Idle:
		return "IDLE"
	case Low:
		return "LOW"
	case Medium:
		return "MEDIUM"
	case Highest:
		return "HIGHEST"
	}
	return "LOWEST"
}

// LoadFlags say how far a request may lean on what is kept and known. Values and
// names are Chromium's.
type LoadFlags uint32

// The flags that Kaon knows.
const (
	ValidateCache       LoadFlags = 1 << 0  // ask the origin even if an entry is fresh
	BypassCache         LoadFlags = 1 << 1  // write the cache, do not read it
	SkipCacheValidation LoadFlags = 1 << 2  // take a stale entry
	OnlyFromCache       LoadFlags = 1 << 3  // no network
	DisableCache        LoadFlags = 1 << 4  // neither read nor write the cache
	DoNotSaveCookies    LoadFlags = 1 << 6  // ignore Set-Cookie
	BypassProxy         LoadFlags = 1 << 7  // connect directly
	IgnoreLimits        LoadFlags = 1 << 10 // do not wait for a free socket; needs priority Highest
	ShouldBypassHSTS    LoadFlags = 1 << 18 // do not upgrade to https

	// RetryAnyMethod sends a request again after a dead keep-alive connection
	// whatever its method is, as Chromium does. Kaon's own: not a Chromium flag.
	RetryAnyMethod LoadFlags = 1 << 30
)

// Credentials says whether cookies, HTTP authentication and client certificates go
// with a request (Fetch Standard: credentials mode).
type Credentials uint8

// The credentials modes. Requests that omit them never share a connection with
// others (Chromium: privacy mode).
const (
	Include Credentials = iota
	SameOrigin
	Omit
)

// SecureDNSPolicy says whether DNS over HTTPS may resolve the host of a request.
type SecureDNSPolicy uint8

// The policies.
const (
	SecureDNSAllow   SecureDNSPolicy = iota // as the session is configured
	SecureDNSDisable                        // never
	SecureDNSBootstrap
)
