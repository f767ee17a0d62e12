package doh

import (
	"math"
	"time"
)

// The bounds of a fallback period, which is how long a server has before the next one
// is asked as well.
const (
	minFallback = 10 * time.Millisecond
	maxFallback = 5 * time.Second
)

const buckets = 350

// A histogram counts how long answers took, in buckets that grow with the time: some
// 3 % each, up to 30 s. It is Chromium's, whose steps below 30 ms are coarser.
type histogram struct {
	counts [buckets]uint32
	total  uint64
}

// newHistogram begins with two answers that took as long as is expected of a server
// that nothing is known of.
func newHistogram(initial time.Duration) histogram {
	var h histogram
	h.add(initial)
	h.add(initial)
	return h
}

func (h *histogram) add(took time.Duration) {
	h.counts[bucketOf(took)]++
	h.total++
}

// fallback is longer than 99 of 100 answers took. initial is the configured period,
// which may be beyond the limit.
func (h *histogram) fallback(initial time.Duration) time.Duration {
	if initial > maxFallback {
		return initial
	}
	bucket := 0
	for left := 99 * h.total / 100; left > 0; bucket++ {
		left -= min(left, uint64(h.counts[bucket]))
	}
	return min(max(lowerEdge(bucket), minFallback), maxFallback)
}

// steps is how many buckets there are to a factor of e, above the first one, which is
// for less than a millisecond. The divisor is the logarithm of 30 s in milliseconds.
const steps = (buckets - 2) / 10.308952660644293

func bucketOf(took time.Duration) int {
	ms := took.Seconds() * 1000
	if ms < 1 {
		return 0
	}
	return min(1+int(math.Log(ms)*steps), buckets-1)
}

func lowerEdge(bucket int) time.Duration {
	if bucket == 0 {
		return 0
	}
	return time.Duration(math.Exp(float64(bucket-1)/steps) * float64(time.Millisecond))
}
