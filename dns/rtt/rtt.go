// Package rtt remembers how long a server took to answer, and from that how long to
// wait for it before another one is asked as well. Package dns/stub and package dns/doh
// need the same.
//
//	times := rtt.New(time.Second)
//	times.Add(took)
//	wait := times.Fallback(0)
//
// The rules are those of Chromium's ResolveContext, whose histogram this is.
package rtt

import (
	"math"
	"sort"
	"sync"
	"time"
)

// Min and Max bound what was measured.
const (
	Min = 10 * time.Millisecond
	Max = 5 * time.Second
)

// buckets is how finely times are told apart.
const buckets = 350

// edges are where the buckets begin, in milliseconds: the first at 0, the others evenly
// on a logarithmic scale from 1 ms to 30 s. They are worked out when they are first
// needed and then stay.
var edges = sync.OnceValue(func() *[buckets + 1]uint16 {
	const last = 30_000
	e := &[buckets + 1]uint16{1: 1, buckets: math.MaxUint16}
	for i := 2; i < buckets; i++ {
		low := math.Log(float64(e[i-1]))
		next := math.Exp(low + (math.Log(last)-low)/float64(buckets-i))
		e[i] = max(uint16(math.Round(next)), e[i-1]+1)
	}
	return e
})

// Times is what one server took. It is made by [New], and not safe for several
// goroutines at once.
type Times struct {
	initial time.Duration
	counts  [buckets]uint32
	total   int64
}

// New begins with two answers that took as long as is expected of a server that nothing
// is known of.
func New(initial time.Duration) Times {
	t := Times{initial: initial}
	t.Add(initial)
	t.Add(initial)
	return t
}

// Add counts one answer.
func (t *Times) Add(took time.Duration) {
	e, ms := edges(), took.Milliseconds()
	t.counts[sort.Search(buckets-1, func(i int) bool { return int64(e[i+1]) > ms })]++
	t.total++
}

// Fallback is how long to wait: longer than 99 of 100 answers took, and twice as much
// for each time that all servers were asked before, which are cycles. It lies between
// [Min] and [Max], unless New was told to expect more than that, which then holds
// whatever was measured.
func (t *Times) Fallback(cycles int) time.Duration {
	if t.initial > Max {
		return t.initial
	}
	i := 0
	for left := 99 * t.total / 100; left > 0 && i < buckets; i++ {
		left -= int64(t.counts[i])
	}
	longest := time.Duration(edges()[i]) * time.Millisecond
	return min(max(longest, Min)<<min(cycles, 10), Max)
}
