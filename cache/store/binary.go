package store

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"

	"github.com/kaon-net/kaon/net/neterr"
)

// MaxHead and MaxKey are how many bytes a head and a key may take in binary form.
// ParseHead and ParseKey refuse more, AppendKey does too.
const (
	MaxHead = 1 << 20
	MaxKey  = 1 << 20
)

func appendString[S ~string](b []byte, s S) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// A reader takes a binary form apart. What it gives out are parts of one string. After
// the first thing that cannot be it gives out zeros, and err says what it was.
type reader struct {
	rest string
	err  error
}

// read begins with s.
func read(s string, limit int) *reader {
	r := &reader{}
	if len(s) > limit {
		r.fail("it is too long")
		return r
	}
	r.rest = s
	return r
}

// close returns what went wrong, op being what was tried.
func (r *reader) close(op string) error {
	if r.err == nil && r.rest != "" {
		r.fail("something follows its end")
	}
	if r.err == nil {
		return nil
	}
	return &neterr.Error{Code: neterr.CacheReadFailure, Op: op, Err: r.err}
}

func (r *reader) fail(why string) {
	if r.err == nil {
		r.err = errors.New(why)
	}
	r.rest = ""
}

// uint reads a number of at most max in the one form that AppendUvarint writes, so that
// no two binary forms mean the same.
func (r *reader) uint(max uint64) uint64 {
	b := unsafe.Slice(unsafe.StringData(r.rest), len(r.rest)) // Uvarint only reads it
	v, n := binary.Uvarint(b)
	switch {
	case n <= 0:
		r.fail("it ends early, or a number is too large")
		return 0
	case n > 1 && b[n-1] == 0:
		r.fail("a number is not written in its shortest form")
		return 0
	case v > max:
		r.fail("a number is too large")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// int reads what AppendVarint wrote.
func (r *reader) int() int64 {
	v := r.uint(math.MaxUint64)
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) string() string { return r.take(r.uint(math.MaxUint64)) }

// count reads how many things of at least size bytes follow: never more than there is
// room for in what is left.
func (r *reader) count(size int) int {
	n := r.uint(math.MaxUint64)
	if n > uint64(len(r.rest)/size) {
		r.fail("it ends before the last of its fields")
		return 0
	}
	return int(n)
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.fail("it ends early")
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
