package mem_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cache/internal/storetest"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

var ctx = context.Background()

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return mem.New(mem.Config{}) })
}

func key(i int) *store.Key { return &store.Key{URL: fmt.Sprintf("https://a.test/%d", i)} }

func put(t testing.TB, s *mem.Store, k *store.Key, size int) {
	t.Helper()
	e, err := s.Create(ctx, k)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.SetHead(&store.Head{Status: 200, Length: int64(size), Header: exchange.FieldsOf("Content-Type", "text/plain")})
	if _, err := e.WriteAt(make([]byte, size), 0); err != nil {
		t.Fatal(err)
	}
	if err := e.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

func has(s *mem.Store, k *store.Key) bool {
	for info := range s.All(ctx) { // Open would count as use
		if info.Key == *k {
			return true
		}
	}
	return false
}

func size(t testing.TB, s *mem.Store) int64 {
	t.Helper()
	n, err := s.Size(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEviction(t *testing.T) {
	const limit = 1 << 20
	tests := []struct {
		name  string
		sizes []int // stored one second after the other
		use   []int // then opened, after a minute
		gone  []int // when another 30,000 bytes come a minute later
	}{
		{
			name:  "least recently used",
			sizes: []int{100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 90_000},
			gone:  []int{0},
		},
		{
			name:  "used again",
			sizes: []int{100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 90_000},
			use:   []int{0, 2},
			gone:  []int{1},
		},
		{
			name:  "large before small",
			sizes: []int{90_000, 10_000, 10_000, 130_000, 130_000, 130_000, 130_000, 130_000, 130_000, 90_000},
			gone:  []int{3},
		},
		{
			name:  "used before large",
			sizes: []int{90_000, 10_000, 10_000, 130_000, 130_000, 130_000, 130_000, 130_000, 130_000, 90_000},
			use:   []int{3, 4, 5, 6, 7, 8, 9},
			gone:  []int{0},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := mem.New(mem.Config{Size: limit})
				for i, n := range tt.sizes {
					put(t, s, key(i), n)
					time.Sleep(time.Second)
				}
				if got := size(t, s); got > limit*95/100 || got < limit*90/100 {
					t.Fatalf("got %d bytes of %d: the next must be too much, and this not", got, limit)
				}
				time.Sleep(time.Minute)
				for _, i := range tt.use {
					e, err := s.Open(ctx, key(i))
					if err != nil {
						t.Fatal(err)
					}
					e.Close()
				}
				time.Sleep(time.Minute)
				put(t, s, key(99), 30_000)
				if got := size(t, s); got > limit*90/100 {
					t.Errorf("got %d bytes, want at most 90%% of %d", got, limit)
				}
				var gone []int
				for i := range tt.sizes {
					if !has(s, key(i)) {
						gone = append(gone, i)
					}
				}
				if fmt.Sprint(gone) != fmt.Sprint(tt.gone) {
					t.Errorf("evicted %v, want %v", gone, tt.gone)
				}
			})
		})
	}
}

func TestEvictedWhileOpen(t *testing.T) {
	s := mem.New(mem.Config{Size: 1 << 20})
	put(t, s, key(0), 100_000)
	e, err := s.Open(ctx, key(0))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i := 1; has(s, key(0)); i++ {
		put(t, s, key(i), 100_000)
	}
	if n, err := e.ReadAt(make([]byte, 100_000), 0); n != 100_000 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	e.SetHead(&store.Head{Status: 200})
	if _, err := e.WriteAt([]byte("more"), 100_000); err != nil {
		t.Errorf("write: %v", err)
	}
	if err := e.Commit(ctx); err != nil {
		t.Errorf("commit: %v", err)
	}
	if has(s, key(0)) {
		t.Error("it came back")
	}
}

