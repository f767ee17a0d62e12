package h1

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A framing is what ends a body (RFC 9112 section 6.3).
type framing uint8

const (
	byClose framing = iota
	byLength
	byChunks
)

// A body is the response body of one exchange. Reading happens on the reader's
// goroutine; Close may come from another one at any time.
type body struct {
	x      *xchg
	frame  framing
	keep   bool  // the connection outlives the body, if all goes well
	left   int64 // byLength: to come
	chunks chunked

	mu     sync.Mutex // held while reading
	err    error      // what Read returns from now on
	closed atomic.Bool
	ended  bool // the connection was given back or ended
}

// init sets the body of x's response up from the final head.
func (b *body) init(x *xchg, h *head, keep bool) {
	b.x, b.keep = x, keep
	r := &x.resp
	switch {
	case h.status == http.StatusSwitchingProtocols:
		r.ContentLength, r.Body = -1, (*upgraded)(b)
		b.keep = false
		return
	case h.status < 200, h.status == http.StatusNoContent, h.status == http.StatusResetContent, h.status == http.StatusNotModified:
		b.frame = byLength
	case x.req.Method == http.MethodHead:
		b.frame = byLength
		r.ContentLength = contentLength(h.fields)
	case h.major == 1 && h.minor == 1 && isChunked(h.fields):
		b.frame, r.ContentLength = byChunks, -1
		b.chunks.limit = x.c.cfg.MaxHeaderBytes
		r.Trailer = b.trailer
	default:
		if r.ContentLength = contentLength(h.fields); r.ContentLength >= 0 {
			b.frame, b.left = byLength, r.ContentLength
		} else {
			b.frame, b.keep = byClose, false
		}
	}
	r.Info.WireRead = x.c.in.got - x.start - int64(x.c.in.buffered())
	if b.frame == byLength && b.left == 0 {
		r.Body = http.NoBody
		b.finish(io.EOF)
		return
	}
	if x.req.NetLog.On() {
		x.req.NetLog.Begin(netlog.HTTPTransactionReadBody)
	}
	r.Body = b
}

// Read reads the decoded body (of transfer codings, not of content codings).
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.next(p)
	b.x.resp.Info.WireRead += int64(n)
	if err != nil {
		if err != io.EOF {
			err = b.x.reason(err)
		}
		b.finish(err)
		if b.closed.Load() {
			err = http.ErrBodyReadAfterClose
		}
	}
	return n, err
}

func (b *body) next(p []byte) (int, error) {
	in := &b.x.c.in
	switch b.frame {
	case byLength:
		if int64(len(p)) > b.left {
			p = p[:b.left]
		}
		n, err := in.read(p)
		b.left -= int64(n)
		switch {
		case b.left == 0:
			return n, io.EOF
		case err == io.EOF:
			return n, neterr.ContentLengthMismatch
		}
		return n, err
	case byChunks:
		n, err := b.chunks.read(in, p)
		if err == io.ErrUnexpectedEOF {
			err = neterr.IncompleteChunkedEncoding
		}
		return n, err
	}
	return in.read(p)
}

// Close gives the connection back if what is left of the body has already been
// received, else ends it. It may be called while another goroutine reads: that
// Read then fails.
func (b *body) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	if !b.mu.TryLock() {
		b.x.c.end(&neterr.Error{Code: neterr.Aborted, Op: "read", Err: http.ErrBodyReadAfterClose})
		return nil // the reader finishes
	}
	defer b.mu.Unlock()
	if b.ended {
		return nil
	}
	b.finish(b.drain())
	return nil
}

// drain consumes what is buffered and reports io.EOF if that ends the body. It
// never waits for the peer.
func (b *body) drain() error {
	in := &b.x.c.in
	switch b.frame {
	case byLength:
		if int64(in.buffered()) >= b.left {
			in.consume(int(b.left))
			return io.EOF
		}
	case byChunks:
		return b.chunks.drain(in)
	}
	return neterr.Aborted
}

// finish ends the exchange: with io.EOF the body came whole and the connection may
// serve again; any other reason ends the connection as well.
func (b *body) finish(err error) {
	if b.ended {
		return
	}
	b.ended, b.err = true, err
	x, c := b.x, b.x.c
	keep := b.keep && err == io.EOF
	if x.stop != nil && !x.stop() {
		keep = false // the context ended meanwhile and took the connection along
	}
	if x.up != nil && !x.up.finished() {
		keep = false
	}
	// A byte beyond the response belongs to no request of ours.
	keep = keep && c.in.buffered() == 0
	if x.req.NetLog.On() && x.resp.Body != http.NoBody && x.resp.Body != nil {
		if err == io.EOF {
			x.req.NetLog.End(netlog.HTTPTransactionReadBody)
		} else {
			x.req.NetLog.EndErr(netlog.HTTPTransactionReadBody, err)
		}
	}
	if !keep {
		reason := err
		if err == io.EOF {
			reason = neterr.ConnectionClosed
		}
		c.end(reason)
		if x.up != nil {
			x.up.abandon()
		}
	} else {
		c.in.rest()
	}
	if t := x.req.Trace; t != nil && t.PutIdleConn != nil {
		if keep {
			t.PutIdleConn(nil)
		} else {
			t.PutIdleConn(neterr.ConnectionClosed)
		}
	}
	c.free()
}

// trailer returns the trailer section of a body that came whole, else nothing.
func (b *body) trailer() exchange.Fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != io.EOF {
		return nil
	}
	return b.chunks.trailer
}
