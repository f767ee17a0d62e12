package storetest

import (
	"errors"
	"io"
	"math/rand/v2"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

func testExtents(s *suite) {
	k, b := key("a"), body(1, 1000)
	e := s.create(k)
	e.SetHead(head("a"))
	steps := []struct {
		off, end int64
		want     []store.Extent
	}{
		{200, 300, []store.Extent{{Off: 200, Len: 100}}},
		{600, 700, []store.Extent{{Off: 200, Len: 100}, {Off: 600, Len: 100}}},
		{400, 500, []store.Extent{{Off: 200, Len: 100}, {Off: 400, Len: 100}, {Off: 600, Len: 100}}},
		{300, 310, []store.Extent{{Off: 200, Len: 110}, {Off: 400, Len: 100}, {Off: 600, Len: 100}}},
		{390, 400, []store.Extent{{Off: 200, Len: 110}, {Off: 390, Len: 110}, {Off: 600, Len: 100}}},
		{310, 390, []store.Extent{{Off: 200, Len: 300}, {Off: 600, Len: 100}}},
		{0, 1, []store.Extent{{Off: 0, Len: 1}, {Off: 200, Len: 300}, {Off: 600, Len: 100}}},
		{500, 600, []store.Extent{{Off: 0, Len: 1}, {Off: 200, Len: 500}}},
		{999, 1000, []store.Extent{{Off: 0, Len: 1}, {Off: 200, Len: 500}, {Off: 999, Len: 1}}},
		{700, 999, []store.Extent{{Off: 0, Len: 1}, {Off: 200, Len: 800}}},
		{1, 200, []store.Extent{{Off: 0, Len: 1000}}},
	}
	for i, step := range steps {
		s.write(e, b[step.off:step.end], step.off)
		s.wantExtents(e, step.want...)
		for _, x := range step.want {
			end := error(neterr.CacheReadFailure)
			if x == step.want[len(step.want)-1] {
				end = io.EOF
			}
			s.wantRead(e, x.Off, b[x.Off:x.End()], end)
		}
		if i%3 == 2 { // as part of one life, and over several
			s.commit(e)
			s.close(e)
			e = s.open(k)
			s.wantExtents(e, step.want...)
		}
	}
	s.commit(e)
	s.want(k, head("a"), b)

	first := store.Extent{Off: 5, Len: 6}
	got := e.Extents([]store.Extent{first})
	if len(got) != 2 || got[0] != first || got[1] != (store.Extent{Len: 1000}) {
		s.Errorf("got %v, want the extents behind %v", got, first)
	}
	// One that ends where the first begins is still another's.
	if got := e.Extents([]store.Extent{{Off: -5, Len: 5}}); len(got) != 2 {
		s.Errorf("got %v, want what was there untouched", got)
	}
}

func testReadAt(s *suite) {
	const hole, far = 100_000, 300_000
	b := body(1, far+100)
	e := s.create(key("a"))
	e.SetHead(head("a"))
	s.write(e, b[far:], far)
	s.write(e, b[:hole], 0)
	s.commit(e)
	for name, e := range map[string]store.Entry{"writer": e, "reader": s.open(key("a"))} {
		for _, tt := range []struct {
			off  int64
			n    int
			want int
			err  error
		}{
			{0, 10, 10, nil},
			{hole - 10, 10, 10, nil},
			{hole - 10, 11, 10, neterr.CacheReadFailure},
			{hole, 1, 0, neterr.CacheReadFailure},
			{far - 1, 1, 0, neterr.CacheReadFailure},
			{far - 1, 10, 0, neterr.CacheReadFailure},
			{far, 100, 100, nil},
			{far, 101, 100, io.EOF},
			{far + 100, 1, 0, io.EOF},
			{far + 101, 1, 0, io.EOF},
			{1 << 62, 1, 0, io.EOF},
			{1<<63 - 1, 1, 0, io.EOF},
		} {
			p := make([]byte, tt.n)
			n, err := e.ReadAt(p, tt.off)
			// At the very end io.EOF is as good as nothing.
			if n != tt.want || !errors.Is(err, tt.err) && (tt.err != nil || !errors.Is(err, io.EOF) || tt.off < far) {
				s.Errorf("%s: read %d bytes at %d: got %d, %v; want %d, %v", name, tt.n, tt.off, n, err, tt.want, tt.err)
			}
			if n > 0 && string(p[:n]) != string(b[tt.off:tt.off+int64(n)]) {
				s.Errorf("%s: read %d bytes at %d: not what was written", name, tt.n, tt.off)
			}
		}
		if n, err := e.ReadAt(make([]byte, 1), -1); n != 0 || err == nil || errors.Is(err, io.EOF) {
			s.Errorf("%s: read before the begin: got %d, %v", name, n, err)
		}
	}
}

// testWriteAt writes where it is not allowed.
func testWriteAt(s *suite) {
	k := key("a")
	b := body(1, 300)
	for _, tt := range []struct {
		name     string
		off, end int64
	}{
		{"the same again", 100, 200},
		{"its begin", 100, 101},
		{"its end", 199, 200},
		{"within", 120, 130},
		{"across its begin", 99, 101},
		{"across its end", 199, 201},
		{"over it", 0, 300},
		{"before the begin", -1, 0},
	} {
		e := s.create(k)
		e.SetHead(head("a"))
		s.write(e, b[100:200], 100)
		s.commit(e)
		if _, err := e.WriteAt(make([]byte, tt.end-tt.off), tt.off); err == nil {
			s.Errorf("%s: wrote from %d to %d where 100 to 200 are", tt.name, tt.off, tt.end)
		}
		s.close(e)
		e = s.open(k)
		s.wantExtents(e, store.Extent{Off: 100, Len: 100})
		s.wantRead(e, 100, b[100:200], io.EOF)
		s.close(e)
	}
	e := s.create(k)
	e.SetHead(head("b"))
	s.write(e, nil, 0)
	s.write(e, nil, 10)
	s.wantExtents(e)
	p := []byte("mine")
	s.write(e, p, 0)
	copy(p, "gone") // the buffer is the caller's again
	s.wantRead(e, 0, []byte("mine"), io.EOF)
}

// testLargeBody writes a mebibyte in pieces of all sizes and reads it in others.
func testLargeBody(s *suite) {
	k, h, b := key("a"), head("a"), body(1, 1<<20)
	h.Length = int64(len(b))
	r := rand.New(rand.NewPCG(1, 2))
	e := s.create(k)
	e.SetHead(h)
	for off := 0; off < len(b); {
		n := min(1+r.IntN(1<<r.IntN(18)), len(b)-off)
		s.write(e, b[off:off+n], int64(off))
		off += n
	}
	s.commit(e)
	s.close(e)
	s.want(k, h, b)
	e = s.open(k)
	for range 200 {
		off := r.IntN(len(b))
		n := min(1+r.IntN(1<<r.IntN(20)), len(b)-off)
		p := make([]byte, n)
		if got, err := e.ReadAt(p, int64(off)); got != n || err != nil && !errors.Is(err, io.EOF) || string(p) != string(b[off:off+n]) {
			s.Fatalf("read %d bytes at %d: got %d, %v, or others", n, off, got, err)
		}
	}
}
