package pool

import "time"

// refresh makes sure that every request from now on is served by a connection made
// from now on. What is under way ends in peace.
func (m *machine) refresh(now time.Time, err error) {
	m.closeIdle(err, reasonGeneration)
	for e := m.busy.front(); e != nil; e = e.inPool.after() {
		m.retire(e)
	}
	m.cancelJobs(err)
	m.rebalance(now)
}

// flush is refresh for when what was begun is not worth waiting for: those who wait get
// err, and so do those whose connections spares refuses.
func (m *machine) flush(err error, spares func(*entry) bool) {
	for g := m.hungry.front(); g != nil; g = m.hungry.front() {
		w := g.top()
		m.dequeue(w)
		m.fail(w, err)
		m.tidy(g)
	}
	m.cancelJobs(err)
	m.closeIdle(err, reasonFlushed)
	var next *entry
	for e := m.busy.front(); e != nil; e = next {
		next = e.inPool.after()
		if spares(e) {
			m.retire(e)
			continue
		}
		e.cause = err
		m.drop(e, err, reasonFlushed)
	}
}

func (m *machine) cancelJobs(err error) {
	if m.jobs == 0 && m.rivals == 0 {
		return
	}
	for _, g := range m.groups {
		for j := g.jobs.front(); j != nil; j = g.jobs.front() {
			m.cancelJob(j, err)
		}
		m.cancelRival(g, err)
		m.tidy(g)
	}
}
