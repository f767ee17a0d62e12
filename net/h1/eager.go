package h1

import (
	"runtime"
	"time"
)

// To sleep until an answer comes and to be woken again can cost more processor time
// than a server on the same machine needs for the answer, above all where the
// processor is a virtual one. So an exchange with such a server looks a few times
// whether the answer is there before it sleeps.
const (
	// eagerFor is how long it looks: about what sleeping costs, so that it never
	// costs more than twice the cheaper way.
	eagerFor = 100 * time.Microsecond

	// eagerAlone is how long it may take to get the processor back after offering
	// it. More means that somebody else has use for it.
	eagerAlone = 10 * time.Microsecond

	// eagerLooks bounds it where the clock stands still.
	eagerLooks = 256
)

// An eager decides for one connection whether looking pays. Each time in vain doubles
// the number of exchanges for which it is not tried again.
type eager struct {
	near  bool  // the peer is on this machine
	skip  uint8 // exchanges to let pass
	pause uint8 // how many they were after the last time in vain
}

// await returns when there is something to read, or when it is better to sleep.
func (e *eager) await(peer interface{ readable() bool }) {
	if !e.near {
		return
	}
	if e.skip > 0 {
		e.skip--
		return
	}
	begun := time.Now()
	last := begun
	for range eagerLooks {
		if peer.readable() {
			e.pause = 0
			return
		}
		runtime.Gosched()
		now := time.Now()
		if now.Sub(begun) > eagerFor || now.Sub(last) > eagerAlone {
			break
		}
		last = now
	}
	e.pause = 2*e.pause + 1 // 1, 3, 7 and so on to 255, which stays
	e.skip = e.pause
}
