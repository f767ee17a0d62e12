package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// park puts e among the idle.
func (m *machine) park(now time.Time, g *group, e *entry) {
	e.idleAt, e.pooled = now, true
	if e.used {
		g.used.pushBack(&e.inGroup)
		m.used.pushBack(&e.inPool)
	} else {
		g.fresh.pushBack(&e.inGroup)
		m.fresh.pushBack(&e.inPool)
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
// of the group except. It reports whether there is room now.
func (m *machine) closeOneIdle(except *group) bool {
	used, fresh := m.used.front(), m.fresh.front()
	for used != nil && used.group == except {
		used = used.inPool.after()
	}
	for fresh != nil && fresh.group == except {
		fresh = fresh.inPool.after()
	}
	e := used
	if e == nil || fresh != nil && fresh.idleAt.Before(e.idleAt) {
		e = fresh
	}
	if e == nil {
		return false
	}
	m.drop(e, neterr.Aborted, reasonMakeRoom)
	return !m.full()
}

// closeIdle closes all that is idle.
func (m *machine) closeIdle(err error, reason string) {
	for e := m.used.front(); e != nil; e = m.used.front() {
		m.drop(e, err, reason)
	}
	for e := m.fresh.front(); e != nil; e = m.fresh.front() {
		m.drop(e, err, reason)
	}
}