// Who never commits gets no more memory than the limit either, and takes nobody's place
// for longer than he is there.
func TestNotCommittedIsBounded(t *testing.T) {
	const limit = 1 << 20
	s := mem.New(mem.Config{Size: limit})
	var written int64
	var entries []store.Entry
	full := func() error {
		for i := range 100 {
			e, err := s.Create(ctx, key(i))
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
			n, err := e.WriteAt(make([]byte, 100_000), 0)
			if written += int64(n); err != nil {
				return err
			}
		}
		return nil
	}
	if err := full(); !errors.Is(err, neterr.FileNoSpace) {
		t.Fatalf("got %v, want %v", err, neterr.FileNoSpace)
	}
	if written > limit || written < limit-100_000-1000 {
		t.Errorf("got %d bytes in, want nearly %d", written, limit)
	}
	last := entries[len(entries)-1]
	last.SetHead(&store.Head{Status: 200})
	if err := last.Commit(ctx); !errors.Is(err, neterr.FileNoSpace) {
		t.Errorf("commit of what was not written: got %v", err)
	}
	for _, e := range entries {
		e.Close()
		e.Close()
	}
	if got := mem.Taken(s); got != 0 {
		t.Errorf("with all closed: got %d bytes", got)
	}
	for i := range 9 {
		put(t, s, key(i), 100_000)
	}
	if got := size(t, s); got < 900_000 {
		t.Errorf("got %d bytes, want nine entries of 100000", got)
	}
}

// Two that opened an entry write behind the same end: neither into what the other reads.
func TestAppendTwice(t *testing.T) {
	s := mem.New(mem.Config{})
	e, err := s.Create(ctx, key(0))
	if err != nil {
		t.Fatal(err)
	}
	e.SetHead(&store.Head{Status: 200, Length: 1000}) // makes room for all
	for _, entry := range []store.Entry{e, nil, nil} {
		if entry == nil {
			if entry, err = s.Open(ctx, key(0)); err != nil {
				t.Fatal(err)
			}
		}
		off := int64(0)
		if x := entry.Extents(nil); len(x) > 0 {
			off = x[0].End()
		}
		if _, err := entry.WriteAt([]byte("abc"), off); err != nil {
			t.Fatal(err)
		}
		if err := entry.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.WriteAt([]byte("xyz"), 3); err != nil {
		t.Fatal(err)
	}
	third, err := s.Open(ctx, key(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		e    store.Entry
		want string
	}{{e, "abcxyz"}, {third, "abcabcabc"}} {
		p := make([]byte, 20)
		n, err := tt.e.ReadAt(p, 0)
		if got := string(p[:n]); got != tt.want || err != io.EOF {
			t.Errorf("got %q, %v; want %q", got, err, tt.want)
		}
	}
}

// What the store says it takes is what the process does.
func TestSizeIsTrue(t *testing.T) {
	for _, n := range []int{0, 1000, 100_000} {
		heap := func() int64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		s := mem.New(mem.Config{Size: 1 << 30})
		for i := range min(20_000, 1<<25/(n+1)) {
			e, err := s.Create(ctx, key(i))
			if err != nil {
				t.Fatal(err)
			}
			h := &store.Head{Status: 200, Length: -1}
			for range 5 {
				h.Header = append(h.Header, exchange.Field{Name: strings.Repeat("n", 10), Value: strings.Repeat("v", 20)})
			}
			h.Header = h.Header[:5:5]
			e.SetHead(h)
			for off := 0; off < n; off += 1000 {
				if _, err := e.WriteAt(make([]byte, 1000), int64(off)); err != nil {
					t.Fatal(err)
				}
			}
			if err := e.Commit(ctx); err != nil {
				t.Fatal(err)
			}
			e.Close()
		}
		took, says := heap()-before, size(t, s)
		if ratio := float64(took) / float64(says); ratio < 0.8 || ratio > 1.3 {
			t.Errorf("%d bytes each: got %d bytes of heap for a size of %d: %.2f", n, took, says, ratio)
		}
		runtime.KeepAlive(s)
	}
}

func TestStormKeepsToLimit(t *testing.T) {
	const limit = 1 << 20
	s := mem.New(mem.Config{Size: limit})
	var wg sync.WaitGroup
	for id := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(3, uint64(id)))
			for range 300 {
				k := key(r.IntN(200))
				if e, err := s.Open(ctx, k); err == nil {
					e.ReadAt(make([]byte, 100), 0)
					if r.IntN(4) == 0 {
						e.WriteAt(make([]byte, 10), e.Extents(nil)[0].End()) // evicts too
						e.Commit(ctx)
					}
					e.Close()
					continue
				}
				e, err := s.Create(ctx, k)
				if err != nil {
					t.Error(err)
					return
				}
				e.SetHead(&store.Head{Status: 200, Length: -1})
				e.WriteAt(make([]byte, 1+r.IntN(1<<r.IntN(17))), 0)
				if r.IntN(4) > 0 {
					e.Commit(ctx)
				}
				e.Close()
			}
		})
	}
	wg.Wait()
	var sum int64
	for info := range s.All(ctx) {
		sum += info.Size
	}
	if got := size(t, s); got != sum || got > limit || got < limit/2 {
		t.Errorf("got a size of %d with entries of %d, want the same and at most %d", got, sum, limit)
	}
	if err := s.Clear(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := mem.Taken(s); got != 0 {
		t.Errorf("with nothing in it and nothing open: got %d bytes", got)
	}
}

