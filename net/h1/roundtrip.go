package h1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// RoundTrip sends req over the reserved connection and reads the head of its
// response. Its error says, as an [exchange.AttemptError], how far the exchange
// got, which decides whether it may be tried again on another connection.
//
// The response's Body must be read to its end or closed: only then is the
// connection free for the next request, unless the Body came whole with its head. ctx
// ends the exchange, Body included, and with it the connection.
func (c *Conn) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	c.mu.Lock()
	first, dead := !c.used, c.err
	c.used = true
	c.mu.Unlock()
	c.in.begin()
	x := &xchg{c: c, ctx: ctx, req: req, first: first}
	if dead != nil {
		return nil, x.fail(dead)
	}
	if ctx.Done() != nil {
		if err := ctx.Err(); err != nil {
			return nil, x.fail(err) // a request that nobody wants is not sent
		}
		c.idly = x
		if c.socket == nil || req.Body != nil {
			c.watch()
		}
	}
	if err := x.send(); err != nil {
		return nil, x.fail(err)
	}
	if x.up == nil && c.in.buffered() == 0 {
		c.expect()
	}
	h, err := x.receive()
	if err != nil && x.up != nil && c.Err() == nil {
		// The kernel tells of a reset once, so the upload may know it while this
		// side saw no more than the end: hear it out.
		x.up.finished()
	}
	if werr := x.writeErr(); werr != nil && (err != nil || h.status/100 != 4 && h.status/100 != 5) {
		// A server that stops reading may say why. If it answers as though it had
		// read the body, the failure is to be believed, not the answer (Chromium:
		// HttpStreamParser::DoSendBodyComplete).
		err = werr
	}
	if err != nil {
		return nil, x.fail(err)
	}
	return x.respond(h), nil
}

// An xchg is one request and its response on a connection: all that lives and dies
// with them, in one allocation. Its size is held by a test.
type xchg struct {
	c     *Conn
	ctx   context.Context
	req   *exchange.Request
	stop  func() bool // ends the watch on ctx; nil without one
	up    *upload     // the body's own goroutine; nil without one
	sent  error       // why sending on this goroutine failed
	first bool        // the connection's first
	wrote bool        // something of the request may have reached the peer
	shut  bool        // the request's body was closed by this goroutine

	resp   exchange.Response
	body   body
	fields [9]exchange.Field // of a small head
}

// writeErr returns why the request could not be sent whole, as far as is known now.
func (x *xchg) writeErr() error {
	if x.sent != nil || x.up == nil {
		return x.sent
	}
	return x.up.failed()
}

// fail ends the connection and gives the reason its final form.
func (x *xchg) fail(err error) error {
	c := x.c
	c.idly = nil
	if x.stop != nil {
		x.stop()
	}
	err = x.reason(err)
	c.end(err)
	if x.up != nil {
		x.up.abandon()
	} else {
		x.closeBody()
	}
	c.free()
	return &exchange.AttemptError{Err: err, Sent: x.wrote, Received: c.in.got > c.in.before}
}

// closeBody closes the request's body unless that is the upload's business.
func (x *xchg) closeBody() {
	if x.req.Body != nil && !x.shut {
		x.shut = true
		x.req.Body.Close()
	}
}

// reason prefers what ended the connection, a cancelled context above all, to how a
// read or write noticed it.
func (x *xchg) reason(err error) error {
	if err := neterr.FromContext(x.ctx); err != nil {
		return err
	}
	if p, ok := err.(peerError); ok {
		err = p.error
	}
	var code neterr.Code
	if closed := x.c.Err(); closed != nil && !errors.As(err, &code) {
		err = closed
	}
	if errors.As(err, &code) {
		var full *neterr.Error
		if errors.As(err, &full) {
			return err
		}
		return &neterr.Error{Code: code, Op: "http/1.1", Addr: x.c.remote.String()}
	}
	return neterr.FromOp("http/1.1", err)
}

// receive reads response heads until the final one.
func (x *xchg) receive() (head, error) {
	log := x.req.NetLog
	if log.On() {
		log.Begin(netlog.HTTPTransactionReadHeaders)
		log.Begin(netlog.HTTPStreamParserReadHeaders)
	}
	h, err := x.readHeads()
	if log.On() {
		log.EndErr(netlog.HTTPStreamParserReadHeaders, err)
		if err == nil {
			status := h.proto() + " " + strconv.Itoa(h.status)
			if h.text != "" {
				status += " " + h.text
			}
			log.Event(netlog.HTTPTransactionReadResponseHeaders, netlog.Headers(status, "", netlog.Header(h.fields.All())))
		}
		log.EndErr(netlog.HTTPTransactionReadHeaders, err)
	}
	return h, err
}

