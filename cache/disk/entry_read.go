package disk

import (
	"io"
	"sync"

	"github.com/kaon-net/kaon/net/neterr"
)

func (e *entry) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, &neterr.Error{Code: neterr.InvalidArgument, Op: "read a cache entry before its begin"}
	}
	for n < len(p) && err == nil {
		var k int
		k, err = e.readSome(p[n:], off+int64(n))
		n += k
	}
	return n, err
}

// readSome reads from one run.
func (e *entry) readSome(p []byte, off int64) (int, error) {
	e.mu.RLock()
	if err := e.usable(); err != nil {
		e.mu.RUnlock()
		return 0, err
	}
	i := findRun(e.runs, off)
	if i == len(e.runs) {
		e.mu.RUnlock()
		return 0, io.EOF
	}
	r, body := e.runs[i], e.body
	if r.off > off {
		e.mu.RUnlock()
		return 0, errHole
	}
	if body == nil {
		n := copy(p, e.mem[r.at+off-r.off:r.at+r.len])
		e.mu.RUnlock()
		return n, nil
	}
	e.mu.RUnlock()
	n, err := e.readBody(body, &r, p, off-r.off)
	if err != nil {
		clear(p) // there may be bytes of unknown origin in it
	}
	return n, err
}

var errHole = &neterr.Error{Code: neterr.CacheReadFailure, Op: "read a part of a cache entry that is not there"}

// maxRead is how many chunks are read at once, where there is room for them.
const maxRead = 16

// readBody reads from the run of a file: into p, if that has room for whole chunks, since
// nothing less can be checked.
func (e *entry) readBody(f *body, r *run, p []byte, rel int64) (int, error) {
	where, n, sum := r.chunk(rel)
	if err := e.gather.flush(&e.store.bodies, f, max(where+n, r.at+rel+int64(len(p)))); err != nil {
		return 0, err
	}
	skip := rel - (where - r.at)
	if skip > 0 || int64(len(p)) < n {
		return e.part.read(e, f, p, where, n, skip, sum)
	}
	var sums [maxRead]uint32
	var ends [maxRead]int64
	chunks := 0
	for end := int64(0); chunks < maxRead && rel+end < r.len; chunks++ {
		_, n, sum := r.chunk(rel + end)
		if end += n; end > int64(len(p)) {
			break
		}
		sums[chunks], ends[chunks] = sum, end
	}
	p = p[:ends[chunks-1]]
	if err := e.readFile(f, p, where); err != nil {
		return 0, err
	}
	begin := int64(0)
	for i := range chunks {
		if checksum(p[begin:ends[i]]) != sums[i] {
			return 0, e.damaged()
		}
		begin = ends[i]
	}
	return len(p), nil
}

// readFile fills p.
func (e *entry) readFile(f *body, p []byte, where int64) error {
	n, err := f.file.ReadAt(p, where)
	switch {
	case n == len(p):
		return nil
	case isEOF(err):
		return e.damaged()
	case e.store.closed.Load():
		return errClosed
	}
	return &neterr.Error{Code: neterr.CacheReadFailure, Op: "read a cache entry", Err: err}
}

// damaged deletes the entry: it would be no better the next time.
func (e *entry) damaged() error {
	e.store.remove(e.hash, &slot{id: e.id})
	return &neterr.Error{Code: neterr.CacheChecksumMismatch, Op: "read a cache entry"}
}

// A part is a chunk that was read and checked, for those who read less at a time.
type part struct {
	mu  sync.Mutex // held while the chunk is read: who wants the same one waits for it
	buf *buffer
	at  int64 // in the file
	n   int64 // bytes of buf that are right
}

// read gives out what is skip bytes behind the begin of a chunk of n bytes.
func (pt *part) read(e *entry, f *body, p []byte, where, n, skip int64, sum uint32) (int, error) {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	if pt.buf == nil {
		pt.buf = getBuffer(chunkSize)
	}
	if pt.at != where || pt.n < n {
		pt.n = 0
		b := pt.buf.b[:n]
		if err := e.readFile(f, b, where); err != nil {
			return 0, err
		}
		if checksum(b) != sum {
			return 0, e.damaged()
		}
		pt.at, pt.n = where, n
	}
	return copy(p, pt.buf.b[skip:n]), nil
}

func (pt *part) free() {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	if pt.buf != nil {
		pt.buf.put()
	}
	pt.buf, pt.n = nil, 0
}
