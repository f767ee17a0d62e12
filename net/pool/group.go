package pool

import "github.com/kaon-net/kaon/net/exchange"

// priorities is how many there are, from Throttled to Highest.
const priorities = int(exchange.Highest-exchange.Throttled) + 1

// group returns the group of k, made if there is none.
func (m *machine) group(k Key) *group {
	g := m.groups[k]
	if g == nil {
		g = &group{key: k}
		g.inHungry.of, g.inServed.of = g, g
		m.groups[k] = g
	}
	return g
}

// tidy forgets g if it has nothing.
func (m *machine) tidy(g *group) {
	if g.isEmpty() {
		delete(m.groups, g.key)
		if m.latest == g {
			m.latest = nil
		}
	}
}

func (g *group) isEmpty() bool {
	return g.slots() == 0 && g.waiting == 0 && g.via == nil && g.rival == nil
}

// slots is what counts towards the limit per group.
func (g *group) slots() int { return g.sockets() + g.jobs.n }

func (g *group) sockets() int { return g.busy.n + g.shared.n + g.used.n + g.fresh.n }

// top returns the waiter to serve next, nil if nobody waits.
func (g *group) top() *waiter {
	if g.waiting == 0 {
		return nil
	}
	for i := len(g.waiters) - 1; i >= 0; i-- {
		if w := g.waiters[i].front(); w != nil {
			return w
		}
	}
	return nil
}

// withoutJob returns the first waiter in the queue that no job is under way for:
// the first have one each, as many as there are jobs. It is nil if all have one.
func (g *group) withoutJob() *waiter {
	n := g.jobs.n
	for i := len(g.waiters) - 1; i >= 0; i-- {
		if n >= g.waiters[i].n {
			n -= g.waiters[i].n
			continue
		}
		w := g.waiters[i].front()
		for ; n > 0; n-- {
			w = w.inQueue.after()
		}
		return w
	}
	return nil
}

// isStalled reports whether g could use one more socket and the limit per group
// allows it.
func (m *machine) isStalled(g *group) bool {
	return g.waiting > g.jobs.n && g.slots() < m.perGroup && g.holdTill.IsZero() && g.mux() == nil
}
