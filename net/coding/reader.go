package coding

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/neterr"
)

// A decoder undoes one coding of what it reads from its source.
type decoder interface {
	// Read returns decoded bytes. Any error is final: io.EOF if the source came
	// to its end, even too early; the source's own; or one with a code.
	io.Reader
	// reset starts anew on another source. With nil it only lets go of the last.
	reset(src io.Reader)
}

// A reader is a body with its codings undone.
//
// state hands the decoders over between Read and a Close that may come from another
// goroutine. Whoever finds the other one gone gives them back: Close if no Read is
// under way, else that Read when it returns. Neither waits for the other but
// through body.
type reader struct {
	body     io.ReadCloser
	pool     *Pool
	state    atomic.Uint32 // busy, closed
	decoders []decoder     // the last is what the caller reads; nil once given back
	codings  []coding      // of decoders
	err      error         // what ended reading

	decoderArray [1]decoder // for the usual case
	codingArray  [1]coding
}

const (
	busy   = 1 << iota // a Read is under way
	closed             // Close was called
)

var errClosed = &neterr.Error{Code: neterr.Aborted, Op: "read", Err: errors.New("body is closed")}

func newReader(p *Pool, body io.ReadCloser, codings []coding) *reader {
	r := &reader{body: body, pool: p}
	r.decoders, r.codings = r.decoderArray[:0], r.codingArray[:0]
	var src io.Reader = body
	for i := len(codings) - 1; i >= 0; i-- {
		d := p.get(codings[i])
		d.reset(src)
		r.decoders, r.codings = append(r.decoders, d), append(r.codings, codings[i])
		src = d
	}
	return r
}

func (r *reader) Read(b []byte) (n int, err error) {
	if !r.state.CompareAndSwap(0, busy) {
		if r.state.Load()&closed != 0 {
			return 0, errClosed
		}
		return 0, &neterr.Error{Code: neterr.Unexpected, Op: "read", Err: errors.New("another Read is under way")}
	}
	if r.err == nil && len(b) > 0 {
		n, r.err = r.decoders[len(r.decoders)-1].Read(b)
	}
	err = r.err
	if err != nil {
		r.release()
	}
	if !r.state.CompareAndSwap(busy, 0) { // closed meanwhile
		r.release()
	}
	return n, err
}

func (r *reader) Close() error {
	old := r.state.Or(closed)
	err := r.body.Close() // ends a Read that waits for the peer
	if old == 0 {
		r.release()
	}
	return err
}

// release gives the decoders back. Only the holder of state may call it.
func (r *reader) release() {
	for i, d := range r.decoders {
		r.pool.put(r.codings[i], d)
		r.decoders[i] = nil
	}
	r.decoders = nil
}

// A source is what a decoder reads from. It remembers how that ended, so that the
// decoder can tell a fault below it from one in the bytes.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(b)
	s.err = err
	return n, err
}

// verdict says what a decoder's failure means to its reader.
func (s *source) verdict(err error) error {
	switch {
	case s.err != nil && s.err != io.EOF:
		return s.err
	case s.err == io.EOF && (err == io.EOF || err == io.ErrUnexpectedEOF):
		return io.EOF
	}
	return failed(neterr.ContentDecodingFailed, err)
}

// drain reads what follows the end of the coded bytes.
func (s *source) drain(buf []byte) error {
	for s.err == nil {
		_, _ = s.Read(buf)
	}
	return s.err
}

func failed(c neterr.Code, err error) error {
	return &neterr.Error{Code: c, Op: "decode", Err: err}
}
