package pool

import "time"

// rebalance gives slots that became free to the groups that stall for them.
func (m *machine) rebalance(now time.Time) {
	for m.waiting > 0 {
		g := m.topStalled()
		if g == nil || m.full() && !m.closeOneIdle(g) {
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

// yields reports whether a connection of g that became free must make room though
// requests of g wait for it: the total limit is reached, and a group that has no
// socket at all has a request that goes before them. Without this, a group that
// always has waiters keeps its sockets for ever.
func (m *machine) yields(g *group) bool {
	mine := g.top()
	if mine == nil || m.sockets() != m.total {
		return false
	}
	for o := m.hungry.front(); o != nil; o = o.inHungry.after() {
		if o.slots() == 0 && o.top().before(mine) {
			return true
		}
	}
	return false
}
