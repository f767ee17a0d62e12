package h2

import "sync"

// smallChunk is what a small chunk holds: many a body, and many chunks of its size
// together fit into a processor's cache.
const smallChunk = 2000

// A chunk is a piece of a body.
type chunk struct {
	r, w int
	next *chunk
	buf  []byte
}

var chunks, smallChunks = chunksOf(maxFrame), chunksOf(smallChunk)

func chunksOf(size int) *sync.Pool {
	return &sync.Pool{New: func() any { return &chunk{buf: make([]byte, size)} }}
}

func newChunk(small bool) *chunk {
	if small {
		return smallChunks.Get().(*chunk)
	}
	return chunks.Get().(*chunk)
}

func (k *chunk) free() {
	k.r, k.w, k.next = 0, 0, nil
	if len(k.buf) == smallChunk {
		smallChunks.Put(k)
	} else {
		chunks.Put(k)
	}
}
