package pool

import (
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// A machine is the pool of one shard as plain data. It is told what happened and
// when, and answers by changing itself and by leaving in fx what is to be done
// outside. It takes no lock, does no I/O, and of a Conn it asks only what returns at
// once.
type machine struct {
	shard             shard
	perGroup          int // sockets
	ceiling           ceiling
	usedFor, freshFor time.Duration // how long a connection may be idle

	closed error // not nil: nothing is served any more

	groups  map[Key]*group // those that have anything
	latest  *group         // that take asked for, if there is one
	hungry  list[group]    // those with waiters
	busy    list[entry]    // connections that serve somebody
	resting list[entry]    // idle, multiplexed, have served: no time limit; longest idle first
	used    list[entry]    // other idle ones that have served; longest idle first
	fresh   list[entry]    // idle, never used; longest idle first
	jobs    int
	rivals  int
	waiting int
	sharers map[peer][]*entry // connections that may serve other hosts
	servers memory            // those known to multiplex

	arrivals uint64 // numbers the waiters
	fx       []effect
}

// A group is what is kept for one Key.
type group struct {
	key     Key
	waiters [priorities]list[waiter] // first come first
	waiting int
	jobs    list[job] // oldest first
	rival   *job      // makes an alternative connection beside them; nil if none does

	// unclaimed is how many of the jobs were begun by preconnects and have not been
	// counted on by a request yet.
	unclaimed int

	busy     list[entry]
	shared   list[entry] // busy ones that may take more requests
	used     list[entry] // idle; longest idle first
	fresh    list[entry]
	via      *entry    // another group's connection that serves this one, too
	backupAt time.Time // when the first job gets a backup; zero if it does not
	holdTill time.Time // until when waiters leave the first job alone; zero if they do not

	inHungry node[group]
	inServed node[group] // of via
}

// An entry is a connection in the pool.
type entry struct {
	conn        Conn
	multi       Multiplexed // conn, or nil if it serves one at a time
	sharer      Sharer      // conn, or nil if it serves one host
	prober      Prober      // conn, or nil if it cannot be asked
	group       *group      // nil before it was added and after it has left
	served      list[group] // the other groups that it serves
	cause       error       // why it was made to leave while in use
	used        bool        // has served
	pooled      bool        // has been idle
	retired     bool        // may finish what it does, and no more
	alternative bool        // made by a rival
	claimed     atomic.Bool // the slot of a conn that is not multi is promised and not yet reserved
	idleAt      time.Time   // since when it is idle, or was before its last request

	inGroup, inPool node[entry]
}

func newEntry(c Conn) *entry {
	e := &entry{conn: c}
	e.multi, _ = c.(Multiplexed)
	e.sharer, _ = c.(Sharer)
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
	entry  *entry  // release, closeConn
	err    error   // cancel, closeConn: why
	reason string  // closeConn: why, in Chromium's words
}

type action uint8

const (
	start action = iota
	cancel
	wake
	finish
	release
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

// take returns a connection that can serve k now, or nil. Of one that is multiplexed a
// slot is reserved. Of any other the caller must reserve it, and say so by clearing
// claimed or, if the connection refuses, with refused.
func (m *machine) take(now time.Time, k *Key) *entry {
	m.sweep(now)
	g := m.find(k)
	if g == nil {
		return nil
	}
	return m.pick(now, g)
}

// find returns the group of k, nil if there is none. One that was asked for last is found
// without a look at the map, which costs more than all else that take does.
func (m *machine) find(k *Key) *group {
	if m.latest == nil || m.latest.key != *k {
		m.latest = m.groups[*k]
	}
	return m.latest
}

// pick chooses by Chromium's order: a shared connection with room, the one used
// last, the oldest of those never used.
func (m *machine) pick(now time.Time, g *group) *entry {
	for e := g.mux(); e != nil && e.free() > 0; e = g.mux() {
		if m.occupy(now, e) {
			return e
		}
	}
	e := g.used.back()
	if e == nil {
		e = g.fresh.front()
	}
	if e == nil || e.multi != nil {
		return nil
	}
	m.occupy(now, e)
	return e
}

// changed is told that a slot of e became free or that e ended.
func (m *machine) changed(now time.Time, e *entry) {
	if e.conn.Err() == nil {
		switch {
		case e.isIdle() && m.next(e) == nil:
			return
		case e.multi == nil && (e.claimed.Load() || e.conn.Available() == 0):
			return
		}
		e.used = true
	}
	m.vacant(now, e)
}

// returned is told that whoever was given e does not want it.
func (m *machine) returned(now time.Time, e *entry) {
	if e.multi != nil {
		m.fx = append(m.fx, effect{do: release, entry: e})
		return
	}
	e.claimed.Store(false)
	if e.group != nil {
		m.vacant(now, e)
	}
}

// refused is told that the slot of e, which is not multiplexed, could not be reserved.
func (m *machine) refused(now time.Time, e *entry, err error) {
	m.drop(e, err, reasonDead)
	m.rebalance(now)
}

// vacant finds work for a connection that can, or might, take more.
func (m *machine) vacant(now time.Time, e *entry) {
	switch ended := e.conn.Err() != nil; {
	case ended && !e.inUse():
		m.forget(e) // it closes itself
	case ended:
		m.retire(e)
	case e.retired && !e.inUse():
		m.drop(e, neterr.Aborted, reasonGeneration)
	case e.retired:
	case e.inUse() || !m.yield(now, e):
		m.offer(now, e)
	}
	m.rebalance(now)
}

// offer gives e to those who wait for it, and parks it if nobody does.
func (m *machine) offer(now time.Time, e *entry) {
	w := m.next(e)
	reused := w != nil && (e.used || e.pooled || e.inUse())
	for ; w != nil && e.free() > 0; w = m.next(e) {
		if !m.occupy(now, e) {
			return
		}
		m.dequeue(w)
		w.entry, w.reused = e, reused
		m.fx = append(m.fx, effect{do: wake, waiter: w})
		if e.multi == nil {
			return
		}
	}
	if !e.inUse() && !e.isIdle() {
		m.park(now, e)
	}
}

// fail makes err the answer to w.
func (m *machine) fail(w *waiter, err error) {
	w.err = err
	m.fx = append(m.fx, effect{do: wake, waiter: w})
}

// occupy marks e as busy with one more request. A multiplexed connection may refuse
// that, though it has room: then it is never asked again.
func (m *machine) occupy(now time.Time, e *entry) bool {
	g := e.group
	switch {
	case e.multi == nil:
		e.claimed.Store(true)
		g.busy.pushBack(&e.inGroup)
	case e.multi.Reserve() != nil:
		m.retire(e)
		m.vacant(now, e)
		return false
	case e.inGroup.in == &g.shared:
		e.used, e.idleAt = true, now
	default:
		g.shared.pushBack(&e.inGroup)
	}
	if e.inPool.in != &m.busy {
		m.busy.pushBack(&e.inPool)
	}
	return true
}

// retire lets e finish what it does, and no more.
func (m *machine) retire(e *entry) {
	e.retired = true
	m.unshare(e)
	if e.inGroup.in != &e.group.busy {
		e.group.busy.pushBack(&e.inGroup)
	}
	if e.inPool.in != &m.busy {
		m.busy.pushBack(&e.inPool)
	}
}

// drop takes e out of the pool and has it closed.
func (m *machine) drop(e *entry, err error, reason string) {
	m.forget(e)
	m.fx = append(m.fx, effect{do: closeConn, entry: e, err: err, reason: reason})
}

// forget takes e out of the pool.
func (m *machine) forget(e *entry) {
	m.unshare(e)
	g := e.group
	e.group = nil
	e.inGroup.remove()
	e.inPool.remove()
	m.ceiling.released(m.sockets())
	m.tidy(g)
}

// next returns the waiter that a free slot of e goes to, nil if none waits for it.
func (m *machine) next(e *entry) *waiter {
	if m.waiting == 0 {
		return nil
	}
	w := e.group.top()
	for g := e.served.front(); g != nil; g = g.inServed.after() {
		if v := g.top(); v != nil && (w == nil || v.before(w)) {
			w = v
		}
	}
	return w
}

// free is how many more requests e can take now.
func (e *entry) free() int {
	if e.retired {
		return 0
	}
	return e.conn.Available()
}

// inUse reports whether e serves or is promised to anybody. Of a connection that
// serves one at a time it is only asked when that one is done.
func (e *entry) inUse() bool { return e.multi != nil && e.multi.InUse() > 0 }

func (e *entry) isIdle() bool {
	in := e.inGroup.in
	return in == &e.group.used || in == &e.group.fresh
}

// sockets is what counts towards the limit in all.
func (m *machine) sockets() int { return m.busy.n + m.resting.n + m.used.n + m.fresh.n + m.jobs }

// full reports whether there can be no more sockets now.
func (m *machine) full() bool { return m.ceiling.reached(m.sockets()) }

// admit reports whether g may have one more socket. If there are too many, one of
// another group that is idle makes room.
func (m *machine) admit(g *group) bool {
	return m.ceiling.allows(m.sockets()) || m.closeOneIdle(g)
}
