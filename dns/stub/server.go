package stub

import (
	"time"

	"github.com/kaon-net/kaon/dns/rtt"
)

// Health is what is known of a server.
type health struct {
	times    rtt.Times
	failures int       // since it last answered
	failed   time.Time // the last of them
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
