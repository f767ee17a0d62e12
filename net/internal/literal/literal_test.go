package literal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/internal/literal"
)

// TestInt: the examples of RFC 7541 appendix C.1, and the ends of each length.
func TestInt(t *testing.T) {
	tests := []struct {
		name    string
		v       uint64
		pattern byte
		prefix  uint
		want    string
	}{
		{"in the prefix", 10, 0xe0, 5, "\xea"},
		{"C.1.2", 1337, 0, 5, "\x1f\x9a\x0a"},
		{"C.1.3", 42, 0, 8, "\x2a"},
		{"just in the prefix", 30, 0, 5, "\x1e"},
		{"just not", 31, 0, 5, "\x1f\x00"},
		{"just two bytes", 31 + 127, 0, 5, "\x1f\x7f"},
		{"just three", 31 + 128, 0, 5, "\x1f\x80\x01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := literal.AppendInt(nil, tt.pattern, tt.prefix, tt.v)
			if string(got) != tt.want {
				t.Errorf("got % x, want % x", got, tt.want)
			}
			v, rest, err := literal.ReadInt(append(got, 'x'), tt.prefix)
			if v != tt.v || string(rest) != "x" || err != nil {
				t.Errorf("read %d, %q, %v", v, rest, err)
			}
		})
	}
}

func TestBadInt(t *testing.T) {
	tests := []struct {
		name, block string
		want        error
	}{
		{"nothing", "", literal.ErrCut},
		{"cut", "\xff\x80", literal.ErrCut},
		{"nine bytes", "\xff\x80\x80\x80\x80\x80\x80\x80\x80\x01", literal.ErrTooLarge},
		{"no end", "\xff" + strings.Repeat("\x80", 100), literal.ErrTooLarge},
	}
	for _, tt := range tests {
		if _, _, err := literal.ReadInt([]byte(tt.block), 7); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestString: Huffman code where it is shorter, and only there.
func TestString(t *testing.T) {
	tests := []struct {
		name, s, want string
		huffman       bool
	}{
		{"empty", "", "\x00", false},
		{"plain", "~", "\x01~", false},
		{"RFC 7541 C.4.1", "www.example.com", "\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", true},
	}
	var strs literal.Strings
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := literal.AppendString(nil, 0, 7, tt.s)
			if string(got) != tt.want {
				t.Errorf("got % x, want % x", got, tt.want)
			}
			if s, err := strs.Text(got[1:], tt.huffman); s != tt.s || err != nil {
				t.Errorf("read %q, %v", s, err)
			}
		})
	}
	if got := literal.AppendString(nil, 0x20, 3, "aaaa"); string(got) != "\x2b\x18\xc6\x3f" {
		t.Errorf("with a short prefix % x", got)
	}
	if _, err := strs.Text([]byte{0xff, 0xff, 0xff, 0xff}, true); err == nil {
		t.Error("what is no Huffman code was read")
	}
}

// TestStringsKnown: a string that comes again costs nothing, and what is remembered of
// many different ones has a limit.
func TestStringsKnown(t *testing.T) {
	var strs literal.Strings
	b := literal.AppendString(nil, 0, 7, "text/html; charset=utf-8")[1:]
	if n := testing.AllocsPerRun(100, func() { strs.Text(b, true) }); n != 0 {
		t.Errorf("%v allocations for a known string", n)
	}
	long := bytes.Repeat([]byte("x"), 129)
	if n := testing.AllocsPerRun(100, func() { strs.Text(long, false) }); n != 1 {
		t.Errorf("%v allocations for a long string, want its own", n)
	}
	for i := range 1 << 16 {
		strs.Text([]byte{byte(i >> 8), byte(i), 'x'}, false)
	}
	if s, err := strs.Text(b, true); s != "text/html; charset=utf-8" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
}
