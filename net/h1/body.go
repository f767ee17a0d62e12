package h1

import (
	"io"
	"math"
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
	keep   bool             // the connection outlives the body, if all goes well
	logged bool             // guarded by mu: the span of reading the body was begun
	closed atomic.Bool      // set by Close, which may find a Read under way
	left   int64            // byLength: to come
	have   *[inputSize]byte // held: with the last left bytes before end to be read
	end    uint16
	chunks chunked

	// mu is the right to use the connection's receiving side, so it is held while
	// a Read waits for the peer. Nothing is called with it held but the connection
	// and the log.
	mu  sync.Mutex
	err error // what Read returns from now on; whoever sets it calls finish
}

// init sets the body of x's response up from the final head.
func (b *body) init(x *xchg, h *head, keep bool) {
	b.x, b.keep = x, keep
	r := &x.resp
	r.Info.WireRead = x.c.in.used()
	switch {
	case h.status == http.StatusSwitchingProtocols:
		r.ContentLength, r.Body = -1, (*upgraded)(b)
		b.keep = false
		x.c.watch()
		return
	case h.status == http.StatusNoContent, h.status == http.StatusResetContent, h.status == http.StatusNotModified:
		b.frame = byLength // of nothing, whatever the fields say
	case x.req.Method == http.MethodHead:
		b.frame = byLength
		r.ContentLength = contentLength(h.fields)
	case h.major == 1 && h.minor == 1 && isChunked(h.fields):
		b.frame, r.ContentLength = byChunks, -1
		b.chunks.limit = int32(min(x.c.cfg.MaxHeaderBytes, math.MaxInt32))
		r.Trailer = b.trailer
	default:
		if r.ContentLength = contentLength(h.fields); r.ContentLength >= 0 {
			b.frame, b.left = byLength, r.ContentLength
		} else {
			b.frame, b.keep = byClose, false
		}
	}
	if b.frame == byLength && b.left == 0 {
		r.Body, b.err = http.NoBody, io.EOF
		b.finish(io.EOF)
		return
	}
	if b.frame == byLength && x.up == nil && x.c.in.isLast(b.left) {
		r.Body = b.hold()
		return
	}
	x.c.watch()
	r.Body = b
}

// Read reads the decoded body (of transfer codings, not of content codings).
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	if err := b.over(); err != nil || len(p) == 0 {
		b.mu.Unlock()
		return 0, err
	}
	if log := b.x.req.NetLog; !b.logged && log.On() {
		// Not before the first Read: while the head is on its way up, spans of the
		// layers above are open, and this one would not nest in them.
		b.logged = true
		log.Begin(netlog.HTTPTransactionReadBody)
	}
	n, err := b.next(p)
	b.x.resp.Info.WireRead = b.x.c.in.used()
	if err != nil && err != io.EOF {
		err = b.x.reason(err)
	}
	b.err = err
	b.mu.Unlock()
	if err == nil {
		return n, nil
	}
	b.finish(err)
	if err != io.EOF && b.closed.Load() {
		err = http.ErrBodyReadAfterClose
	}
	return n, err
}

// over returns why there is nothing more to read; nil while there may be.
func (b *body) over() error {
	if b.closed.Load() {
		return http.ErrBodyReadAfterClose
	}
	return b.err
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
		case err == io.EOF, err == io.ErrUnexpectedEOF: // the latter in the middle of a TLS record
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
	torn := !b.mu.TryLock()
	if torn {
		// Somebody reads, perhaps waiting for the peer: only the end of the
		// connection wakes it.
		b.x.c.end(&neterr.Error{Code: neterr.Aborted, Op: "read", Err: http.ErrBodyReadAfterClose})
		b.mu.Lock()
	}
	if b.err != nil {
		b.mu.Unlock()
		return nil
	}
	err := error(neterr.Aborted)
	if !torn && b.drain() {
		err = io.EOF
	}
	b.err = err
	b.mu.Unlock()
	b.finish(err)
	return nil
}

// drain consumes what is buffered and reports whether that was all of the body. It
// never waits for the peer.
func (b *body) drain() bool {
	in := &b.x.c.in
	switch b.frame {
	case byLength:
		if int64(in.buffered()) >= b.left {
			in.consume(int(b.left))
			return true
		}
	case byChunks:
		return b.chunks.drain(in) == io.EOF
	}
	return false
}

// finish ends the exchange, once: with io.EOF the body came whole and the
// connection may serve again; any other reason ends the connection as well.
func (b *body) finish(err error) {
	x, c := b.x, b.x.c
	c.idly = nil
	keep := b.keep && err == io.EOF
	if x.stop != nil && !x.stop() {
		keep = false // the context ended meanwhile and takes the connection along
	}
	// A byte beyond the response belongs to no request of ours.
	keep = keep && c.in.buffered() == 0
	if x.up != nil && keep {
		keep = x.up.finished()
	}
	if b.logged {
		reason := err
		if err == io.EOF {
			reason = nil
		}
		x.req.NetLog.EndErr(netlog.HTTPTransactionReadBody, reason)
	}
	var notKept error
	if keep {
		c.in.rest()
	} else {
		notKept = err
		if err == io.EOF {
			notKept = neterr.ConnectionClosed
		}
		c.end(notKept)
		if x.up != nil {
			x.up.abandon()
		}
	}
	if t := x.req.Trace; t != nil && t.PutIdleConn != nil {
		t.PutIdleConn(notKept)
	}
	c.free()
}

// trailer returns the trailer section of a body that came whole, else nothing.
func (b *body) trailer() exchange.Fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != io.EOF || b.chunks.trailer == nil {
		return nil
	}
	return *b.chunks.trailer
}
