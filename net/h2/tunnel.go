package h2

import (
	"io"
	"net/http"
	"sync"
)

// A tunnel is the Body of a 2xx response to CONNECT: DATA in both directions (RFC 9113
// section 8.5, RFC 8441 section 5).
type tunnel struct {
	*body
	writing sync.Mutex // one Write at a time
}

var _ io.ReadWriteCloser = (*tunnel)(nil)

func newTunnel(st *stream) *tunnel {
	c := st.c
	c.mu.Lock()
	c.addSender(st, nil)
	c.mu.Unlock()
	t := &tunnel{body: &st.body}
	st.watch()
	return t
}

// Write sends p. It waits while the peer's windows are closed, and may be called while
// another goroutine reads.
func (t *tunnel) Write(p []byte) (int, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	frame := newFrameBuffer()
	defer frame.free()
	sent := 0
	for sent < len(p) {
		n := copy(frame.data(), p[sent:])
		if err := t.st.c.sendData(t.st, frame, n, false); err != nil {
			return sent, t.broken()
		}
		sent += n
	}
	return sent, nil
}

// broken is why nothing can be written any more.
func (t *tunnel) broken() error {
	t.mu.Lock()
	closed := t.closed
	t.mu.Unlock()
	if closed {
		return http.ErrBodyReadAfterClose
	}
	c := t.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case t.st.err != nil:
		return t.st.err
	case c.send.err != nil:
		return c.send.err
	}
	return io.ErrClosedPipe
}

// CloseWrite ends the sending direction: the peer reads the end and can still send.
func (t *tunnel) CloseWrite() error {
	t.st.endLocal()
	return nil
}
