// Package eager lets a connection look whether its peer has answered before it sleeps
// until it does: for the engines, whose servers may be on the same machine.
//
// To sleep and to be woken again can cost more processor time than a near server needs
// for its answer, above all where the processor is a virtual one. So who waits for such
// a server looks a few times first, with a [Probe] or by reading what there is:
//
//	c.probe.Init(nc)
//	c.looker.Near = c.probe.CanAsk() && remote.Addr() == local.Addr()
//	…
//	c.looker.Await(&c.probe)
//	nc.Read(p)
//
//	s := eager.NewSocket(nc, wait, &c.looker)
//	…
//	s.Expect()
//	s.Read(p)
package eager

import (
	"runtime"
	"sync/atomic"
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

	// Waiting is how many of a client's connections wait for their peers, this one
	// included. Who looks keeps the scheduler from asking the network, so that the
	// others' answers would lie there: one that is not alone sleeps. nil: it is.
	Waiting *atomic.Int32

	skip  uint8 // calls to let pass
	pause uint8 // how many they were after the last time in vain
	crowd bool  // others had use for the processor when it was last offered
}

// Gather lets others run before something is written to the peer: what they have to
// write, to the same peer perhaps, goes out close behind. A server on this machine is
// then woken once for all of it, not for each, which is most of what a write costs. now
// is the time, as is what Gather returns.
func (l *Looker) Gather(now time.Time) time.Time {
	if !l.Near {
		return now
	}
	runtime.Gosched()
	after := time.Now()
	l.crowd = after.Sub(now) > alone
	return after
}

// Await returns when peer, a [Probe] as a rule, has something to read, or when it is
// better to sleep. Where Gather found a crowd it lets that go on: when it is through,
// the answer is nearly always there.
func (l *Looker) Await(peer interface{ Readable() bool }) {
	if !l.begins() {
		return
	}
	begun := time.Now()
	if peer.Readable() {
		l.pause = 0
		return
	}
	l.look(peer, begun)
}

// begins reports whether peer is to be looked at.
func (l *Looker) begins() bool {
	switch {
	case !l.Near:
		return false
	case l.crowd:
		runtime.Gosched()
		return false
	case l.skip > 0:
		l.skip--
		return false
	}
	return true
}

// look reports whether peer, which was looked at in vain since begun, has something to
// read after all.
func (l *Looker) look(peer interface{ Readable() bool }, begun time.Time) bool {
	last := begun
	for range maxLooks - 1 {
		if l.Waiting != nil && l.Waiting.Load() > 1 {
			return false
		}
		runtime.Gosched()
		now := time.Now()
		if now.Sub(begun) > lookFor || now.Sub(last) > alone {
			break
		}
		last = now
		if peer.Readable() {
			l.pause = 0
			return true
		}
	}
	l.pause = 2*l.pause + 1 // 1, 3, 7 and so on to 255, which stays
	l.skip = l.pause
	return false
}