func (x *xchg) readHeads() (head, error) {
	limit := x.c.cfg.MaxHeaderBytes
	for seen := false; ; seen = true {
		h, n, err := x.readHead(limit, seen)
		if err != nil {
			return head{}, err
		}
		if limit -= n; limit <= 0 {
			return head{}, neterr.ResponseHeadersTooBig
		}
		if h.status == http.StatusSwitchingProtocols || h.status < 100 || h.status > 199 {
			return h, nil
		}
		if err := x.informational(&h); err != nil {
			return head{}, err
		}
	}
}

// informational deals with a 1xx head: the caller's trace may want it, and 100 lets
// a waiting body go.
func (x *xchg) informational(h *head) error {
	if h.status == http.StatusContinue && x.up != nil {
		x.up.proceed()
	}
	return x.req.Trace1xx(h.status, h.fields)
}

// readHead reads one head of at most limit bytes. seen says that a status line was
// there before, so that what follows cannot be HTTP/0.9.
func (x *xchg) readHead(limit int, seen bool) (head, int, error) {
	in := &x.c.in
	start, scanned, begun := -1, 0, false
	for {
		b := in.peek()
		if start < 0 && len(b) > 0 {
			if !begun {
				begun = true
				tm := &x.resp.Info.Timing
				tm.HeadersStart = time.Now()
				tm.HeadersEnd = tm.HeadersStart
				if t := x.req.Trace; t != nil && t.GotFirstResponseByte != nil && !seen {
					t.GotFirstResponseByte()
				}
			}
			at, undecided := findStatusLine(b)
			if at < 0 && !undecided {
				h, err := x.ancient(seen)
				return h, 0, err
			}
			start, scanned = at, max(at, 0)
		}
		if start >= 0 {
			if end := findHeadEnd(b, scanned); end >= 0 {
				h, err := x.parse(b[start:end])
				in.consume(end)
				return h, end, err
			}
			scanned = max(start, len(b)-2)
		}
		if len(b) >= limit {
			return head{}, 0, neterr.ResponseHeadersTooBig
		}
		if err := in.fill(); err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				return head{}, 0, err
			}
			h, err := x.cutHead(start, seen)
			return h, 0, err
		}
		if begun {
			x.resp.Info.Timing.HeadersEnd = time.Now()
		}
	}
}

func (x *xchg) parse(b []byte) (head, error) { return parseHead(string(b), x.fields[:0]) }

// cutHead is called when the peer closed before the head was whole.
func (x *xchg) cutHead(start int, seen bool) (head, error) {
	in := &x.c.in
	switch {
	case in.buffered() == 0 && x.first && !seen:
		return head{}, neterr.EmptyResponse
	case in.buffered() == 0:
		return head{}, neterr.ConnectionClosed
	case x.c.cfg.TLS != nil:
		return head{}, neterr.ResponseHeadersTruncated
	case start < 0:
		return x.ancient(seen)
	}
	h, err := x.parse(in.peek()[start:])
	in.consume(in.buffered())
	return h, err
}

// ancient takes what came as an HTTP/0.9 answer, body and nothing else, where
// Chromium would: on the scheme's own port, or from a Shoutcast server.
func (x *xchg) ancient(seen bool) (head, error) {
	b := x.c.in.peek()
	icy := x.c.cfg.TLS == nil && len(b) >= 3 && string(b[:3]) == "ICY"
	if seen || !(x.c.cfg.DefaultPort || icy) {
		return head{}, neterr.InvalidHTTPResponse
	}
	if x.req.Method == http.MethodPut {
		return head{}, neterr.MethodNotSupported
	}
	return head{major: 0, minor: 9, status: 200, text: "OK"}, nil
}

// proto is the version as net/http writes it.
func (h *head) proto() string {
	switch {
	case h.major == 0:
		return "HTTP/0.9"
	case h.minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// respond makes the response of a final head, and decides what ends its body.
func (x *xchg) respond(h head) *exchange.Response {
	c, r := x.c, &x.resp
	r.Status, r.StatusText, r.Proto, r.Header = h.status, h.text, h.proto(), h.fields
	// With 408 the server gave the connection up, whether it says so or not
	// (RFC 9110 section 15.5.9).
	keep := h.keepsAlive() && !x.req.Close && h.status != http.StatusRequestTimeout && x.writeErr() == nil
	r.Info.Remote, r.Info.Local, r.Info.TLS, r.Info.Reused = c.remote, c.local, c.cfg.TLS, !x.first
	r.Info.ExportKeyingMaterial = c.cfg.ExportKeyingMaterial
	if x.first {
		r.Info.Timing.Connect = c.cfg.Connect
	}
	x.body.init(x, &h, keep)
	r.Close = !x.body.keep
	return r
}
