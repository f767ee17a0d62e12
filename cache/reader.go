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
	c  *call
	tr *transfer

	left   atomic.Bool // it takes part no more
	closed atomic.Bool
	unbind atomic.Pointer[func() bool] // its context interrupts the transfer no more; nil: it does not

	mu    sync.Mutex // guards what follows; held while one reads
	pos   int64
	err   error
	alone bool // the transfer has nothing more for it
	own   part // what it reads then
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
	for !r.alone {
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
			logRead(r.c.req.NetLog, n)
			if n > 0 {
				return n, nil
			}
			logDamage(r.c.req.NetLog, err)
			r.goOn()
		case behind > 0:
			tr.mu.Unlock()
			r.goOn()
		case tr.err != nil:
			err := tr.err
			tr.mu.Unlock()
			if err != io.EOF && r.c.ctx.Err() != nil {
				err = neterr.FromContext(r.c.ctx)
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
			r.readNetwork(alone)
		}
	}
	return r.own.Read(p)
}

// readNetwork reads once for all. Who may have to leave in the middle does not read on its
// own goroutine while there are others: they need what comes.
func (r *reader) readNetwork(alone bool) {
	tr, ctx := r.tr, r.c.ctx
	switch {
	case alone:
		if ctx.Done() != nil && r.unbind.Load() == nil {
			stop := context.AfterFunc(ctx, tr.interrupt)
			r.unbind.Store(&stop)
			if r.left.Load() {
				r.release() // Close may have come before
			}
		}
		tr.drive()
	case ctx.Done() == nil || !tr.t.readBehind(tr):
		tr.next()
	}
}

func (r *reader) wait(wake <-chan struct{}) error {
	select {
	case <-wake:
		return nil
	case <-r.c.ctx.Done():
		return neterr.FromContext(r.c.ctx)
	}
}

// goOn leaves the transfer, whose entry does not have what comes next: the rest comes from
// the origin, for this reader alone.
func (r *reader) goOn() {
	r.leave()
	r.alone = true
	r.own.mu.Lock()
	defer r.own.mu.Unlock()
	r.own.c, r.own.head, r.own.pos, r.own.end = r.c, r.tr.head, r.pos, r.tr.head.Length
	if r.own.end < 0 {
		r.own.err = errLost
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
	if stop := r.unbind.Swap(nil); stop != nil {
		(*stop)()
	}
}

// Close ends the reading, also one that is under way. The transfer goes on if others read
// it.
func (r *reader) Close() error {
	r.closed.Store(true)
	r.leave()
	return r.own.Close()
}

// readAlong answers with a transfer that somebody else began.
func (c *call) readAlong(tr *transfer) *exchange.Response {
	c.req.CloseBody()
	s := found{head: tr.head, rules: tr.head.Rules}
	s.age, _ = ageAt(s.head, &s.rules, wallClock())
	c.fillStored(&s)
	info := &c.resp.Info.Cache
	info.Forward, info.Collapsed, info.Stored = c.why, true, true
	c.resp.Body = &reader{c: c, tr: tr}
	return &c.resp
}
