package mem_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
)

func BenchmarkOpen(b *testing.B) {
	s := mem.New(mem.Config{})
	keys := make([]*store.Key, 1000)
	for i := range keys {
		keys[i] = key(i)
		put(b, s, keys[i], 1000)
	}
	open := func(b *testing.B, k *store.Key) {
		e, err := s.Open(ctx, k)
		if err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			open(b, keys[0])
		}
	})
	b.Run("in turn", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			open(b, keys[i%len(keys)])
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		var ids atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			k := keys[ids.Add(1)]
			for pb.Next() {
				open(b, k)
			}
		})
	})
}

func BenchmarkRead(b *testing.B) {
	s := mem.New(mem.Config{Size: 64 << 20})
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			k := key(size)
			put(b, s, k, size)
			p := make([]byte, 32<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				e, err := s.Open(ctx, k)
				if err != nil {
					b.Fatal(err)
				}
				for off := 0; off < size; off += len(p) {
					if n, err := e.ReadAt(p, int64(off)); n == 0 {
						b.Fatal(err)
					}
				}
				e.Close()
			}
		})
	}
}

// BenchmarkStore has the cache full: something is evicted all the time.
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			s := mem.New(mem.Config{Size: 16 << 20})
			h := &store.Head{Status: 200, Length: int64(size)}
			p := make([]byte, min(size, 32<<10))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e, err := s.Create(ctx, &store.Key{URL: "https://a.test/", Variant: uint64(i)})
				if err != nil {
					b.Fatal(err)
				}
				e.SetHead(h)
				for off := 0; off < size; off += len(p) {
					if _, err := e.WriteAt(p, int64(off)); err != nil {
						b.Fatal(err)
					}
				}
				if err := e.Commit(ctx); err != nil {
					b.Fatal(err)
				}
				e.Close()
			}
		})
	}
}
