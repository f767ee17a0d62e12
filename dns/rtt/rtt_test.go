package rtt_test

import (
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns/rtt"
)

func TestFallback(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name     string
		initial  time.Duration
		n        int
		took     time.Duration
		cycles   int
		low, top time.Duration
	}{
		{"nothing known", time.Second, 0, 0, 0, time.Second, 1030 * ms},
		{"a few answers change nothing", time.Second, 50, 20 * ms, 0, time.Second, 1030 * ms},
		{"many do", time.Second, 200, 20 * ms, 0, 20 * ms, 21 * ms},
		{"at least", time.Second, 200, 0, 0, rtt.Min, rtt.Min},
		{"no time is negative", time.Second, 200, -time.Hour, 0, rtt.Min, rtt.Min},
		{"slower than expected", time.Second, 2, 3 * time.Second, 0, 3 * time.Second, 3100 * ms},
		{"at most", time.Second, 200, time.Hour, 0, rtt.Max, rtt.Max},
		{"once more", time.Second, 200, 20 * ms, 1, 40 * ms, 42 * ms},
		{"the bound below comes first", time.Second, 200, 0, 2, 4 * rtt.Min, 4 * rtt.Min},
		{"for ever", time.Second, 200, 20 * ms, 1 << 30, rtt.Max, rtt.Max},
		{"as expected, beyond the limit", 7 * time.Second, 200, ms, 3, 7 * time.Second, 7 * time.Second},
		{"as expected, below the limit", ms, 0, 0, 0, rtt.Min, rtt.Min},
	} {
		times := rtt.New(c.initial)
		for range c.n {
			times.Add(c.took)
		}
		if got := times.Fallback(c.cycles); got < c.low || got > c.top {
			t.Errorf("%s: got %v, want %v to %v", c.name, got, c.low, c.top)
		}
	}
}

// TestResolution: what is measured comes back longer, and not by much.
func TestResolution(t *testing.T) {
	for d := rtt.Min; d < rtt.Max; d += d / 50 {
		times := rtt.New(time.Millisecond)
		for range 1000 {
			times.Add(d)
		}
		if got := times.Fallback(0); got <= d || got > min(d*104/100+time.Millisecond, rtt.Max) {
			t.Errorf("%v: got %v", d, got)
		}
	}
}
