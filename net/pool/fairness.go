package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// rebalance gives slots that became free to the groups that stall for them.
func (m *machine) rebalance(now time.Time) {
	for m.waiting > 0 {
		g := m.topStalled()
		if g == nil || !m.admit(g) {
			return
		}
		m.begin(now, g, &g.withoutJob().req, false, nil)
	}
}

// topStalled returns the group whose first waiter goes before those of all other
// groups that may have one more socket; nil if none may.
func (m *machine) topStalled() *group {
	var top *group
	for g := m.hungry.front(); g != nil; g = g.inHungry.after() {
		if m.isStalled(g) && (top == nil || g.top().before(top.top())) {
			top = g
		}
	}
	return top
}

// yield gives up a connection that became free, though requests wait for it, if there
// can be no more sockets and a group that has none at all has a request that goes
// before them. Without this, a group that always has waiters keeps its sockets for
// ever. It reports whether it did.
func (m *machine) yield(now time.Time, e *entry) bool {
	w := m.next(e)
	if w == nil || !m.full() || m.sockets() > m.ceiling.most() {
		return false
	}
	for g := m.hungry.front(); g != nil; g = g.inHungry.after() {
		if g.slots() == 0 && g.via == nil && g.top().before(w) {
			m.drop(e, neterr.Aborted, reasonMakeRoom)
			if g = m.topStalled(); g != nil {
				m.begin(now, g, &g.withoutJob().req, false, nil)
			}
			return true
		}
	}
	return false
}
