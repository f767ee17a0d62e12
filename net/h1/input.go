package h1

import (
	"bytes"
	"io"
	"sync"
)

// inputSize is what a connection reads at once while it looks for heads and chunk
// lines. Bodies that are read with larger buffers bypass it.
const inputSize = 4 << 10

var inputs = sync.Pool{New: func() any { return new([inputSize]byte) }}

// An input is the buffered receiving side. It grows while a head or a line does not
// fit; an idle connection has none.
type input struct {
	src  io.Reader
	buf  []byte
	r, w int   // buf[r:w] is received and not consumed
	err  error // of src, kept until the bytes before it are consumed

	got    int64 // bytes received in all
	before int64 // of them, before the exchange under way
}

// begin is called when an exchange begins.
func (in *input) begin() { in.before = in.got }

// used returns how many bytes of the exchange were received and consumed.
func (in *input) used() int64 { return in.got - in.before - int64(in.buffered()) }

func (in *input) buffered() int { return in.w - in.r }

func (in *input) peek() []byte { return in.buf[in.r:in.w] }

func (in *input) consume(n int) {
	in.r += n
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
}

// fill reads once more from the source, behind what is buffered. It makes room
// first: by moving, then by growing.
func (in *input) fill() error {
	if in.err != nil {
		return in.err
	}
	if in.w == len(in.buf) {
		switch {
		case in.buf == nil:
			in.buf = inputs.Get().(*[inputSize]byte)[:]
		case in.r > 0:
			in.w = copy(in.buf, in.peek())
			in.r = 0
		default:
			grown := make([]byte, 2*len(in.buf))
			n := copy(grown, in.peek())
			in.free()
			in.buf, in.w = grown, n
		}
	}
	n, err := in.src.Read(in.buf[in.w:])
	in.w += n
	in.got += int64(n)
	if n > 0 && err == nil {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	in.err = err
	if n > 0 {
		return nil
	}
	return err
}

// read gives up to len(p) bytes: buffered ones first, else straight from the source
// into p when p is the larger buffer.
func (in *input) read(p []byte) (int, error) {
	if in.buffered() == 0 {
		if in.err != nil {
			return 0, in.err
		}
		if len(p) >= inputSize {
			n, err := in.src.Read(p)
			in.got += int64(n)
			if err != nil {
				in.err = err
				if n > 0 {
					err = nil
				}
			}
			return n, err
		}
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.peek())
	in.consume(n)
	return n, nil
}

// line returns the next line without its LF or CR LF and consumes it. more is
// false if no whole line is buffered; the caller fills and asks again.
func (in *input) line() (line []byte, more bool) {
	i := bytes.IndexByte(in.peek(), '\n')
	if i < 0 {
		return nil, false
	}
	line = in.peek()[:i]
	// Not consume: it may rewind the indices while line is still looked at, which
	// is harmless, as nothing writes before the next fill.
	in.consume(i + 1)
	return bytes.TrimSuffix(line, []byte{'\r'}), true
}

// isLast reports whether n bytes are buffered and no more, in a buffer of usual size.
func (in *input) isLast(n int64) bool {
	return int64(in.buffered()) == n && len(in.buf) == inputSize
}

// cede gives such a buffer away. The bytes, which end at end, are consumed.
func (in *input) cede() (buf *[inputSize]byte, end int) {
	buf, end = (*[inputSize]byte)(in.buf), in.w
	in.buf, in.r, in.w = nil, 0, 0
	return buf, end
}

// rest frees a buffer that holds nothing.
func (in *input) rest() {
	if in.buffered() == 0 {
		in.free()
	}
}

func (in *input) free() {
	if len(in.buf) == inputSize {
		inputs.Put((*[inputSize]byte)(in.buf))
	}
	in.buf, in.r, in.w = nil, 0, 0
}
