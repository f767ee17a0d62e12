package h2

import (
	"io"
	"net"
)

// readBuffer is what one read takes at most. It holds any frame that must be seen
// whole.
const readBuffer = 64 << 10

// An input is the receiving side's buffer.
type input struct {
	src    net.Conn
	before func() // called before each read, which may block; nil is none
	after  func() // called after it
	buf    []byte
	r, w   int
}

func (in *input) buffered() int { return in.w - in.r }

// fill reads once. At the end of the peer's bytes it returns io.EOF.
func (in *input) fill() error {
	if in.before != nil {
		in.before()
	}
	if in.buf == nil {
		in.buf = make([]byte, readBuffer)
	}
	if in.r == in.w {
		in.r, in.w = 0, 0
	} else if in.w == len(in.buf) {
		in.w = copy(in.buf, in.buf[in.r:in.w])
		in.r = 0
	}
	n, err := in.src.Read(in.buf[in.w:])
	in.w += n
	if n > 0 {
		in.after()
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress // a Read may do so, but then it must not go on for ever
	}
	return err
}

// take returns the next n bytes in one piece, valid until the next fill. n is at most
// readBuffer.
func (in *input) take(n int) ([]byte, error) {
	p, err := in.peek(n)
	in.r += len(p)
	return p, err
}

// peek is take, but the bytes stay.
func (in *input) peek(n int) ([]byte, error) {
	for in.buffered() < n {
		if in.r+n > len(in.buf) && in.r > 0 {
			in.w = copy(in.buf, in.buf[in.r:in.w])
			in.r = 0
		}
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
	return in.buf[in.r : in.r+n], nil
}

// some returns between 1 and n of the next bytes, without copying them.
func (in *input) some(n int) ([]byte, error) {
	if in.buffered() == 0 {
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
	return in.take(min(n, in.buffered()))
}

// Read is for the Framer.
func (in *input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := in.some(len(p))
	return copy(p, b), err
}

// discard skips n bytes.
func (in *input) discard(n int) error {
	for n > 0 {
		b, err := in.some(n)
		if err != nil {
			return err
		}
		n -= len(b)
	}
	return nil
}
