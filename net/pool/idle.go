package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// park puts e among the idle.
func (m *machine) park(now time.Time, e *entry) {
	e.idleAt, e.pooled = now, true
	switch {
	case !e.used:
		e.group.fresh.pushBack(&e.inGroup)
		m.fresh.pushBack(&e.inPool)
	case e.multi != nil:
		e.group.used.pushBack(&e.inGroup)
		m.resting.pushBack(&e.inPool)
	default:
		e.group.used.pushBack(&e.inGroup)
		m.used.pushBack(&e.inPool)
	}
}

// sweep closes what has been idle for too long. The longest idle are first in their
// lists, so that it costs nothing when there is nothing to do.
func (m *machine) sweep(now time.Time) {
	for e := m.used.front(); e != nil && now.Sub(e.idleAt) >= m.usedFor; e = m.used.front() {
		m.drop(e, neterr.Aborted, reasonIdleLimit)
	}
	for e := m.fresh.front(); e != nil && now.Sub(e.idleAt) >= m.freshFor; e = m.fresh.front() {
		m.drop(e, neterr.Aborted, reasonIdleLimit)
	}
}

// closeOneIdle makes room by closing the socket that has been idle longest, but none
// of the group except; a multiplexed connection only if there is no other. It reports
// whether a socket may now take its place.
func (m *machine) closeOneIdle(except *group) bool {
	used, fresh := idlest(&m.used, except), idlest(&m.fresh, except)
	e := used
	if e == nil || fresh != nil && fresh.idleAt.Before(e.idleAt) {
		e = fresh
	}
	if e == nil {
		e = idlest(&m.resting, except)
	}
	if e == nil {
		return false
	}
	m.drop(e, neterr.Aborted, reasonMakeRoom)
	return m.sockets() < m.ceiling.most()
}

// idlest returns the first of l that is not of the group except.
func idlest(l *list[entry], except *group) *entry {
	e := l.front()
	for e != nil && e.group == except {
		e = e.inPool.after()
	}
	return e
}

// closeIdle closes all that is idle.
func (m *machine) closeIdle(err error, reason string) {
	for _, l := range [...]*list[entry]{&m.used, &m.fresh, &m.resting} {
		for e := l.front(); e != nil; e = l.front() {
			m.drop(e, err, reason)
		}
	}
}
