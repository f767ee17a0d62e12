package mem

import (
	"io"
	"slices"
	"unsafe"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// maxChunk is the most that a chunk is made larger than what is written into it.
const maxChunk = 64 << 10

// A body is what there is of one: chunks in order, not overlapping.
type body []chunk

// A chunk is a part of a body with room to grow.
type chunk struct {
	off   int64
	data  []byte
	grows bool // in place, for nobody else has it
}

func (c *chunk) end() int64 { return c.off + int64(len(c.data)) }

// spare is how many bytes come in without a new chunk.
func (c *chunk) spare() int {
	if !c.grows {
		return 0
	}
	return cap(c.data) - len(c.data)
}

func (b body) extents(to []store.Extent) []store.Extent {
	first := len(to)
	for i := range b {
		if last := len(to) - 1; last >= first && to[last].End() == b[i].off {
			to[last].Len += int64(len(b[i].data))
		} else {
			to = append(to, store.Extent{Off: b[i].off, Len: int64(len(b[i].data))})
		}
	}
	return to
}

func (b body) readAt(p []byte, off int64) (n int, err error) {
	for i := b.find(off); n < len(p); i++ {
		if i == len(b) {
			return n, io.EOF
		}
		c := &b[i]
		if c.off > off {
			return n, errHole
		}
		k := copy(p[n:], c.data[off-c.off:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// lend is the rest of the chunk that has off.
func (b body) lend(off int64) ([]byte, error) {
	i := b.find(off)
	switch {
	case i == len(b):
		return nil, io.EOF
	case b[i].off > off:
		return nil, errHole
	}
	p := b[i].data[off-b[i].off:]
	return p[:len(p):len(p)], nil
}

var errHole = &neterr.Error{Code: neterr.CacheReadFailure, Op: "read a part of a cache entry that is not there"}

// find is the index of the first chunk that ends behind off.
func (b body) find(off int64) int {
	i, _ := slices.BinarySearchFunc(b, off, func(c chunk, off int64) int {
		if c.end() <= off {
			return -1
		}
		return 1
	})
	return i
}

// A plan is how bytes come into a body: some of them into the chunk before, the rest,
// if any, into a new one.
type plan struct {
	at    int // where in the body the new chunk comes
	spare int // bytes that the chunk before takes
	size  int // of the new chunk; 0 is none
}

// plan says how n bytes come in at off. length is what the whole body will have, or
// less if that is unknown. ok is false where something is already.
func (b body) plan(n int, off, length int64) (p plan, ok bool) {
	p.at = b.find(off)
	if p.at < len(b) && b[p.at].off < off+int64(n) {
		return plan{}, false
	}
	if p.at > 0 && b[p.at-1].end() == off {
		p.spare = min(b[p.at-1].spare(), n)
	}
	rest := n - p.spare
	if rest == 0 {
		return p, true
	}
	var ahead int64 // how much is likely to follow off without a gap
	switch {
	case p.at < len(b):
		ahead = b[p.at].off - off
	case length > off:
		ahead = length - off
	case p.at > 0:
		ahead = off - b[0].off // as much again
	}
	p.size = max(rest, int(min(ahead-int64(p.spare), maxChunk)))
	return p, true
}

// write carries a plan out.
func (b body) write(p plan, data []byte, off int64) body {
	if p.spare > 0 {
		c := &b[p.at-1]
		c.data = append(c.data, data[:p.spare]...)
	}
	if p.size == 0 {
		return b
	}
	data, off = data[p.spare:], off+int64(p.spare)
	var into []byte // append does not clear what it fills
	if p.size > len(data) {
		into = make([]byte, 0, p.size)
	}
	return slices.Insert(b, p.at, chunk{off: off, data: append(into, data...)[:len(data):p.size], grows: true})
}

// own is a copy whose chunks do not grow: what follows them may be somebody else's.
func (b body) own() body {
	b = slices.Clone(b)
	for i := range b {
		b[i].grows = false
	}
	return b
}

func (b body) size() int64 {
	n := int64(len(b)) * chunkSize
	for i := range b {
		n += int64(cap(b[i].data))
	}
	return n
}

const chunkSize = int64(unsafe.Sizeof(chunk{}))
