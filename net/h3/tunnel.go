package h3

import (
	"io"
	"net/http"
	"sync"
)

// A tunnelBody is the Body of a 2xx response to CONNECT: DATA in both directions (RFC
// 9114 section 4.4, RFC 9220).
type tunnelBody struct {
	*body
	writing sync.Mutex // one Write at a time
}

var _ io.ReadWriteCloser = (*tunnelBody)(nil)

// Write sends p. It waits while the peer's windows are closed, and may be called while
// another goroutine reads.
func (t *tunnelBody) Write(p []byte) (int, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	buf := newDataBuffer()
	defer buf.free()
	sent := 0
	for sent < len(p) {
		n := copy(buf.data(), p[sent:])
		if _, err := t.st.qs.Write(buf.frame(n)); err != nil {
			return sent, t.broken(err)
		}
		sent += n
	}
	return sent, nil
}

// broken is why nothing can be written any more.
func (t *tunnelBody) broken(err error) error {
	t.mu.Lock()
	closed := t.closed
	t.mu.Unlock()
	if closed {
		return http.ErrBodyReadAfterClose
	}
	return t.st.failure(err)
}

// CloseWrite ends the sending direction: the peer reads the end and can still send.
func (t *tunnelBody) CloseWrite() error {
	t.st.endLocal()
	return nil
}
