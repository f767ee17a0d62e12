package nettest

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A stream is one direction of an in-memory connection. All waiting is on its
// condition variable, which testing/synctest counts as durably blocked: a bubble's
// clock moves on while both sides wait.
type stream struct {
	mu    sync.Mutex
	moved sync.Cond // signals any change below

	// guarded by mu
	buf         bytes.Buffer
	limit       int       // of buf in bytes; not positive is none
	eof         bool      // the writer has ended: what is in buf is the last
	readErr     error     // what the reader's calls give, once buf is empty
	readClosed  bool      // the reader has gone: nobody will take more
	writeErr    error     // what the writer's calls give
	readBefore  *deadline // nil is never
	writeBefore *deadline
}

// A deadline is replaced, not changed, so that a timer which fires late touches
// only a deadline that nobody looks at any more.
type deadline struct {
	passed bool
	timer  *time.Timer
}

func newStream(limit int) *stream {
	s := &stream{limit: limit}
	s.moved.L = &s.mu
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readClosed:
			return 0, net.ErrClosed
		case s.readBefore.isPassed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.buf.Len() > 0:
			n, _ := s.buf.Read(p)
			s.moved.Broadcast()
			return n, nil
		case s.readErr != nil:
			return 0, s.readErr
		case s.eof:
			return 0, io.EOF
		}
		s.moved.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.writeErr != nil:
			return n, s.writeErr
		case s.eof:
			return n, net.ErrClosed
		case s.readClosed:
			return n, os.NewSyscallError("write", syscall.EPIPE)
		case s.writeBefore.isPassed():
			return n, os.ErrDeadlineExceeded
		}
		chunk := p[n:]
		if room := s.limit - s.buf.Len(); s.limit > 0 && len(chunk) > room {
			chunk = chunk[:room]
		}
		if len(chunk) > 0 {
			s.buf.Write(chunk)
			n += len(chunk)
			s.moved.Broadcast()
		}
		if n == len(p) {
			return n, nil
		}
		s.moved.Wait()
	}
}

// end says that the writer writes no more.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eof = true
	s.writeBefore.stop()
	s.moved.Broadcast()
}

// abandon says that the reader reads no more.
func (s *stream) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readClosed = true
	s.readBefore.stop()
	s.buf.Reset()
	s.moved.Broadcast()
}

// fail makes the calls of one end fail once there is nothing left to read; nil
// leaves that end as it is.
func (s *stream) fail(readErr, writeErr error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if readErr != nil {
		s.readErr = readErr
	}
	if writeErr != nil {
		s.writeErr = writeErr
	}
	s.moved.Broadcast()
}

func (s *stream) setReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readClosed {
		return net.ErrClosed
	}
	s.readBefore.stop()
	s.readBefore = s.newDeadline(t)
	return nil
}

func (s *stream) setWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eof {
		return net.ErrClosed
	}
	s.writeBefore.stop()
	s.writeBefore = s.newDeadline(t)
	return nil
}

// newDeadline is called with mu held.
func (s *stream) newDeadline(t time.Time) *deadline {
	if t.IsZero() {
		return nil
	}
	d := new(deadline)
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		s.moved.Broadcast()
		return d
	}
	d.timer = time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		d.passed = true
		s.moved.Broadcast()
	})
	return d
}

func (d *deadline) isPassed() bool { return d != nil && d.passed }

func (d *deadline) stop() {
	if d != nil && d.timer != nil {
		d.timer.Stop()
	}
}
