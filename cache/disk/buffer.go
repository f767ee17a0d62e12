package disk

import "sync"

// A buffer holds bytes that are used again.
type buffer struct{ b []byte }

const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
	hugeBuffer  = gatherSize
)

var (
	smallBuffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, smallBuffer)} }}
	largeBuffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, largeBuffer)} }}
	hugeBuffers  = sync.Pool{New: func() any { return &buffer{make([]byte, 0, hugeBuffer)} }}
)

// getBuffer returns one of n bytes, of any content.
func getBuffer(n int) *buffer {
	var buf *buffer
	switch {
	case n <= smallBuffer:
		buf = smallBuffers.Get().(*buffer)
	case n <= largeBuffer:
		buf = largeBuffers.Get().(*buffer)
	case n <= hugeBuffer:
		buf = hugeBuffers.Get().(*buffer)
	default:
		return &buffer{make([]byte, n)}
	}
	buf.b = buf.b[:n]
	return buf
}

// put gives the buffer back. Nobody may have a part of it.
func (buf *buffer) put() {
	switch cap(buf.b) {
	case smallBuffer:
		smallBuffers.Put(buf)
	case largeBuffer:
		largeBuffers.Put(buf)
	case hugeBuffer:
		hugeBuffers.Put(buf)
	}
}
