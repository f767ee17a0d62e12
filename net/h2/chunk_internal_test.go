package h2

import (
	"slices"
	"testing"
)

// TestChunks: a small body takes a small chunk, a larger one whole frames.
func TestChunks(t *testing.T) {
	tests := []struct {
		name   string
		pieces []int
		want   []int // sizes of the chunks
	}{
		{"small", []int{1}, []int{smallChunk}},
		{"small in pieces", []int{1000, 1000}, []int{smallChunk}},
		{"more than small", []int{1000, 1001}, []int{smallChunk, maxFrame}},
		{"a frame", []int{maxFrame}, []int{maxFrame}},
		{"frames", []int{smallChunk + 1, maxFrame}, []int{maxFrame, maxFrame}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b body
			for _, n := range tt.pieces {
				b.add(make([]byte, n))
			}
			var got []int
			for k := b.head; k != nil; k = k.next {
				got = append(got, len(k.buf))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			b.discard()
		})
	}
}
