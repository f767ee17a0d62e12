package cache

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A reader is the body of a response that reads a transfer.
type reader struct {
	asker
	tr *transfer

	left    atomic.Bool // it takes part no more
	closed  atomic.Bool
	unwatch atomic.Pointer[func() bool] // its context interrupts the transfer no more; nil: it does not
	own     atomic.Pointer[part]        // what it reads when the transfer has nothing more for it

	mu  sync.Mutex // guards what follows; held while one reads
	pos int64
	err error
}

// Read reads on, as far as the transfer has come. If that is no further, it reads the
// network for all, or waits for who does.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err != nil:
		return 0, r.err
	case r.closed.Load():
		return 0, errBodyClosed
	case len(p) == 0:
		return 0, nil
	}
	n, err := r.read(p)
	r.pos += int64(n)
	if err != nil {
		r.err = err
		r.leave()
	}
	return n, err
}

func (r *reader) read(p []byte) (int, error) {
	tr := r.tr
	for r.own.Load() == nil {
		if r.closed.Load() {
			return 0, errBodyClosed
		}
		tr.mu.Lock()
		behind := tr.have - r.pos
		last := int64(len(tr.chunk))
		switch {
		case behind > 0 && behind <= last:
			n := copy(p, tr.chunk[last-behind:])
			var err error
			if n == int(behind) {
				err = tr.err // io.EOF comes with the last byte
			}
			tr.mu.Unlock()
			return n, err
		case behind > 0 && !tr.broken:
			tr.mu.Unlock()
			n, err := tr.entry.ReadAt(p[:min(int64(len(p)), behind)], r.pos)
			logRead(r.req.NetLog, n)
			if n > 0 {
				return n, nil
			}
			logDamage(r.req.NetLog, err)
			r.goOn()
		case behind > 0:
			tr.mu.Unlock()
			r.goOn()
		case tr.err != nil:
			err := tr.err
			tr.mu.Unlock()
			if err != io.EOF && r.ctx.Err() != nil {
				err = neterr.FromContext(r.ctx)
			}
			return 0, err
		case tr.reading:
			wake := tr.waitChan()
			tr.mu.Unlock()
			if err := r.wait(wake); err != nil {
				return 0, err
			}
		default:
			tr.reading, tr.chunk = true, nil
			alone := tr.readers == 1
			if alone {
				tr.driver = r
			}
			tr.mu.Unlock()
			if n, err := r.readNetwork(p, alone); n > 0 {
				return n, err
			}
		}
	}
	return r.own.Load().Read(p)
}

// readNetwork reads once for all: if it is alone, into p, and n is how much of that. Who may
// have to leave in the middle does not read on its own goroutine while there are others:
// they need what comes.
func (r *reader) readNetwork(p []byte, alone bool) (n int, err error) {
	tr, ctx := r.tr, r.ctx
	switch {
	case alone:
		if ctx.Done() != nil {
			r.watch()
		}
		return tr.drive(p)
	case ctx.Done() == nil || !tr.t.readBehind(tr):
		tr.next()
	}
	return 0, nil
}

// watch has the end of the reader's context interrupt the transfer.
func (r *reader) watch() {
	if r.unwatch.Load() != nil {
		if r.ctx.Err() != nil { // which may have been before the transfer was driven
			r.tr.interrupt()
		}
		return
	}
	stop := context.AfterFunc(r.ctx, r.tr.interrupt)
	r.unwatch.Store(&stop)
	if r.left.Load() {
		r.release() // Close may have come before
	}
}

func (r *reader) wait(wake <-chan struct{}) error {
	select {
	case <-wake:
		return nil
	case <-r.ctx.Done():
		return neterr.FromContext(r.ctx)
	}
}

// goOn leaves the transfer, whose entry does not have what comes next: the rest comes from
// the origin, for this reader alone.
func (r *reader) goOn() {
	r.leave()
	b := &part{asker: r.asker, head: r.tr.head, pos: r.pos, end: r.tr.head.Length}
	if b.end < 0 {
		b.err = errLost
	}
	r.own.Store(b)
	if r.closed.Load() {
		b.Close() // Close may have come before
	}
}

func (r *reader) leave() {
	if r.left.CompareAndSwap(false, true) {
		r.release()
		r.tr.leave()
	}
}

// release frees the reader's context.
func (r *reader) release() {
	if stop := r.unwatch.Swap(nil); stop != nil {
		(*stop)()
	}
}

// Close ends the reading, also one that is under way. The transfer goes on if others read
// it.
func (r *reader) Close() error {
	r.closed.Store(true)
	r.leave()
	if b := r.own.Load(); b != nil {
		return b.Close()
	}
	return nil
}

// readAlong answers with a transfer that somebody else began.
func (c *call) readAlong(tr *transfer) *exchange.Response {
	c.req.CloseBody()
	s := found{head: tr.head, rules: tr.head.Rules}
	s.age, _ = ageAt(s.head, &s.rules, wallClock())
	c.fillStored(&s)
	info := &c.resp.Info.Cache
	info.Forward, info.Collapsed, info.Stored = c.why, true, true
	c.resp.Body = &reader{asker: c.asker, tr: tr}
	return &c.resp
}
