package cache

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A transfer is a body on its way from the network into an entry, and what any number of
// readers have of it meanwhile. Nothing is read that no reader waits for: the one who has
// all that is there reads on, the others wait for that. So whoever leaves, the rest go on.
//
// The last bytes are in memory, too, unless they came for one alone; who is behind those
// reads the entry.
type transfer struct {
	t         *Transport
	own       *active
	head      *store.Head // as it came; Length is what the origin said
	entry     store.Entry
	body      io.ReadCloser
	cancel    context.CancelCauseFunc // of what the body is read with
	log       netlog.Source           // of who began it
	resumable bool                    // the rest can be asked for later, if the head has what that takes
	probe     [1]byte
	fresh     []byte // what came last, while the network is read

	earlier, later *transfer // whose network is read as well; guarded by the Transport's mutex

	mu      sync.Mutex // guards what follows
	readers int
	reading bool          // somebody reads the network: body and buffer are theirs
	driver  *reader       // who does, if it was alone when it began to; nil else
	ending  bool          // the driver's context has ended, and with it the transfer
	wake    chan struct{} // closed when that has ended; nil while nobody waits
	buffer  *[]byte
	chunk   []byte // the last bytes that came, up to have
	have    int64  // bytes that came
	broken  bool   // the entry could not be written: only chunk is there
	err     error  // how the body ended: io.EOF is well
}

// start lets others take part, and find the transfer under key. One without a body ends
// with that.
func (tr *transfer) start(key *store.Key) {
	empty := tr.head.Length == tr.have
	tr.reading = empty
	tr.t.active.share(tr.own, key, tr)
	if empty {
		tr.next()
	}
}

// join adds a reader, if there is something to read along.
func (tr *transfer) join() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.err != nil || tr.broken || tr.ending || tr.readers == 0 {
		return false
	}
	tr.readers++
	return true
}

// leave takes a reader away. With the last one the transfer ends: what came is kept if
// the rest can be asked for later.
func (tr *transfer) leave() {
	tr.mu.Lock()
	tr.readers--
	last := tr.readers == 0
	idle := last && !tr.reading
	ended := tr.err != nil
	unwanted := tr.isUnwanted()
	if idle && !ended {
		tr.reading = true
	}
	tr.notify()
	tr.mu.Unlock()
	switch {
	case idle && ended:
		tr.free()
	case idle:
		tr.ended(0, neterr.Aborted)
	case last, unwanted:
		tr.cancel(neterr.Aborted) // who reads ends it
	}
}

// drive is next for a reader that is alone, on its own goroutine. If its context ends
// meanwhile, so does the transfer; if others have come by then, the reader has to wait for
// the next bytes, which they need.
//
// Unless p is so small that the entry would be written in crumbs, what comes goes into it,
// n bytes, and the others find it in the entry. err is io.EOF if they are the last.
func (tr *transfer) drive(p []byte) (n int, err error) {
	if tr.t.beginRead(tr) {
		defer tr.t.endRead(tr)
	}
	if rest := tr.head.Length - tr.have; len(p) < minDirect && (rest <= 0 || rest > int64(len(p))) {
		tr.next()
		return 0, nil
	}
	n, err = tr.step(p[:min(len(p), bufferSize)])
	tr.ended(n, err)
	if err != io.EOF {
		err = nil // of which the next Read tells
	}
	return n, err
}

// minDirect is how long a reader's own buffer is at least that the network is read into.
const minDirect = 4 << 10

// interrupt is called when a reader's context has ended.
func (tr *transfer) interrupt() {
	tr.mu.Lock()
	unwanted := tr.isUnwanted()
	tr.mu.Unlock()
	if unwanted {
		tr.cancel(neterr.Aborted)
	}
}

// isUnwanted reports whether the network is read by one whose context has ended, and for
// nobody else; then nobody else comes any more. The lock is held.
func (tr *transfer) isUnwanted() bool {
	if tr.readers == 1 && tr.driver != nil && tr.driver.ctx.Err() != nil {
		tr.ending = true
	}
	return tr.ending
}

// progress reports whether all has come, and returns what is closed when more has.
func (tr *transfer) progress() (ended bool, wake <-chan struct{}) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.err != nil, tr.waitChan()
}

// waitChan is closed at the next change. The lock is held.
func (tr *transfer) waitChan() chan struct{} {
	if tr.wake == nil {
		tr.wake = make(chan struct{})
	}
	return tr.wake
}

// notify wakes who waits. The lock is held.
func (tr *transfer) notify() {
	if tr.wake != nil {
		close(tr.wake)
		tr.wake = nil
	}
}

// next reads once from the network. Its caller has set reading.
func (tr *transfer) next() { tr.ended(tr.step(nil)) }

// nextBehind is next on a goroutine of its own, which can wait for the end, too, once it
// has handed out the last bytes: some bodies say later that they have ended.
func (tr *transfer) nextBehind() {
	n, err := tr.step(nil)
	if err == nil && tr.have+int64(n) == tr.head.Length {
		tr.mu.Lock()
		tr.add(n)
		tr.mu.Unlock()
		n, err = tr.step(nil)
	}
	tr.ended(n, err)
}

