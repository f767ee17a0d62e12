package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// mux returns the multiplexed connection that serves the group, its own or another
// group's, nil if none does.
// A group that has one makes no other (Chromium: one SpdySession for a key): requests
// beyond what it may carry wait for its slots.
func (g *group) mux() *entry {
	if e := g.shared.front(); e != nil {
		return e
	}
	if g.via != nil {
		return g.via
	}
	for _, l := range [...]*list[entry]{&g.used, &g.fresh} {
		if e := l.front(); e != nil && e.multi != nil {
			return e
		}
	}
	return nil
}

// settle is told that g has a connection that can carry many requests, its only one:
// jobs that were begun before it was known are not needed any more. A preconnect has
// with it what it wanted.
func (m *machine) settle(now time.Time, g *group) {
	for j := g.jobs.front(); j != nil; j = g.jobs.front() {
		m.removeJob(j, nil)
		m.ceiling.released(m.sockets())
		m.fx = append(m.fx, effect{do: cancel, job: j, err: neterr.Aborted})
	}
	m.rebalance(now)
}
