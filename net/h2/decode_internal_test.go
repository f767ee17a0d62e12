package h2

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/kaon-net/kaon/net/internal/literal"
	"github.com/kaon-net/kaon/net/internal/message"
)

// newDecoder returns a decoder and the list to which its fields go.
func newDecoder(limit uint32) (*decoder, *[]hpack.HeaderField) {
	d, got := new(decoder), new([]hpack.HeaderField)
	d.init(limit, func(l *message.Line) { *got = append(*got, hpack.HeaderField{Name: l.Name, Value: l.Value}) })
	return d, got
}

// TestDecode: what x/net encodes, with tables of all sizes that change now and then,
// comes out again, however the blocks are cut.
func TestDecode(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 541))
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	enc.SetMaxDynamicTableSizeLimit(8 << 10)
	d, got := newDecoder(8 << 10)
	for block := range 2000 {
		if rnd.IntN(20) == 0 {
			enc.SetMaxDynamicTableSize(rnd.Uint32N(8<<10 + 1))
		}
		buf.Reset()
		*got = (*got)[:0]
		var want []hpack.HeaderField
		for range rnd.IntN(12) {
			f := hpack.HeaderField{Name: fmt.Sprint("name-", rnd.IntN(40)), Value: strings.Repeat("~v", rnd.IntN(100))}
			switch rnd.IntN(8) {
			case 0:
				f = hpack.HeaderField{Name: ":status", Value: "200"}
			case 1:
				f.Value = strings.Repeat("value", rnd.IntN(2000))
			}
			want = append(want, f)
			enc.WriteField(f)
		}
		for p := buf.Bytes(); len(p) > 0; {
			n := 1 + rnd.IntN(len(p))
			if err := d.Write(p[:n]); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
		if err := d.Close(); err != nil || !slices.Equal(*got, want) {
			t.Fatalf("block %d: got %v, %v; want %v", block, *got, err, want)
		}
		if d.size > 8<<10 {
			t.Fatalf("block %d: %d bytes in the table", block, d.size)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct {
		name, block string
		want        error
	}{
		{"index 0", "\x80", errIndex},
		{"first index beyond the tables", "\xbe", errIndex},
		{"name beyond the tables", "\x7f\x00\x01a", errIndex},
		{"integer of 9 bytes", "\xff\x80\x80\x80\x80\x80\x80\x80\x80\x01", literal.ErrTooLarge},
		{"integer cut", "\xff\x80", literal.ErrCut},
		{"no name", "\x40", literal.ErrCut},
		{"name cut", "\x40\x02a", literal.ErrCut},
		{"no value", "\x40\x01a", literal.ErrCut},
		{"value cut", "\x40\x01a\x02b", literal.ErrCut},
		{"string of 2 MiB", "\x40\x7f\x81\xff\x7f", errString},
		{"table beyond the limit", "\x3f\xe2\x1f", errTooLarge},
		{"resized after a field", "\x88\x20", errResize},
		{"Huffman end of string", "\x40\x84\xff\xff\xff\xff\x01a", hpack.ErrInvalidHuffman},
		{"Huffman padding of a byte", "\x40\x82\x1f\xff\x01a", hpack.ErrInvalidHuffman},
		{"resized twice", "\x20\x3f\xe1\x1f\x88", nil}, // RFC 7541 section 4.2
		{"never indexed", "\x10\x01a\x01b", nil},
		{"zeros that say nothing", "\xff\x80\x00", errIndex},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, step := range []int{1, len(tt.block)} {
				d, _ := newDecoder(4096)
				var err error
				for p := []byte(tt.block); err == nil && len(p) > 0; p = p[step:] {
					err = d.Write(p[:step])
				}
				if err == nil {
					err = d.Close()
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("in steps of %d: got %v, want %v", step, err, tt.want)
				}
			}
		})
	}
}

// TestDecodeAllocs: strings that come again, in the table or not, are not made anew,
// which would be four allocations.
func TestDecodeAllocs(t *testing.T) {
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	enc.SetMaxDynamicTableSize(0)
	for _, f := range [][2]string{{":status", "200"}, {"content-type", "text/html; charset=utf-8"}, {"x-own", "value"}, {"date", "Mon, 02 Jan 2006 15:04:05 GMT"}} {
		enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	var d decoder
	n := 0
	d.init(4096, func(*message.Line) { n++ })
	// The race detector takes buffers from the pool that x/net's Huffman decoder has.
	if allocs := testing.AllocsPerRun(100, func() {
		if err := errors.Join(d.Write(buf.Bytes()), d.Close()); err != nil {
			t.Fatal(err)
		}
	}); allocs > 2 || n != 4*101 {
		t.Errorf("%v allocations, %d fields", allocs, n)
	}
}
