package tls

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestStock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		s := &stock{make: func() *keys { made.Add(1); return new(keys) }}
		check := func(when string, wantMade int32, wantReady int) {
			t.Helper()
			synctest.Wait()
			if got := made.Load(); got != wantMade || len(s.ready) != wantReady {
				t.Errorf("%s: got %d made and %d ready, want %d and %d", when, got, len(s.ready), wantMade, wantReady)
			}
		}
		s.refill()
		check("before the first use", 0, 0)
		s.take()
		s.refill()
		check("one after another", 2, 1)
		s.take()
		s.refill()
		s.refill()
		check("and another", 3, 1)
		for range 3 {
			s.take()
		}
		s.refill()
		check("three at once", 8, 3)
		for range 20 {
			s.take()
		}
		s.refill()
		check("many at once", 8+17+maxStock, maxStock)
		s.close()
		s.take()
		s.refill()
		check("closed", 8+17+maxStock+1, 0)
	})
}

// Close waits for what is being made, and keeps none of it.
func TestStockClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := &stock{want: 3, make: func() *keys { <-hold; return new(keys) }}
		s.refill()
		synctest.Wait()
		closed := make(chan struct{})
		go func() { s.close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while keys are being made")
		default:
		}
		hold <- struct{}{}
		<-closed
		if len(s.ready) != 0 {
			t.Errorf("got %d ready after the end, want 0", len(s.ready))
		}
	})
}

// No two handshakes have the same keys.
func TestStockGivesOnce(t *testing.T) {
	s := &stock{make: func() *keys { return makeKeys([]uint16{0x001d}) }}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				k := s.take()
				s.refill()
				mu.Lock()
				for _, key := range [][]byte{k.public[0x001d], k.ech} {
					if seen[string(key)] {
						t.Error("a key was given twice")
					}
					seen[string(key)] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s.close()
}
