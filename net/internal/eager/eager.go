// Package eager lets a connection look whether its peer has answered before it sleeps
// until it does: for the engines, whose servers may be on the same machine.
//
// To sleep and to be woken again can cost more processor time than a near server needs
// for its answer, above all where the processor is a virtual one. So who waits for such
// a server looks a few times first:
//
//	c.probe.Init(nc)
//	c.looker.Near = c.probe.CanAsk() && remote.Addr() == local.Addr()
//	…
//	c.looker.Await(&c.probe)
//	nc.Read(p)
package eager

import (
	"runtime"
	"time"
)

const (
	// lookFor is how long Await looks: about what sleeping costs, so that it never
	// costs more than twice the cheaper way.
	lookFor = 100 * time.Microsecond

	// alone is how long it may take to get the processor back after offering it. More
	// means that somebody else has use for it.
	alone = 10 * time.Microsecond

	// maxLooks bounds it where the clock stands still.
	maxLooks = 256
)

// A Looker decides for one connection whether looking pays. Each time in vain doubles
// the number of times for which it is not tried again.
type Looker struct {
	Near bool // the peer is on this machine: else Await does nothing

	skip  uint8 // calls to let pass
	pause uint8 // how many they were after the last time in vain
	crowd bool  // others had use for the processor when it was last offered
}

// Gather lets others run before something is written to the peer: what they have to
// write, to the same peer perhaps, goes out close behind. A server on this machine is
// then woken once for all of it, not for each, which is most of what a write costs. now
// is the time.
func (l *Looker) Gather(now time.Time) {
	if l.Near {
		runtime.Gosched()
		l.crowd = time.Since(now) > alone
	}
}

// Await returns when peer, a [Probe] as a rule, has something to read, or when it is
// better to sleep. Where Gather found a crowd it lets that go on: when it is through,
// the answer is nearly always there.
func (l *Looker) Await(peer interface{ Readable() bool }) {
	if !l.Near {
		return
	}
	if l.crowd {
		runtime.Gosched()
		return
	}
	if l.skip > 0 {
		l.skip--
		return
	}
	begun := time.Now()
	last := begun
	for range maxLooks {
		if peer.Readable() {
			l.pause = 0
			return
		}
		runtime.Gosched()
		now := time.Now()
		if now.Sub(begun) > lookFor || now.Sub(last) > alone {
			break
		}
		last = now
	}
	l.pause = 2*l.pause + 1 // 1, 3, 7 and so on to 255, which stays
	l.skip = l.pause
}
