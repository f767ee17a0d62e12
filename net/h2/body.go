package h2

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A body is the response body of one stream: what the reader puts in, the caller
// takes out. Close may come from another goroutine at any time.
type body struct {
	st *stream

	mu         sync.Mutex // guards what follows
	head, tail *chunk
	size       int   // bytes to be read
	left       int64 // that content-length promises still; -1 is unknown
	flow       inflow
	fields     exchange.Fields // the trailer section
	err        error           // what Read returns after the last byte; nil while more may come
	reading    bool            // a Read is under way
	waiting    bool            // it waits for the reader
	closed     bool
	finished   bool
	logged     bool
}

func (b *body) init(st *stream, now time.Duration) {
	b.st = st
	b.flow.left = st.c.own.streamWindow
	b.flow.told = now
	b.left = -1
}

// open returns what the caller reads from. Where nothing is to come and nothing is
// there, that is http.NoBody.
func (b *body) open() io.ReadCloser {
	r := &b.st.resp
	b.mu.Lock()
	ended, hasTrailer := b.err != nil, b.fields != nil
	empty := b.err == io.EOF && b.size == 0
	b.mu.Unlock()
	b.logged = !empty && b.st.req.NetLog.On()
	if hasTrailer || !ended {
		r.Trailer = b.trailer
	}
	if empty {
		b.finish(io.EOF)
		return http.NoBody
	}
	if b.logged {
		b.st.req.NetLog.Begin(netlog.HTTPTransactionReadBody)
	}
	if !ended {
		b.st.watch()
	}
	return b
}

// add appends what came, a copy of it, unless the body is over. It reports whether a
// Read waits for it.
func (b *body) add(p []byte) (wake, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return false, false
	}
	for len(p) > 0 {
		if b.tail == nil || b.tail.w == len(b.tail.buf) {
			k := newChunk(b.tail == nil && len(p) <= smallChunk)
			if b.tail == nil {
				b.head = k
			} else {
				b.tail.next = k
			}
			b.tail = k
		}
		n := copy(b.tail.buf[b.tail.w:], p)
		b.tail.w += n
		b.size += n
		p = p[n:]
	}
	wake = b.waiting
	b.waiting = false
	return wake, true
}

// expect sets the length that the head promises; -1 promises nothing.
func (b *body) expect(length int64) {
	b.mu.Lock()
	b.left = length
	b.mu.Unlock()
}

// setTrailer keeps the trailer section.
func (b *body) setTrailer(f exchange.Fields) {
	b.mu.Lock()
	b.fields = f
	b.mu.Unlock()
}

// receive accounts for a DATA frame, of which data bytes are not padding, before its
// bytes are added. It returns what is wrong with it, if anything.
func (b *body) receive(frame, data int) neterr.Code {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.flow.receive(frame) {
		return neterr.HTTP2FlowControlError
	}
	if b.left >= 0 {
		if b.left -= int64(data); b.left < 0 {
			return neterr.ContentLengthMismatch
		}
	}
	return 0
}

// end says that no more will come, for the reason err; the first reason stays. It
// reports whether a Read waits.
func (b *body) end(err error) (wake bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		if err == io.EOF && b.left > 0 {
			err = b.st.c.reason(neterr.ContentLengthMismatch)
		}
		b.err = err
	}
	wake = b.waiting
	b.waiting = false
	return wake
}

// spoil makes a body that came whole, but was not read to its end, fail after all.
func (b *body) spoil(err error) {
	b.mu.Lock()
	if b.err == io.EOF && !b.finished {
		b.err = err
	}
	b.mu.Unlock()
}

// abandon is end, and throws away what was not read.
func (b *body) abandon(err error) {
	b.mu.Lock()
	if b.err == nil || b.size > 0 {
		b.err = err
	}
	n := b.discard()
	b.waiting = false
	b.mu.Unlock()
	if n > 0 {
		b.st.c.consumed(n, b.st.c.now())
	}
}

// discard frees what was not read. mu is held.
func (b *body) discard() int {
	n := b.size
	for k := b.head; k != nil; {
		next := k.next
		k.free()
		k = next
	}
	b.head, b.tail, b.size = nil, nil, 0
	return n
}

// Read reads the body. A body that failed gives what came before it did.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := b.await(); err != nil {
		return 0, err
	}
	n := 0
	for n < len(p) && b.size > 0 {
		k := b.head
		m := copy(p[n:], k.buf[k.r:k.w])
		k.r += m
		n += m
		b.size -= m
		if k.r == k.w && (k.w == len(k.buf) || b.size == 0) {
			b.drop().free()
		}
	}
	return n, b.taken(n)
}

