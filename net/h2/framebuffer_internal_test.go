package h2

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/http2"
)

// TestFrameBuffer sends data through windows of all sizes and puts it together again.
func TestFrameBuffer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	sizes := []int{0, 1, maxData - 1, maxData, maxData + 1, 3*maxData + 5, batch * maxData}
	for i := range 2000 {
		n := rnd.IntN(batch*maxData + 1)
		if i < len(sizes) {
			n = sizes[i]
		}
		var b frameBuffer
		want := make([]byte, n)
		for j := range want {
			want[j] = byte(rnd.Uint32())
		}
		copy(b.data(), want)
		var wire bytes.Buffer
		writes := 0
		for p := b.split(n); writes == 0 || p.left > 0; writes++ {
			room := p.left
			if i%2 == 1 && room > 0 {
				room = 1 + rnd.IntN(room)
			}
			before := p.left
			piece, size := p.next(room, 7, true)
			if size > room || size != before-p.left {
				t.Fatalf("%d bytes where there is room for %d, %d of %d left", size, room, p.left, before)
			}
			wire.Write(piece)
		}
		if i%2 == 0 && writes != 1 {
			t.Fatalf("%d bytes took %d writes", n, writes)
		}
		fr := http2.NewFramer(nil, &wire)
		var got []byte
		for ended := false; !ended; {
			f, err := fr.ReadFrame()
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			d := f.(*http2.DataFrame)
			if got = append(got, d.Data()...); d.StreamID != 7 || len(d.Data()) > maxData {
				t.Fatalf("got %v", d)
			}
			ended = d.StreamEnded()
		}
		if !bytes.Equal(got, want) || wire.Len() > 0 {
			t.Fatalf("%d bytes came out as %d, and %d after the end", n, len(got), wire.Len())
		}
	}
}
