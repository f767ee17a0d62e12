package doh

import (
	"testing"
	"time"
)

func TestFallback(t *testing.T) {
	times := func(initial time.Duration, n int, took time.Duration) *histogram {
		h := newHistogram(initial)
		for range n {
			h.add(took)
		}
		return &h
	}
	for _, c := range []struct {
		name     string
		initial  time.Duration
		n        int
		took     time.Duration
		low, top time.Duration
	}{
		{"nothing known", time.Second, 0, 0, time.Second, 1030 * time.Millisecond},
		{"a few answers change nothing", time.Second, 50, 20 * time.Millisecond, time.Second, 1030 * time.Millisecond},
		{"many do", time.Second, 200, 20 * time.Millisecond, 20 * time.Millisecond, 21 * time.Millisecond},
		{"at least", time.Second, 200, 0, minFallback, minFallback},
		{"slower than expected", time.Second, 2, 3 * time.Second, 3 * time.Second, 3100 * time.Millisecond},
		{"at most", time.Second, 200, time.Hour, maxFallback, maxFallback},
		{"as configured, beyond the limit", 7 * time.Second, 200, time.Millisecond, 7 * time.Second, 7 * time.Second},
		{"as configured, below the limit", time.Millisecond, 0, 0, minFallback, minFallback},
	} {
		if got := times(c.initial, c.n, c.took).fallback(c.initial); got < c.low || got > c.top {
			t.Errorf("%s: got %v, want %v to %v", c.name, got, c.low, c.top)
		}
	}
}

// TestBuckets: each time lies below the edge of the next bucket, and not far.
func TestBuckets(t *testing.T) {
	for d := 100 * time.Microsecond; d < 29*time.Second; d += d / 50 {
		b := bucketOf(d)
		if low, top := lowerEdge(b), lowerEdge(b+1); d < low-time.Microsecond || d > top+time.Microsecond || top > low*104/100+time.Millisecond {
			t.Errorf("%v: got bucket %d from %v to %v", d, b, low, top)
		}
	}
	for _, d := range []time.Duration{-time.Second, 0, 30 * time.Second, time.Hour} {
		if b := bucketOf(d); b < 0 || b >= buckets {
			t.Errorf("%v: got bucket %d of %d", d, b, buckets)
		}
	}
}