// WriteTo writes the body to w, piece by piece as it comes and without a copy of it.
func (b *body) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if err := b.await(); err != nil {
			return written, err
		}
		k := b.drop()
		n, m := 0, 0
		if k != nil {
			n = k.w - k.r
			b.size -= n
			b.reading = false // Close need not wait for w
			b.mu.Unlock()
			m, err = w.Write(k.buf[k.r:k.w])
			k.free()
			b.mu.Lock()
		}
		over := b.taken(n)
		written += int64(m)
		switch {
		case err != nil:
			return written, err
		case m < n:
			return written, io.ErrShortWrite
		case over == io.EOF:
			return written, nil
		case over != nil:
			return written, over
		}
	}
}

// await waits for something to read, or the end. It fails if the body is closed. Else mu
// is held when it returns, and taken is called when the Read is over.
func (b *body) await() error {
	b.mu.Lock()
	if b.reading {
		b.mu.Unlock()
		return errTwoReads
	}
	b.reading = true
	for b.size == 0 && b.err == nil && !b.closed {
		b.waiting = true
		b.mu.Unlock()
		<-b.st.wake
		b.mu.Lock()
	}
	if b.closed {
		b.reading = false
		b.mu.Unlock()
		b.finish(neterr.Aborted) // where Close left it to us
		return http.ErrBodyReadAfterClose
	}
	return nil
}

// taken accounts for n bytes that were read. It returns why there are no more, if there
// are none. mu is held, and let go of.
func (b *body) taken(n int) error {
	b.reading = false
	var err error
	if b.size == 0 {
		err = b.err
	}
	var increment uint32
	c := b.st.c
	now := c.lastReadTime() // near enough, and no look at the clock
	if b.err == nil {
		now = c.now()
		increment = b.flow.consume(n, c.own.streamWindow, now)
	}
	b.mu.Unlock()
	b.st.resp.Info.WireRead += int64(n)
	if increment > 0 {
		b.st.tellConsumed(increment)
	}
	c.consumed(n, now)
	if err != nil {
		b.finish(err)
	}
	return err
}

// drop takes the first chunk out; nil is none. mu is held.
func (b *body) drop() *chunk {
	k := b.head
	if k != nil {
		if b.head = k.next; b.head == nil {
			b.tail = nil
		}
	}
	return k
}

// tellConsumed lets the peer send more on the stream.
func (st *stream) tellConsumed(increment uint32) {
	c := st.c
	c.mu.Lock()
	open := !st.closed && !st.remoteEnd
	if open {
		c.queueWindowUpdate(st.id, increment)
		c.flush(false)
	}
	c.unlock()
	if open {
		c.logWindowUpdate(st.id, increment)
	}
}

// Close ends the stream if it is not over yet. It may be called while another
// goroutine reads: that Read then fails.
func (b *body) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	reading, over := b.reading, b.finished
	b.mu.Unlock()
	if over {
		return nil
	}
	err := &neterr.Error{Code: neterr.Aborted, Op: "http/2", Err: http.ErrBodyReadAfterClose}
	b.st.c.reset(b.st, http2.ErrCodeCancel, err)
	if !reading {
		b.finish(neterr.Aborted)
	}
	return nil
}

// finish ends the exchange, once: with io.EOF the body came whole. A request body
// that is still going out by then is of no use.
func (b *body) finish(err error) {
	b.mu.Lock()
	done := b.finished
	b.finished = true
	n := b.discard()
	b.mu.Unlock()
	if done {
		return
	}
	st := b.st
	c := st.c
	if n > 0 {
		c.consumed(n, c.now())
	}
	if st.stop != nil {
		st.stop()
	}
	if s := st.sender; s != nil && s.up != nil {
		st.stopUpload()
	}
	if !st.settled {
		c.mu.Lock()
		c.returnWake(st)
		c.mu.Unlock()
	}
	if b.logged {
		if err == io.EOF {
			err = nil
		}
		st.req.NetLog.EndErr(netlog.HTTPTransactionReadBody, err)
	}
}

var errTwoReads = &neterr.Error{Code: neterr.InvalidArgument, Op: "http/2", Err: errors.New("two reads of a body at once")}

// trailer returns the trailer section of a body that came whole, else nothing.
func (b *body) trailer() exchange.Fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != io.EOF || b.size > 0 {
		return nil
	}
	return b.fields
}
