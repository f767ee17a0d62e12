package pool_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kaon-net/kaon/net/pool"
)

// BenchmarkAcquire measures taking an idle connection and giving it back.
func BenchmarkAcquire(b *testing.B) {
	for _, conns := range []int{1, 6, 64} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			p := pool.New(pool.Config{MaxConnsPerHost: conns, Connect: connectFake})
			defer p.Close()
			if err := p.Preconnect(b.Context(), &pool.Request{Key: keyA}, conns); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				acquireAndRelease(b, p)
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		p := pool.New(pool.Config{MaxConnsPerHost: -1, Connect: connectFake})
		defer p.Close()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				acquireAndRelease(b, p)
			}
		})
	})
}

// BenchmarkAcquireMultiplexed is the same for one connection that serves many.
func BenchmarkAcquireMultiplexed(b *testing.B) {
	for _, others := range []int{0, 99} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			p := pool.New(pool.Config{Connect: func(context.Context, *pool.Request) (pool.Conn, error) {
				return &fakeMux{slots: 100}, nil
			}})
			defer p.Close()
			for range others {
				if _, _, err := p.Acquire(b.Context(), &pool.Request{Key: keyA}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				acquireAndRelease(b, p)
			}
		})
	}
}

func acquireAndRelease(b *testing.B, p *pool.Pool) {
	c, _, err := p.Acquire(context.Background(), &pool.Request{Key: keyA})
	if err != nil {
		b.Fatal(err)
	}
	c.Release()
}
