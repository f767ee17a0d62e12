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

// closeAll ends everything: err is what those who wait and those who are served get.
func (m *machine) closeAll(err error) {
	for g := m.hungry.front(); g != nil; g = m.hungry.front() {
		w := g.top()
		m.dequeue(w)
		m.fail(w, err)
		m.tidy(g)
	}
	m.cancelJobs(err)
	m.closeIdle(err, reasonFlushed)
	for e := m.busy.front(); e != nil; e = m.busy.front() {
		e.cause = err
		m.drop(e, err, reasonFlushed)
	}
}

func (m *machine) cancelJobs(err error) {
	if m.jobs == 0 {
		return
	}
	for _, g := range m.groups {
		for j := g.jobs.front(); j != nil; j = g.jobs.front() {
			m.cancelJob(j, err)
		}
		m.tidy(g)
	}
}
