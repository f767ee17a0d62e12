package h3_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/quic-go/qpack"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestQPACKStatic: every entry of the static table, as another implementation has it.
func TestQPACKStatic(t *testing.T) {
	for i := range 99 {
		block := []byte{0, 0, 0xc0 | byte(i)}
		if i >= 0x3f {
			block = []byte{0, 0, 0xff, byte(i - 0x3f)}
		}
		f, err := qpack.NewDecoder().Decode(block)()
		if err != nil {
			t.Fatal(i, err)
		}
		want := exchange.Fields{{Name: f.Name, Value: f.Value}}
		if got, err := h3.ReadFields(block, 1<<10); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("entry %d: got %v %v, want %v", i, got, err, want)
		}
		if got := h3.AppendFields(nil, want); !bytes.Equal(got, block) {
			t.Errorf("entry %d: % x, want % x", i, got, block)
		}
	}
}

// TestQPACKEncode: what is sent for each kind of field.
func TestQPACKEncode(t *testing.T) {
	tests := []struct {
		name        string
		field       exchange.Field
		want        string
		description string
	}{
		{"name in the table", exchange.Field{Name: ":authority", Value: "!"}, "\x50\x01!", "literal, static name 0"},
		{"later name", exchange.Field{Name: "User-Agent", Value: "!"}, "\x5f\x50\x01!", "literal, static name 95"},
		{"new name", exchange.Field{Name: "X~", Value: "~"}, "\x22x~\x01~", "literal name"},
		{"Huffman", exchange.Field{Name: "aaa", Value: "aaaa"}, "\x2a\x18\xc7\x83\x18\xc6\x3f", "both strings in Huffman code"},
		{"empty value", exchange.Field{Name: "x~", Value: ""}, "\x22x~\x00", ""},
	}
	for _, tt := range tests {
		if got := h3.AppendFields(nil, exchange.Fields{tt.field}); string(got) != "\x00\x00"+tt.want {
			t.Errorf("%s: % x, want 00 00 % x (%s)", tt.name, got, tt.want, tt.description)
		}
	}
}

// TestQPACKAgainst: fields survive the way through another implementation, in both
// directions.
func TestQPACKAgainst(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	names := []string{":status", "content-type", "x-a", strings.Repeat("long-name-", 30), "cookie", "~"}
	for range 200 {
		var want exchange.Fields
		for range rnd.IntN(20) {
			value := make([]byte, rnd.IntN(300))
			for i := range value {
				value[i] = byte(rnd.IntN(256))
			}
			want = append(want, exchange.Field{Name: names[rnd.IntN(len(names))], Value: string(value)})
		}
		var theirs bytes.Buffer
		enc := qpack.NewEncoder(&theirs)
		for _, f := range want {
			enc.WriteField(qpack.HeaderField{Name: f.Name, Value: f.Value})
		}
		if len(want) == 0 {
			theirs.Write([]byte{0, 0})
		}
		if got, err := h3.ReadFields(theirs.Bytes(), 1<<20); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q %v, want %q", got, err, want)
		}
		var got exchange.Fields
		next := qpack.NewDecoder().Decode(h3.AppendFields(nil, want))
		for {
			f, err := next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, exchange.Field{Name: f.Name, Value: f.Value})
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("they read %q, want %q", got, want)
		}
	}
}

// TestReadFieldsLimit: a small block that stands for a large list is not unfolded beyond
// the limit.
func TestReadFieldsLimit(t *testing.T) {
	bomb := append([]byte{0, 0}, bytes.Repeat([]byte{0xc1}, 1<<20)...) // :path /, 38 bytes each
	got, err := h3.ReadFields(bomb, 3800)
	if err != nil || len(got) != 100 {
		t.Errorf("%d fields, %v", len(got), err)
	}
	if _, err := h3.ReadFields([]byte{0, 0, 0x80}, 100); !errors.Is(err, neterr.QUICProtocolError) {
		t.Errorf("got %v", err)
	}
}
