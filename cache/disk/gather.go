package disk

import "sync"

// gatherSize is how many bytes are written to a body file at once, where they come in
// smaller pieces: the system then takes larger pages for them, and is called less often.
const gatherSize = 256 << 10

// maxGathers is how many entries of a store gather at a time. The others write piece by
// piece.
const maxGathers = 64

// A gather has the last bytes of a body that are not in its file yet.
type gather struct {
	mu  sync.Mutex // held while they are written: who reads them waits for that
	buf *buffer    // nil if there are none
	at  int64      // where they go
	err error      // of the write that failed, or that what was written is gone

	closed bool
}

// write appends p to a file, now or later, and returns where it goes.
func (g *gather) write(b *bodies, f *body, p []byte) (at int64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at = f.reserve(len(p))
	if g.buf != nil && (at != g.at+int64(len(g.buf.b)) || len(g.buf.b)+len(p) > gatherSize) {
		g.end(b, f)
	}
	switch {
	case g.err != nil:
		return at, g.err
	case g.closed:
		return at, errEntryClosed
	}
	if g.buf == nil && !g.begin(b, at, len(p)) {
		g.err = b.write(f, p, at)
		return at, g.err
	}
	g.buf.b = append(g.buf.b, p...)
	return at, nil
}

// begin takes a buffer, if n bytes are few and there are not too many that have one. The
// caller holds mu.
func (g *gather) begin(b *bodies, at int64, n int) bool {
	if n > gatherSize/2 {
		return false
	}
	if b.gathers.Add(1) > maxGathers {
		b.gathers.Add(-1)
		return false
	}
	g.buf, g.at = getBuffer(gatherSize), at
	g.buf.b = g.buf.b[:0]
	return true
}

// end writes what is there. The caller holds mu.
func (g *gather) end(b *bodies, f *body) {
	if g.buf == nil {
		return
	}
	if g.err == nil {
		g.err = b.write(f, g.buf.b, g.at)
	}
	g.drop(b)
}

func (g *gather) drop(b *bodies) {
	g.buf.put()
	g.buf = nil
	b.gathers.Add(-1)
}

// flush writes what goes before an offset of the file, and more.
func (g *gather) flush(b *bodies, f *body, before int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.buf != nil && g.at < before {
		g.end(b, f)
	}
	return g.err
}

// close lets go of what was not written.
func (g *gather) close(b *bodies) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.buf != nil {
		g.err = errEntryClosed
		g.drop(b)
	}
}
