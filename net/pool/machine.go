package pool

import (
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// A machine is the pool as plain data. It is told what happened and when, and
// answers by changing itself and by leaving in fx what is to be done outside. It
// takes no lock, does no I/O, and of a Conn it asks only cheap getters.
type machine struct {
	perGroup, total   int           // limits
	usedFor, freshFor time.Duration // how long a connection may be idle

	closed error // not nil: nothing is served any more

	groups  map[Key]*group // those that have anything
	hungry  list[group]    // those with waiters
	busy    list[entry]    // connections that serve somebody
	used    list[entry]    // idle, have served; longest idle first
	fresh   list[entry]    // idle, never used; longest idle first
	jobs    int
	waiting int

	arrivals uint64 // numbers the waiters
	fx       []effect
}

// A group is what is kept for one Key.
type group struct {
	key     Key
	waiters [priorities]list[waiter] // first come first
	waiting int
	jobs    list[job] // oldest first

	// unclaimed is how many of the jobs were begun by preconnects and have not been
	// counted on by a request yet.
	unclaimed int

	busy     list[entry]
	shared   list[entry] // busy ones that may take more requests
	used     list[entry] // idle; longest idle first
	fresh    list[entry]
	backupAt time.Time // when the first job gets a backup; zero if it does not

	inHungry node[group]
}

// An entry is a connection in the pool.
type entry struct {
	conn    Conn
	multi   Multiplexed // conn, or nil if it serves one at a time
	prober  Prober      // conn, or nil if it cannot be asked
	group   *group      // nil before it was added and after it has left
	cause   error       // why it was made to leave while in use
	used    bool        // has served
	pooled  bool        // has been idle
	retired bool        // may finish what it does, and no more
	pending int         // slots of multi promised and not yet reserved
	claimed atomic.Bool // the slot of a conn that is not multi is promised and not yet reserved
	idleAt  time.Time   // since when it is idle; as long as it is, and until the next time

	inGroup, inPool node[entry]
}

func newEntry(c Conn) *entry {
	e := &entry{conn: c}
	e.multi, _ = c.(Multiplexed)
	e.prober, _ = c.(Prober)
	e.inGroup.of, e.inPool.of = e, e
	return e
}

// An effect is something that the machine decided and Pool does.
type effect struct {
	do     action
	waiter *waiter // wake
	batch  *batch  // finish
	job    *job    // start, cancel
	entry  *entry  // closeConn
	err    error   // cancel, closeConn: why
	reason string  // closeConn: why, in Chromium's words
}

type action uint8

const (
	start action = iota
	cancel
	wake
	finish
	closeConn
)

// Reasons that NetLog gives for closing a socket; Chromium's where it has one.
const (
	reasonIdleLimit  = "Idle time limit expired"
	reasonMakeRoom   = "Closed to make room for another group"
	reasonDead       = "Remote side closed connection"
	reasonGeneration = "Socket generation out of date"
	reasonFlushed    = "Pool flushed"
	reasonUnwanted   = "Connect job cancelled"
	reasonSecond     = "Another connection carries the group's requests"
)

// take returns a connection that can serve k now, or nil. The caller must reserve
// the slot and, if the connection is shared or refuses, say so with reserved or
// refused.
func (m *machine) take(now time.Time, k Key) *entry {
	m.sweep(now)
	g := m.groups[k]
	if g == nil {
		return nil
	}
	return m.pick(g)
}

// pick chooses by Chromium's order: a shared connection with room, the one used
// last, the oldest of those never used.
func (m *machine) pick(g *group) *entry {
	for e := g.shared.front(); e != nil; e = e.inGroup.after() {
		if e.free() > 0 {
			m.occupy(g, e)
			return e
		}
	}
	e := g.used.back()
	if e == nil {
		e = g.fresh.front()
	}
	if e == nil || e.multi != nil && e.free() <= 0 {
		return nil
	}
	m.occupy(g, e)
	return e
}

// changed is told that a slot of e became free or that e ended.
func (m *machine) changed(now time.Time, e *entry) {
	if e.group == nil {
		return
	}
	if e.conn.Err() == nil {
		switch {
		case e.isIdle() && e.group.waiting == 0:
			return
		case e.multi == nil && (e.claimed.Load() || e.conn.Available() == 0):
			return
		}
		e.used = e.used || e.multi == nil
	}
	m.vacant(now, e)
}

// reserved is told that a promised slot of a multiplexed connection was taken. For
// others it is enough to clear claimed: their next change is the end of that use.
func (m *machine) reserved(now time.Time, e *entry) {
	e.pending--
	e.used = true
	if e.group != nil && e.group.waiting > 0 {
		m.vacant(now, e) // a slot that freed meanwhile seemed to be the promised one
	}
}

// returned is told that whoever was given e does not want it and has not reserved
// its slot.
func (m *machine) returned(now time.Time, e *entry) {
	e.unclaim()
	if e.group != nil {
		m.vacant(now, e)
	}
}

// refused is told that the slot could not be reserved. It returns not nil if the
// connection had been taken away on purpose.
func (m *machine) refused(now time.Time, e *entry, err error) error {
	e.unclaim()
	if e.group == nil {
		return e.cause
	}
	if e.multi == nil {
		m.drop(e, err, reasonDead)
		m.rebalance(now)
		return nil
	}
	if e.conn.Err() != nil || e.conn.Available() > 0 {
		m.retire(e) // it refuses though it has room: never ask again
	}
	m.vacant(now, e)
	return nil
}

// vacant finds work for a connection that can, or might, take more.
func (m *machine) vacant(now time.Time, e *entry) {
	g := e.group
	switch ended := e.conn.Err() != nil; {
	case ended && !e.inUse():
		m.forget(e) // it closes itself
	case ended:
		m.retire(e)
	case e.retired && !e.inUse():
		m.drop(e, neterr.Aborted, reasonGeneration)
	case e.retired:
	case !e.inUse() && m.yields(g):
		m.drop(e, neterr.Aborted, reasonMakeRoom)
	default:
		m.offer(now, g, e)
	}
	m.rebalance(now)
}

// offer gives e to those who wait in its group, and parks it if nobody does.
func (m *machine) offer(now time.Time, g *group, e *entry) {
	for n := e.free(); n > 0; n-- {
		w := g.top()
		if w == nil {
			break
		}
		m.dequeue(w)
		m.give(g, w, e)
		if e.multi == nil {
			return
		}
	}
	if !e.inUse() {
		m.park(now, g, e)
	}
}

// give makes e the answer to w.
func (m *machine) give(g *group, w *waiter, e *entry) {
	w.entry, w.reused = e, e.used || e.pooled
	m.occupy(g, e)
	m.fx = append(m.fx, effect{do: wake, waiter: w})
}

// fail makes err the answer to w.
func (m *machine) fail(w *waiter, err error) {
	w.err = err
	m.fx = append(m.fx, effect{do: wake, waiter: w})
}

// occupy marks e as busy with one more request.
func (m *machine) occupy(g *group, e *entry) {
	if e.multi != nil {
		e.pending++
		if e.inGroup.in != &g.shared {
			g.shared.pushBack(&e.inGroup)
		}
	} else {
		e.claimed.Store(true)
		g.busy.pushBack(&e.inGroup)
	}
	if e.inPool.in != &m.busy {
		m.busy.pushBack(&e.inPool)
	}
}

// retire lets e finish what it does, and no more.
func (m *machine) retire(e *entry) {
	e.retired = true
	if e.inGroup.in == &e.group.shared {
		e.group.busy.pushBack(&e.inGroup)
	}
}

// drop takes e out of the pool and has it closed.
func (m *machine) drop(e *entry, err error, reason string) {
	m.forget(e)
	m.fx = append(m.fx, effect{do: closeConn, entry: e, err: err, reason: reason})
}

// forget takes e out of the pool.
func (m *machine) forget(e *entry) {
	g := e.group
	e.group = nil
	e.inGroup.remove()
	e.inPool.remove()
	m.tidy(g)
}

// unclaim takes a promise of occupy back.
func (e *entry) unclaim() {
	if e.multi != nil {
		e.pending--
	} else {
		e.claimed.Store(false)
	}
}

// free is how many more requests e can take now.
func (e *entry) free() int {
	if e.retired {
		return 0
	}
	return e.conn.Available() - e.pending
}

// inUse reports whether e serves or is promised to anybody. Of a connection that
// serves one at a time it is only asked when that one is done.
func (e *entry) inUse() bool {
	return e.multi != nil && (e.pending > 0 || e.multi.InUse() > 0)
}

func (e *entry) isIdle() bool {
	in := e.inGroup.in
	return in == &e.group.used || in == &e.group.fresh
}

// sockets is what counts towards the total limit.
func (m *machine) sockets() int { return m.busy.n + m.used.n + m.fresh.n + m.jobs }

// full reports whether the total limit is reached. Requests that ignore limits may
// have gone past it.
func (m *machine) full() bool { return m.sockets() >= m.total }
