package stub

import (
	"math"
	"sort"
	"time"
)

// Health is what is known of a server.
type health struct {
	rtt      histogram
	failures int       // since it last answered
	failed   time.Time // the last of them
}

// period is how long to wait for the server in a cycle of attempts counted from 0.
func (h *health) period(b *bounds, cycle int) time.Duration {
	return min(max(h.rtt.percentile(b, 99), minPeriod)<<min(cycle, 10), maxPeriod)
}

// buckets is how finely round-trip times are told apart.
const buckets = 350

// Bounds are where the buckets begin, in milliseconds: the first at 0, the others
// evenly on a logarithmic scale from 1 ms to 30 s.
type bounds [buckets + 1]uint16

func newBounds() *bounds {
	const last = 30_000
	b := &bounds{1: 1, buckets: math.MaxUint16}
	for i := 2; i < buckets; i++ {
		low := math.Log(float64(b[i-1]))
		next := math.Exp(low + (math.Log(last)-low)/float64(buckets-i))
		b[i] = max(uint16(math.Round(next)), b[i-1]+1)
	}
	return b
}

// A histogram counts round-trip times.
type histogram struct {
	counts [buckets]uint32
	total  uint32
}

// seed is what to believe before anything was measured: as if there had been two
// answers after d.
func (h *histogram) seed(b *bounds, d time.Duration) {
	h.add(b, d)
	h.add(b, d)
}

func (h *histogram) add(b *bounds, d time.Duration) {
	ms := d.Milliseconds()
	h.counts[sort.Search(buckets-1, func(i int) bool { return int64(b[i+1]) > ms })]++
	h.total++
}

// percentile is the time that n of 100 answers did not exceed, to the bucket's end.
func (h *histogram) percentile(b *bounds, n int) time.Duration {
	left := int64(n) * int64(h.total) / 100
	i := 0
	for ; left > 0 && i < buckets; i++ {
		left -= int64(h.counts[i])
	}
	return time.Duration(b[i]) * time.Millisecond
}

// A picker chooses the servers of one query, each as often as there are attempts.
type picker struct {
	next  int
	made  int // attempts
	times []int
	few   [4]int // what times usually is
}

func newPicker(servers, first int) picker {
	p := picker{next: first}
	if servers > len(p.few) {
		p.times = make([]int, servers)
	}
	return p
}

// pick returns the next server that may be asked again. Those that failed too often
// come last: the one whose failure is longest ago before the others.
func (p *picker) pick(servers []health, attempts int) int {
	times := p.count(len(servers))
	chosen := -1
	for range servers {
		i := p.next
		p.next = (p.next + 1) % len(servers)
		if times[i] >= attempts {
			continue
		}
		if servers[i].failures < attempts {
			chosen = i
			break
		}
		if chosen < 0 || servers[i].failed.Before(servers[chosen].failed) {
			chosen = i
		}
	}
	p.made++
	times[chosen]++
	return chosen
}

func (p *picker) count(servers int) []int {
	if p.times != nil {
		return p.times
	}
	return p.few[:servers]
}
