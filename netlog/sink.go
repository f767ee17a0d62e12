package netlog

import "io"

// A sink is where a recording goes.
type sink interface {
	// begin writes what stands before the first event.
	begin(head []byte) error
	// write writes events. The batch is a queue's text: a separator, and each event
	// with a separator behind it. It is the caller's again afterwards.
	write(batch []byte) error
	// finish writes what stands behind the last event and lets go of everything.
	finish(tail []byte) error
	// abort lets go of everything after one of the others failed.
	abort()
}

// A stream writes every event at once. As it cannot take back what is written, the
// separator comes with the next event.
type stream struct {
	w       io.Writer
	c       io.Closer // may be nil
	started bool      // there is an event
}

func (s *stream) begin(head []byte) error { return writeAll(s.w, head) }

func (s *stream) write(batch []byte) error {
	b := batch[:len(batch)-len(separator)]
	if !s.started {
		b = b[len(separator):]
		s.started = true
	}
	return writeAll(s.w, b)
}

func (s *stream) finish(tail []byte) error {
	if err := writeAll(s.w, tail); err != nil {
		s.abort()
		return err
	}
	if s.c != nil {
		return s.c.Close()
	}
	return nil
}

func (s *stream) abort() {
	if s.c != nil {
		s.c.Close()
	}
}

// writeAll also notices writers that break io.Writer's contract by a short count
// without an error.
func writeAll(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}
