package h1

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// mergeLimit is the largest head and body together that go out in one write
// (Chromium: kMaxMergedHeaderAndBodySize).
const mergeLimit = 1400

// inlineLimit is the largest body that the caller's goroutine writes itself: one
// that any socket takes without waiting for the peer to read.
const inlineLimit = 16 << 10

// send writes the head, and the body if it is small and at hand; a longer one is
// left to a goroutine.
func (x *xchg) send() error {
	c, req := x.c, x.req
	b, err := appendHead(c.out[:0], req, &c.host)
	c.out = b
	if err != nil {
		return err
	}
	log := req.NetLog
	if log.On() {
		log.Begin(netlog.HTTPTransactionSendRequest)
		log.Event(netlog.HTTPTransactionSendRequestHeaders, headAttr(b))
	}
	req.TraceHead()
	start := req.Connected
	if start.IsZero() {
		start = time.Now()
	}
	x.resp.Info.Timing.SendStart = c.looker.Gather(start)
	if req.Body != nil && req.ContentLength >= 0 && req.ContentLength <= inlineLimit && exchange.InMemory(req.Body) && !req.ExpectsContinue() {
		err = x.writeWithBody(b)
	} else if err = x.write(b); err == nil && req.Body != nil {
		x.up = startUpload(x)
	}
	if x.up == nil {
		x.closeBody()
		x.req.TraceWrote(err)
		x.sent = err
	}
	x.resp.Info.Timing.SendEnd = time.Now()
	if log.On() {
		log.EndErr(netlog.HTTPTransactionSendRequest, err)
	}
	if err != nil && (!x.wrote || !isPeerError(err)) {
		return err // nothing can come back
	}
	return nil
}

// writeWithBody writes the head and, behind it, a body at hand. What does not fit
// into one packet goes out in a write of its own, as Chromium's does.
func (x *xchg) writeWithBody(b []byte) error {
	head := len(b)
	b, err := appendBody(b, x.req.Body, int(x.req.ContentLength))
	x.c.out = b
	if err != nil {
		return err
	}
	if len(b) <= mergeLimit {
		return x.write(b)
	}
	if err := x.write(b[:head]); err != nil {
		return err
	}
	return x.write(b[head:])
}

// write sends b from the caller's goroutine.
func (x *xchg) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := x.c.head.Write(b)
	x.wrote = x.wrote || n > 0
	if err != nil {
		return peerError{err}
	}
	return nil
}

// appendHead writes the request line and the fields: Host, Connection, framing, and
// then the caller's in their order, as Chromium does.
func appendHead(b []byte, req *exchange.Request, host *hostField) ([]byte, error) {
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	if !httpguts.ValidHeaderFieldName(method) { // a method is a token, too
		return b, &neterr.Error{Code: neterr.InvalidArgument, Op: "method " + strconv.Quote(method)}
	}
	b = append(append(b, method...), ' ')
	b, err := appendTarget(b, req.URL)
	if err != nil {
		return b, err
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if err := host.set(req); err != nil {
		return b, err
	}
	b = append(b, host.value...)
	switch {
	case req.Close:
		b = append(b, "\r\nConnection: close\r\n"...)
	case req.Header.Has("Connection"):
		b = append(b, "\r\n"...) // the caller's, for an upgrade
	default:
		b = append(b, "\r\nConnection: keep-alive\r\n"...)
	}
	if b, err = appendFraming(b, method, req); err != nil {
		return b, err
	}
	for i := range req.Header {
		f := &req.Header[i]
		if isFraming(f.Name) || req.Close && exchange.EqualName(f.Name, "Connection") {
			continue
		}
		if !httpguts.ValidHeaderFieldName(f.Name) || !exchange.IsFieldValue(f.Value) {
			return b, &neterr.Error{Code: neterr.InvalidArgument, Op: "header field " + strconv.Quote(f.Name)}
		}
		b = append(append(append(append(b, f.Name...), ": "...), f.Value...), "\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

// isFraming names the fields that the connection writes itself.
func isFraming(name string) bool {
	switch len(name) {
	case len("Host"):
		return exchange.EqualName(name, "Host")
	case len("Content-Length"):
		return exchange.EqualName(name, "Content-Length")
	case len("Transfer-Encoding"):
		return exchange.EqualName(name, "Transfer-Encoding")
	case len("Trailer"):
		return exchange.EqualName(name, "Trailer")
	}
	return false
}

// appendTarget writes the request target (RFC 9112 section 3.2) in origin form,
// straight from the caller's URL.
func appendTarget(b []byte, u *url.URL) ([]byte, error) {
	if u == nil {
		return b, &neterr.Error{Code: neterr.InvalidURL, Op: "request without a URL"}
	}
	start := len(b)
	switch path := u.EscapedPath(); {
	case u.Opaque != "":
		b = append(b, u.RequestURI()...)
		return b, checkTarget(b[start:])
	case path == "":
		b = append(b, '/')
	case path[0] != '/' && path != "*":
		b = append(append(b, '/'), path...)
	default:
		b = append(b, path...)
	}
	if u.ForceQuery || u.RawQuery != "" {
		b = append(append(b, '?'), u.RawQuery...)
	}
	return b, checkTarget(b[start:])
}

// checkTarget refuses what would end the request line early: RawQuery and Opaque
// are the caller's raw text.
func checkTarget(b []byte) error {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return &neterr.Error{Code: neterr.InvalidURL, Op: "control character or space in the request target"}
		}
	}
	return nil
}

// appendFraming says what ends the body (RFC 9112 section 6). A POST or PUT without
// one says so, and no other request does.
func appendFraming(b []byte, method string, req *exchange.Request) ([]byte, error) {
	switch {
	case req.Body == nil || req.ContentLength == 0:
		if method == http.MethodPost || method == http.MethodPut {
			b = append(b, "Content-Length: 0\r\n"...)
		}
	case req.ContentLength > 0:
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, req.ContentLength, 10), "\r\n"...)
	default:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if len(req.TrailerNames) > 0 {
			b = append(b, "Trailer: "...)
			for i, name := range req.TrailerNames {
				if !httpguts.ValidHeaderFieldName(name) {
					return b, &neterr.Error{Code: neterr.InvalidArgument, Op: "trailer field " + strconv.Quote(name)}
				}
				if i > 0 {
					b = append(b, ", "...)
				}
				b = append(b, name...)
			}
			b = append(b, "\r\n"...)
		}
	}
	return b, nil
}
