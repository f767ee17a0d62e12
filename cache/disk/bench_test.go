package disk_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
)

func benchStore(b *testing.B, entries, size int) *disk.Store {
	b.Helper()
	s := openStore(b, disk.Config{Dir: b.TempDir(), Size: 1 << 30})
	for i := range entries {
		mustPut(b, s, numbered(i), uint64(i), size)
	}
	b.ReportAllocs()
	return s
}

// BenchmarkHit opens, reads and closes an entry of 1 KB.
func BenchmarkHit(b *testing.B) {
	s := benchStore(b, 1, 1024)
	k, p := numbered(0), make([]byte, 1024)
	for b.Loop() {
		e, err := s.Open(ctx, k)
		if err != nil {
			b.Fatal(err)
		}
		if n, _ := e.ReadAt(p, 0); n != len(p) {
			b.Fatal("a short entry")
		}
		e.Close()
	}
}

// BenchmarkHitParallel has many goroutines do so, each with a key of its own.
func BenchmarkHitParallel(b *testing.B) {
	s := benchStore(b, 64, 1024)
	var id atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		k, p := numbered(int(id.Add(1)%64)), make([]byte, 1024)
		for pb.Next() {
			e, err := s.Open(ctx, k)
			if err != nil {
				b.Error(err)
				return
			}
			e.ReadAt(p, 0)
			e.Close()
		}
	})
}

func BenchmarkMiss(b *testing.B) {
	s := benchStore(b, 1, 1024)
	k := numbered(1)
	for b.Loop() {
		if _, err := s.Open(ctx, k); err == nil {
			b.Fatal("a hit")
		}
	}
}

// BenchmarkRead reads a body of 1 MiB in pieces.
func BenchmarkRead(b *testing.B) {
	for _, piece := range []int{4 << 10, 32 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("piece=%dKiB", piece>>10), func(b *testing.B) {
			s := benchStore(b, 1, 1<<20)
			b.SetBytes(1 << 20)
			k, p := numbered(0), make([]byte, piece)
			for b.Loop() {
				e, err := s.Open(ctx, k)
				if err != nil {
					b.Fatal(err)
				}
				for off := int64(0); off < 1<<20; off += int64(piece) {
					if n, _ := e.ReadAt(p, off); n != len(p) {
						b.Fatal("a short entry")
					}
				}
				e.Close()
			}
		})
	}
}

// BenchmarkStore stores whole entries in pieces, each in place of another: of one with the
// same key, or of those that are evicted for it since the store is full.
func BenchmarkStore(b *testing.B) {
	const limit = 64 << 20
	for _, size := range []int{1 << 10, 100 << 10, 1 << 20} {
		for _, bb := range []struct {
			name string
			keys int
		}{
			{"replace", 100},
			{"evict", 1 << 30},
		} {
			b.Run(fmt.Sprintf("size=%dKiB/%s", size>>10, bb.name), func(b *testing.B) {
				s := openStore(b, disk.Config{Dir: b.TempDir(), Size: 2 * limit})
				p := bodyOf(1, min(size, 32<<10))
				h := head("1", int64(size))
				store := func(n int) {
					e, err := s.Create(ctx, numbered(n%bb.keys))
					if err != nil {
						b.Fatal(err)
					}
					e.SetHead(h)
					for off := 0; off < size; off += len(p) {
						if _, err := e.WriteAt(p[:min(len(p), size-off)], int64(off)); err != nil {
							b.Fatal(err)
						}
					}
					if err := e.Commit(ctx); err != nil {
						b.Fatal(err)
					}
					e.Close()
				}
				n := 0
				for ; n < 2*limit/size; n++ {
					store(n)
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					store(n)
					n++
				}
			})
		}
	}
}
