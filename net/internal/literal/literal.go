// Package literal is the integers and strings that HPACK and QPACK are made of (RFC
// 7541 section 5, RFC 9204 section 4.1).
//
// It needs nothing but the Huffman code of golang.org/x/net/http2/hpack. Both ends of
// it take and give slices:
//
//	b = literal.AppendInt(b, 0x80, 7, index)
//	index, rest, err := literal.ReadInt(b, 7)
package literal

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/net/http2/hpack"
)

// Why a field block cannot be read.
var (
	ErrCut      = errors.New("field block is cut short")
	ErrTooLarge = errors.New("integer in a field block is too large")
)

// AppendInt appends an integer whose first byte begins with pattern and has prefix bits
// of it.
func AppendInt(b []byte, pattern byte, prefix uint, v uint64) []byte {
	limit := uint64(1)<<prefix - 1
	if v < limit {
		return append(b, pattern|byte(v))
	}
	b = append(b, pattern|byte(limit))
	for v -= limit; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// ReadInt reads an integer whose first byte has prefix bits of it. One of more than
// eight bytes after the first is ErrTooLarge.
func ReadInt(p []byte, prefix uint) (v uint64, rest []byte, err error) {
	if len(p) == 0 {
		return 0, nil, ErrCut
	}
	limit := uint64(1)<<prefix - 1
	if v = uint64(p[0]) & limit; v < limit {
		return v, p[1:], nil
	}
	for i, shift := 1, 0; i < len(p); i, shift = i+1, shift+7 {
		if shift >= 56 {
			return 0, nil, ErrTooLarge
		}
		v += uint64(p[i]&0x7f) << shift
		if p[i]&0x80 == 0 {
			return v, p[i+1:], nil
		}
	}
	return 0, nil, ErrCut
}

// AppendString appends a string, in Huffman code where that is shorter. Its length has
// prefix bits of the first byte, which begins with pattern; the bit between them says
// which code it is.
func AppendString(b []byte, pattern byte, prefix uint, s string) []byte {
	if n := hpack.HuffmanEncodeLength(s); n < uint64(len(s)) {
		return hpack.AppendHuffmanString(AppendInt(b, pattern|1<<prefix, prefix, n), s)
	}
	return append(AppendInt(b, pattern, prefix, uint64(len(s))), s...)
}

// What Strings remember.
const (
	maxKnown      = 256
	maxKnownBytes = 128 // in one
	maxScratch    = 4 << 10
)

// Strings makes strings of what field blocks have. Those that come again and again cost
// no memory each time; what a peer can make it hold is 32 KiB. The zero value is ready.
// It is one goroutine's at a time.
type Strings struct {
	known   map[string]string
	scratch bytes.Buffer // a string out of its Huffman code
}

// Text returns the string that b is, in Huffman code or not.
func (s *Strings) Text(b []byte, huffman bool) (string, error) {
	if huffman {
		s.scratch.Reset()
		if _, err := hpack.HuffmanDecode(&s.scratch, b); err != nil {
			return "", fmt.Errorf("field block: %w", err)
		}
		b = s.scratch.Bytes()
		if s.scratch.Cap() > maxScratch {
			s.scratch = bytes.Buffer{} // b keeps what it needs
		}
	}
	if len(b) > maxKnownBytes {
		return string(b), nil
	}
	t, ok := s.known[string(b)]
	if !ok {
		switch {
		case s.known == nil:
			s.known = make(map[string]string)
		case len(s.known) == maxKnown:
			clear(s.known)
		}
		t = string(b)
		s.known[t] = t
	}
	return t, nil
}
