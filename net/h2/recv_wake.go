package h2

import (
	"runtime"
	"time"
)

// A yield that takes longer than longYield is the last for crowdReads reads: a download
// on a busy machine is then hardly slower for it.
const (
	longYield  = time.Millisecond
	crowdReads = 64
)

// pause is called before a read that may block: the callers are woken together, and
// what has to be said to the peer is. If the peer is on this machine, callers that got
// a response go on before anything else, nearly always with another request: these go
// out in one write, and the answer is looked for before the reader sleeps.
func (r *receiver) pause() {
	if r.wake() && !r.ended {
		r.yield()
	}
	c := r.c
	c.mu.Lock()
	look := r.ended && r.looker.Near
	r.ended = false
	if look {
		c.gather()
		c.flushInline()
		look = c.slots.open > 0
	}
	c.flushAside()
	c.unlock()
	if look {
		r.looker.Await(&r.probe)
	}
}

// wake wakes those to be woken, and reports whether there are any.
func (r *receiver) wake() bool {
	some := len(r.wakes) > 0
	for i, st := range r.wakes {
		st.queuedWake = false
		signal(st.wake)
		r.wakes[i] = nil
	}
	r.wakes = r.wakes[:0]
	return some
}

// yield lets who reads a body go on while the processor still has in its cache what
// there is to read, and before there is much more of it. Where others are in the way, so
// that this takes long, it is left to them for a while.
func (r *receiver) yield() {
	if r.crowd > 0 {
		r.crowd--
		return
	}
	begun := r.c.now()
	runtime.Gosched()
	if r.c.now()-begun > longYield {
		r.crowd = crowdReads
	}
}

// later wakes st's caller when all that has been read is dealt with.
func (r *receiver) later(st *stream) {
	if !st.queuedWake {
		st.queuedWake = true
		r.wakes = append(r.wakes, st)
	}
}
