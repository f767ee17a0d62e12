package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A waiter is a request that found no connection ready. It is answered once, by
// entry or err, and then woken.
type waiter struct {
	req     Request
	ready   chan struct{} // capacity 1; Pool's, the machine does not touch it
	arrival uint64        // 0 until it was queued for the first time
	stall   stall         // why it was not served when it came

	entry  *entry
	reused bool
	err    error
	job    netlog.Source // the job that made entry, or failed

	group   *group // while queued
	inQueue node[waiter]
}

// A stall says which limit keeps a request waiting.
type stall uint8

const (
	notStalled stall = iota
	stalledGroup
	stalledTotal
	stalledStreams // of the multiplexed connection that serves the group
	throttled      // no limit: the first job of the group may make what serves all
)

func newWaiter(r *Request) *waiter {
	w := &waiter{req: *r, ready: make(chan struct{}, 1)}
	w.inQueue.of = w
	return w
}

// request answers w, or queues it and begins what will serve it. A waiter that
// comes a second time, because its connection was dead, keeps its place.
func (m *machine) request(now time.Time, w *waiter) {
	w.entry, w.err, w.reused, w.job, w.stall = nil, nil, false, netlog.Source{}, notStalled
	if m.closed != nil {
		m.fail(w, m.closed)
		return
	}
	m.sweep(now)
	g := m.group(w.req.Key)
	if e := m.pick(now, g); e != nil {
		// Already busy in pick: only the answer is missing.
		w.entry, w.reused = e, true
		m.fx = append(m.fx, effect{do: wake, waiter: w})
		return
	}
	if g.unclaimed > 0 {
		g.unclaimed--
	} else {
		w.stall = m.supply(now, g, &w.req)
	}
	m.enqueue(g, w)
}

// supply begins a job for g, or says which limit forbids it.
func (m *machine) supply(now time.Time, g *group, r *Request) stall {
	if g.mux() != nil {
		return stalledStreams
	}
	if !g.holdTill.IsZero() {
		return throttled
	}
	if !r.IgnoreLimits {
		if g.slots() >= m.perGroup {
			return stalledGroup
		}
		if !m.admit(g) {
			return stalledTotal
		}
	}
	m.begin(now, g, r, false, nil)
	return notStalled
}

// enqueue puts w behind those of its priority; one that ignores limits goes before
// them, and so does one that comes again.
func (m *machine) enqueue(g *group, w *waiter) {
	queue := &g.waiters[min(max(w.req.Priority, exchange.Throttled), exchange.Highest)-exchange.Throttled]
	if w.arrival != 0 || w.req.IgnoreLimits {
		queue.pushFront(&w.inQueue)
	} else {
		queue.pushBack(&w.inQueue)
	}
	if w.arrival == 0 {
		m.arrivals++
		w.arrival = m.arrivals
	}
	w.group = g
	g.waiting++
	m.waiting++
	if g.waiting == 1 {
		m.hungry.pushBack(&g.inHungry)
	}
}

// dequeue takes w out of the queue.
func (m *machine) dequeue(w *waiter) {
	g := w.group
	w.group = nil
	w.inQueue.remove()
	g.waiting--
	m.waiting--
	if g.waiting == 0 {
		g.inHungry.remove()
		g.backupAt = time.Time{}
	}
}

// cancel is told that nobody waits for w any more. The job that was begun for it
// runs on, since another request may use what it makes, unless the socket is wanted
// elsewhere.
func (m *machine) cancel(now time.Time, w *waiter) {
	g := w.group
	switch {
	case w.entry != nil:
		m.returned(now, w.entry)
	case g != nil:
		m.dequeue(w)
		if m.full() && g.jobs.n > g.waiting {
			m.cancelJob(g.jobs.front(), neterr.Aborted)
			m.rebalance(now)
		}
		m.tidy(g)
	}
}

// stalledBy says which limit keeps w, which is queued, waiting now.
func (m *machine) stalledBy(w *waiter) stall {
	g := w.group
	first := g.withoutJob()
	switch {
	case g.mux() != nil:
		return stalledStreams
	case !g.holdTill.IsZero():
		return throttled
	case first == nil || w.before(first): // w has a job
	case g.slots() >= m.perGroup:
		return stalledGroup
	case m.full():
		return stalledTotal
	}
	return notStalled
}

// before reports whether w is served before v: higher priority, then first come.
// Those that ignore limits go before all.
func (w *waiter) before(v *waiter) bool {
	if w.req.IgnoreLimits != v.req.IgnoreLimits {
		return w.req.IgnoreLimits
	}
	if w.req.Priority != v.req.Priority {
		return w.req.Priority > v.req.Priority
	}
	return w.arrival < v.arrival
}
