package redis

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

func sample() *record {
	return &record{
		gen: generation{1, 2, 3}, key: []byte("key"),
		head:   &store.Head{Status: 200, Proto: "HTTP/1.1"},
		pieces: []piece{{off: 10, len: 5, sum: 7, name: fieldName{1}}, {off: 20, len: 5, name: fieldName{2}}},
		tail:   tail{off: 15, data: []byte("12345")},
	}
}

func TestRecordRoundTrip(t *testing.T) {
	want := sample()
	b := want.append([]byte("before"))[len("before"):]
	got, err := parseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	f, err := parseFront(b[:fixedSize+len("key")])
	if err != nil || string(f.key) != "key" || f.size != int64(len(b))+10 {
		t.Errorf("front: got %+v, %v; want a size of %d", f, err, len(b)+10)
	}
	if extents := got.extents(nil); !reflect.DeepEqual(extents, []store.Extent{{Off: 10, Len: 15}}) {
		t.Errorf("got %v, want the tail to join the pieces", extents)
	}
}

// Checksums keep damage out, but whoever writes to the server can make them right.
func TestRecordThatCannotBe(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *record)
		want   error
	}{
		{"pieces out of order", func(r *record) { r.pieces[0], r.pieces[1] = r.pieces[1], r.pieces[0] }, errPieces},
		{"pieces over each other", func(r *record) { r.pieces[0].len = 11; r.tail.data = nil }, errPieces},
		{"twice the same", func(r *record) { r.pieces[1] = r.pieces[0] }, errPieces},
		{"piece over the tail", func(r *record) { r.tail.off = 14 }, errPieces},
		{"empty piece", func(r *record) { r.pieces[0].len = 0 }, errPieces},
		{"piece of all memory", func(r *record) { r.pieces[1].len = math.MaxInt32 }, errPieces},
		{"piece before the begin", func(r *record) { r.pieces[0].off = -1 }, errPieces},
		{"piece at the end of numbers", func(r *record) { r.pieces[1].off = 1<<63 - 1 }, errPieces},
		{"tail before the begin", func(r *record) { r.tail.off = -5 }, errLong},
		{"tail at the end of numbers", func(r *record) { r.tail.off = 1<<63 - 1 }, errLong},
		{"status", func(r *record) { r.head.Status = 1000 }, neterr.CacheReadFailure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sample()
			tt.change(r)
			if got, err := parseRecord(r.append(nil)); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v; want %v", got, err, tt.want)
			}
		})
	}
	// Lengths that are not those of what follows, with checksums that fit.
	for at := 29; at < 45; at += 4 {
		for _, by := range []uint32{1, 1 << 31, 1<<32 - 1} {
			b := sample().append(nil)
			binary.LittleEndian.PutUint32(b[at:], binary.LittleEndian.Uint32(b[at:])+by)
			binary.LittleEndian.PutUint32(b[57:], frontSum(b[:fixedSize+len("key")]))
			if r, err := parseRecord(b); err == nil {
				t.Errorf("length at %d larger by %d: got %+v", at, by, r)
			}
		}
	}
}