// step reads into p, or else into the buffer, and writes to the entry what came.
func (tr *transfer) step(p []byte) (int, error) {
	direct := p != nil
	if !direct {
		p = tr.ownBuffer()
	}
	n, err := tr.fill(p)
	if n > 0 && !tr.broken {
		logWrite(tr.log, n)
		if _, werr := tr.entry.WriteAt(p[:n], tr.have); werr != nil {
			tr.breakOff()
		}
	}
	switch {
	case !direct:
		tr.fresh = p[:n]
	case tr.broken: // those who have come meanwhile find it nowhere else
		tr.fresh = append(tr.ownBuffer()[:0], p[:n]...)
	default:
		tr.fresh = nil
	}
	return n, err
}

func (tr *transfer) ownBuffer() []byte {
	if tr.buffer == nil {
		tr.buffer = getBuffer()
	}
	return *tr.buffer
}

// fill reads what there is. Behind the length that the origin said there must be the end.
func (tr *transfer) fill(p []byte) (n int, err error) {
	length := tr.head.Length
	if length == tr.have {
		if n, err = readSome(tr.body, tr.probe[:]); n > 0 {
			return 0, errTooLong
		}
	} else {
		if length >= 0 {
			p = p[:min(int64(len(p)), length-tr.have)]
		}
		n, err = readSome(tr.body, p)
	}
	switch {
	case err == io.EOF && length >= 0 && tr.have+int64(n) != length:
		err = &neterr.Error{Code: neterr.ContentLengthMismatch, Op: "read a response body"}
	case err != io.EOF:
		err = neterr.From(err)
	}
	return n, err
}

var errTooLong = &neterr.Error{Code: neterr.ContentLengthMismatch, Op: "read a response body", Err: errors.New("it is longer than it said")}

// readSome reads something or fails.
func readSome(r io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// breakOff gives the entry up. Who reads goes on with what comes from the network; those
// who are behind ask the origin for themselves.
func (tr *transfer) breakOff() {
	logDoom(tr.log)
	_ = tr.entry.Delete(context.Background()) // it was never there, or is damaged and not found
	tr.t.active.end(tr.own, again)
	tr.mu.Lock()
	tr.broken = true
	tr.mu.Unlock()
}

// add hands out the bytes that came. The lock is held.
func (tr *transfer) add(n int) {
	tr.chunk = tr.fresh
	tr.have += int64(n)
	tr.notify()
}

// ended says what came of a read: n bytes, and how the body ended if it has.
func (tr *transfer) ended(n int, err error) {
	if err != nil {
		tr.body.Close()
		tr.cancel(nil)
		tr.settle(tr.have+int64(n), err)
	}
	tr.mu.Lock()
	if n > 0 || err == nil {
		tr.add(n)
	}
	abandoned := tr.readers == 0
	tr.reading, tr.err, tr.driver = abandoned && err == nil, err, nil
	tr.notify()
	tr.mu.Unlock()
	switch {
	case abandoned && err == nil:
		tr.ended(0, neterr.Aborted)
	case abandoned:
		tr.free()
	}
}

// settle decides what of the entry stays. A body that nobody wanted to see the end of is
// whole with its last byte.
func (tr *transfer) settle(have int64, err error) {
	h := tr.head
	switch {
	case tr.broken:
		return // it is gone already
	case err == io.EOF, have == h.Length && neterr.CodeOf(err) == neterr.Aborted:
		h = finished(h, store.Complete, have)
	case have > 0 && have < h.Length && tr.resumable && isResumable(h):
		h = finished(h, store.Truncated, h.Length)
	default:
		tr.t.active.end(tr.own, again)
		return
	}
	tr.t.commit(context.Background(), tr.own, tr.entry, h, tr.log)
}

// finished is a head with another state and length.
func finished(h *store.Head, state store.State, length int64) *store.Head {
	if h.State == state && h.Length == length {
		return h
	}
	other := *h
	other.State, other.Length = state, length
	return &other
}

// commit stores an entry, unless it was doomed meanwhile, and ends the work on its key.
func (t *Transport) commit(ctx context.Context, own *active, e store.Entry, h *store.Head, log netlog.Source) {
	if own.doomed.Load() {
		_ = e.Delete(ctx)
		t.active.end(own, again)
		return
	}
	e.SetHead(h)
	err := e.Commit(ctx)
	logCommit(log, err)
	// Doomed before this and committed after: then it is not to be found either.
	if doomed := t.active.end(own, again); doomed || err != nil {
		_ = e.Delete(ctx)
	}
}

// free ends the transfer's hold on the entry, when nobody reads any more.
func (tr *transfer) free() {
	tr.entry.Close()
	if tr.buffer != nil {
		putBuffer(tr.buffer)
		tr.buffer, tr.chunk = nil, nil
	}
}

// isResumable reports whether the rest of a body can be asked for later, under what
// conditions Chromium does.
func isResumable(h *store.Head) bool {
	v := validatorsOf(h.Proto, h.Header)
	return v.strong && !h.Header.Has("Content-Encoding") && !exchange.HasToken(h.Header.Get("Accept-Ranges"), "none")
}

const bufferSize = 32 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

func getBuffer() *[]byte  { return buffers.Get().(*[]byte) }
func putBuffer(b *[]byte) { buffers.Put(b) }
