package cache

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A part is the body of a response that comes out of an entry, from pos to end. What the
// entry does not have, or has damaged, comes from the origin if that still has the same
// version: then the part is one that fills the entry, or one that is read past it.
//
// The zero part is an empty body.
type part struct {
	asker
	stop atomic.Pointer[context.CancelFunc] // ends what is read from the network

	mu       sync.Mutex // guards what follows; held while one reads, which Close ends
	entry    store.Entry
	head     *store.Head
	pos, end int64
	closed   bool
	err      error // what every Read says from now on

	net             io.ReadCloser // where the bytes from netFrom to netEnd come from; nil is the entry
	netFrom, netEnd int64

	filling bool           // what comes from the network goes into the entry
	extents []store.Extent // of a filling part: what the entry had
	own     *active        // of a filling part: its place in the table
}

// Read reads on, from wherever the next bytes are.
func (b *part) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return 0, b.err
	case b.closed:
		return 0, errBodyClosed
	case b.pos >= b.end:
		b.finish(io.EOF)
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n, err := b.read(p[:min(int64(len(p)), b.end-b.pos)])
	b.pos += int64(n)
	switch {
	case b.pos == b.end:
		err = io.EOF
		b.finish(err)
	case err != nil:
		b.finish(err)
	}
	return n, err
}

var errBodyClosed = &neterr.Error{Code: neterr.Aborted, Op: "read a response body", Err: errors.New("the body is closed")}

// read reads at pos. It returns bytes or an error.
func (b *part) read(p []byte) (int, error) {
	for {
		if b.net != nil && b.pos >= b.netFrom {
			n, err := b.readNet(p[:min(int64(len(p)), b.netEnd-b.pos)])
			if n > 0 || err != nil {
				return n, err
			}
			continue
		}
		have := b.end
		if b.filling {
			if have = reach(b.extents, b.pos); have == b.pos {
				if err := b.fetch(gapEnd(b.extents, b.pos, b.end)); err != nil {
					return 0, err
				}
				continue
			}
		}
		if b.entry == nil {
			if err := b.fetch(b.end); err != nil {
				return 0, err
			}
			continue
		}
		n, err := b.entry.ReadAt(p[:min(int64(len(p)), have-b.pos)], b.pos)
		logRead(b.req.NetLog, n)
		if n > 0 {
			return n, nil
		}
		logDamage(b.req.NetLog, err)
		b.lose()
	}
}

// errLost is what reading ends with where the entry turned out to be damaged, or could not
// be written, and the origin does not have the same bytes.
var errLost = &neterr.Error{Code: neterr.CacheReadFailure, Op: "read a cache entry"}

// readNet reads what the origin sends, and keeps it if the part is filling.
func (b *part) readNet(p []byte) (int, error) {
	n, err := b.net.Read(p)
	if n > 0 && b.filling {
		logWrite(b.req.NetLog, n)
		if _, werr := b.entry.WriteAt(p[:n], b.pos); werr != nil {
			b.lose()
		} else {
			b.extents = addExtent(b.extents, store.Extent{Off: b.pos, Len: int64(n)})
		}
	}
	if b.pos+int64(n) == b.netEnd {
		b.hangUp()
		return n, nil
	}
	if err == io.EOF {
		err = &neterr.Error{Code: neterr.ContentLengthMismatch, Op: "read a part"}
	}
	return n, err
}

// fetch asks the origin for what is there from pos to to.
func (b *part) fetch(to int64) error {
	ctx, cancel := context.WithCancel(b.ctx)
	b.stop.Store(&cancel)
	resp, changed, err := b.askPart(ctx, b.head, b.pos, to)
	if changed {
		b.lose()
	}
	if err != nil {
		cancel()
		return err
	}
	b.net, b.netFrom, b.netEnd = resp.Body, b.pos, to
	return nil
}

// lose takes the entry away, so that all that is missing comes from the network.
func (b *part) lose() {
	if b.entry != nil {
		logDoom(b.req.NetLog)
		_ = b.entry.Delete(context.WithoutCancel(b.ctx)) // a damaged one is not found either
		b.entry.Close()
		b.entry = nil
	}
	b.filling, b.extents = false, nil
	if b.pos < b.netFrom {
		b.hangUp() // what is missing now begins before it
	}
}

func (b *part) hangUp() {
	if b.net != nil {
		b.net.Close()
		b.net = nil
	}
	if stop := b.stop.Swap(nil); stop != nil {
		(*stop)()
	}
}

// finish ends the part. A filled entry is committed with what it has now.
func (b *part) finish(err error) {
	b.err = err
	b.hangUp()
	if b.filling {
		b.commit()
	}
	if b.entry != nil {
		b.entry.Close()
		b.entry = nil
	}
	if b.own != nil {
		b.t.active.end(b.own, again)
		b.own = nil
	}
}

// commit stores what the entry has: the whole, or parts.
func (b *part) commit() {
	h := *b.head
	h.State = store.Sparse
	if covered(b.extents, 0, h.Length) {
		h.State = store.Complete
	}
	b.t.commit(context.WithoutCancel(b.ctx), b.own, b.entry, &h, b.req.NetLog)
}

// Close ends the reading, also one that is under way.
func (b *part) Close() error {
	if stop := b.stop.Load(); stop != nil {
		(*stop)()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		if b.err == nil {
			b.finish(errBodyClosed)
		}
	}
	return nil
}

// askPart asks the origin for a part of the version that head is of. Anything else that
// it answers is an error; changed says that it has another version by now.
func (a *asker) askPart(ctx context.Context, head *store.Head, from, to int64) (resp *exchange.Response, changed bool, err error) {
	v := validatorsOf(head.Proto, head.Header)
	if !v.strong || head.Length < 0 || a.req.Body != nil {
		return nil, false, errLost
	}
	a.req.NetLog.Event(logResend)
	req := a.again()
	a.addRange(req, &v, from, to)
	if resp, err = a.t.next.RoundTrip(ctx, req); err != nil {
		return nil, false, err
	}
	if !isPart(resp, &v, from, to, head.Length) {
		resp.Body.Close()
		return nil, a.outdates(resp.Status) || resp.Status == 206, errLost
	}
	return resp, false, nil
}

// isPart reports whether an answer is the part that was asked for.
func isPart(resp *exchange.Response, v *validators, from, to, length int64) bool {
	if resp.Status != 206 || resp.Uncompressed || !v.sameBytes(resp.Proto, resp.Header) {
		return false
	}
	r, ok := parseContentRange(resp.Header.Get("Content-Range"))
	return ok && r == contentRange{from, to - 1, length} && (resp.ContentLength < 0 || resp.ContentLength == to-from)
}

// again is the request once more, with none of the fields that make it one for a part or a
// version.
func (a *asker) again() *exchange.Request {
	req := *a.req
	req.Header = make(exchange.Fields, 0, len(a.header)+3)
	for _, f := range a.header {
		if !exchange.EqualName(f.Name, "Range") {
			req.Header = append(req.Header, f)
		}
	}
	return &req
}

func (a *asker) addRange(req *exchange.Request, v *validators, from, to int64) {
	req.Header = append(req.Header,
		exchange.Field{Name: "Range", Value: rangeValue(from, to)},
		exchange.Field{Name: "If-Range", Value: v.ifRange()})
}
