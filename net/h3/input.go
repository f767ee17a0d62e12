package h3

import (
	"io"
	"sync"

	"github.com/quic-go/quic-go/quicvarint"
)

// inputSize is what is read ahead on a stream. A usual response head fits in.
const inputSize = 4 << 10

var inputBuffers = sync.Pool{New: func() any { return new([inputSize]byte) }}

// An input reads a stream's frames.
type input struct {
	src     io.Reader
	buf     *[inputSize]byte
	r, w    int
	err     error // what comes after the buffered bytes
	useless int   // frames that were for nothing
	total   int64 // bytes that came
}

func (in *input) init(src io.Reader) {
	in.src, in.buf = src, inputBuffers.Get().(*[inputSize]byte)
}

// free gives the buffer back: nothing can be read any more.
func (in *input) free() {
	if in.buf != nil {
		inputBuffers.Put(in.buf)
		in.buf, in.r, in.w = nil, 0, 0
		in.err = io.ErrClosedPipe
	}
}

// atEnd reports whether it is known that nothing follows.
func (in *input) atEnd() bool { return in.r == in.w && in.err == io.EOF }

// fill reads once, behind what is buffered.
func (in *input) fill() error {
	if in.err != nil {
		return in.err
	}
	if in.r == in.w {
		in.r, in.w = 0, 0
	} else if in.w == len(in.buf) {
		in.w = copy(in.buf[:], in.buf[in.r:in.w])
		in.r = 0
	}
	n, err := in.src.Read(in.buf[in.w:])
	in.w += n
	in.total += int64(n)
	in.err = err
	if n == 0 && err == nil {
		in.err = io.ErrNoProgress
	}
	if n == 0 {
		return in.err
	}
	return nil
}

// Read reads what is buffered or, if nothing is, past the buffer.
func (in *input) Read(p []byte) (int, error) {
	if in.r < in.w {
		n := copy(p, in.buf[in.r:in.w])
		in.r += n
		return n, nil
	}
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.src.Read(p)
	in.total += int64(n)
	in.err = err
	if n > 0 {
		err = nil
	}
	return n, err
}

// varint reads an integer (RFC 9000 section 16). An end before its first byte is io.EOF,
// one within it io.ErrUnexpectedEOF.
func (in *input) varint() (uint64, error) {
	for {
		if have := in.w - in.r; have > 0 && have >= 1<<(in.buf[in.r]>>6) {
			v, n, err := quicvarint.Parse(in.buf[in.r:in.w])
			in.r += n
			return v, err
		}
		if err := in.fill(); err != nil {
			if err == io.EOF && in.r < in.w {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
}

// frame reads a frame's header. An end of the stream is io.EOF between frames only.
func (in *input) frame() (typ, length uint64, err error) {
	if typ, err = in.varint(); err != nil {
		return 0, 0, cutFrame(err)
	}
	if length, err = in.varint(); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return typ, length, cutFrame(err)
}

func cutFrame(err error) error {
	if err == io.ErrUnexpectedEOF {
		return violated(codeFrameError, "the stream ends within a frame")
	}
	return err
}

// take returns the next n bytes in one piece, valid until the next read. Memory is taken
// as they come, not as they are promised.
func (in *input) take(n int) ([]byte, error) {
	if n <= len(in.buf) {
		for in.w-in.r < n {
			if err := in.fill(); err != nil {
				return nil, within(err)
			}
		}
		p := in.buf[in.r : in.r+n]
		in.r += n
		return p, nil
	}
	var p []byte
	for len(p) < n {
		if in.r == in.w {
			if err := in.fill(); err != nil {
				return nil, within(err)
			}
		}
		m := min(in.w-in.r, n-len(p))
		p = append(p, in.buf[in.r:in.r+m]...)
		in.r += m
	}
	return p, nil
}

// wasted counts what is of no use to anyone.
func (in *input) wasted() error {
	if in.useless++; in.useless > maxUseless {
		return violated(codeExcessiveLoad, "too many frames of no use")
	}
	return nil
}

// skip passes over the n bytes of a frame of no use.
func (in *input) skip(n uint64) error {
	if err := in.wasted(); err != nil {
		return err
	}
	for n > 0 {
		if in.r == in.w {
			if err := in.fill(); err != nil {
				return within(err)
			}
		}
		m := min(uint64(in.w-in.r), n)
		in.r += int(m)
		n -= m
	}
	return nil
}

// within is what an error means in the middle of a frame.
func within(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return cutFrame(err)
}