func TestOpenAllocs(t *testing.T) {
	s := mem.New(mem.Config{})
	k := key(0)
	put(t, s, k, 1000)
	p := make([]byte, 1000)
	got := testing.AllocsPerRun(100, func() {
		e, err := s.Open(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := e.ReadAt(p, 0); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		e.Close()
	})
	if got > 1 {
		t.Errorf("got %v allocations, want the entry", got)
	}
}

func TestDefaultSize(t *testing.T) {
	for _, tt := range []struct{ ram, want int64 }{
		{0, 10 << 20},
		{1 << 30, 1 << 30 / 50},
		{2500 << 20, 50 << 20},
		{1 << 40, 50 << 20},
	} {
		if got := mem.DefaultSize(tt.ram); got != tt.want {
			t.Errorf("with %d bytes of memory: got %d, want %d", tt.ram, got, tt.want)
		}
	}
	if runtime.GOOS == "linux" || runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		if got := mem.PhysicalMemory(); got < 16<<20 {
			t.Errorf("this machine has %d bytes", got)
		}
	}
}

// What is lent is what is read, piece by piece, and stays as it is.
func TestLend(t *testing.T) {
	s := mem.New(mem.Config{})
	e, err := s.Create(ctx, key(0))
	if err != nil {
		t.Fatal(err)
	}
	e.SetHead(&store.Head{Status: 200, Length: -1})
	for _, w := range []struct {
		off int64
		p   string
	}{{0, "abc"}, {3, "def"}, {10, "klm"}} {
		if _, err := e.WriteAt([]byte(w.p), w.off); err != nil {
			t.Fatal(err)
		}
	}
	lend := func(off int64) (string, error) {
		var got string
		for {
			p, err := e.(store.Lender).Lend(off)
			if err != nil {
				return got, err
			}
			got, off = got+string(p), off+int64(len(p))
		}
	}
	for _, tt := range []struct {
		off  int64
		want string
		err  error
	}{{0, "abcdef", neterr.CacheReadFailure}, {4, "ef", neterr.CacheReadFailure}, {11, "lm", io.EOF}, {13, "", io.EOF}, {-1, "", neterr.InvalidArgument}} {
		if got, err := lend(tt.off); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("from %d: got %q, %v; want %q, %v", tt.off, got, err, tt.want, tt.err)
		}
	}
	p, err := e.(store.Lender).Lend(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.WriteAt([]byte("ghij"), 6); err != nil {
		t.Fatal(err)
	}
	e.Close()
	if got := string(p); !strings.HasPrefix("abcdef", got) {
		t.Errorf("later: got %q", got)
	}
	if _, err := e.(store.Lender).Lend(0); err == nil {
		t.Error("a closed entry lends")
	}
}
