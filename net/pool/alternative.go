package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// Alternative begins a job that makes a connection for r.Key in another way than the
// group's own jobs do, beside them and beside the connections that there are. Connect
// knows it by [Request.Alternative], and it must return a [Multiplexed].
//
// It is a race that nobody waits for: the first connection, whose ever, serves those who
// wait. The alternative one, if it comes to be, takes the group over, sooner or later:
// the group's own jobs are cancelled, and its own connections end in peace. That it does
// not is nobody's failure. As Chromium's QUIC sessions it is no socket to any limit
// while it is made.
//
// Alternative reports whether it has begun: a group has one such job or connection.
func (p *Pool) Alternative(r *Request) bool {
	p.mu.Lock()
	m := p.machine(&r.Key)
	ok := m.challenge(r)
	p.unlock(m)
	return ok
}

// Abandon keeps later requests for k from the alternative connection that serves it,
// its own or another host's. Exchanges under way are not disturbed.
func (p *Pool) Abandon(k Key) {
	p.mu.Lock()
	m := p.machine(&k)
	if g := m.groups[k]; g != nil && g.isOvertaken() {
		m.supersede(g)
		m.rebalance(time.Now())
		m.tidy(g)
	}
	p.unlock(m)
}

// challenge begins g's rival.
func (m *machine) challenge(r *Request) bool {
	if m.closed != nil {
		return false
	}
	g := m.group(r.Key)
	if g.rival != nil || g.isOvertaken() {
		return false
	}
	j := &job{group: g, req: *r}
	j.req.Alternative, j.req.job = true, j
	g.rival = j
	m.rivals++
	m.fx = append(m.fx, effect{do: start, job: j})
	return true
}

// challenged is told that the rival j ended.
func (m *machine) challenged(now time.Time, j *job, e *entry, err error) {
	g := j.group
	if err == nil {
		err = e.conn.Err() // it may have ended already
	}
	if err != nil {
		m.endRival(g)
		m.tidy(g)
		return
	}
	m.supersede(g)
	m.endRival(g) // from here on the connection keeps the group
	m.servers.learn(&g.key, true)
	e.alternative, e.group = true, g
	m.offerable(e)
	m.offer(now, e)
	m.settle(now, g)
}

// endRival forgets g's rival, if it has one.
func (m *machine) endRival(g *group) {
	if g.rival != nil {
		g.rival.group = nil
		g.rival = nil
		m.rivals--
	}
}

// cancelRival has g's rival stopped, if it has one.
func (m *machine) cancelRival(g *group, cause error) {
	if j := g.rival; j != nil {
		m.endRival(g)
		m.fx = append(m.fx, effect{do: cancel, job: j, err: cause})
	}
}

// supersede keeps later requests from all that serves g now.
func (m *machine) supersede(g *group) {
	if g.via != nil {
		m.separate(g)
	}
	for _, l := range [...]*list[entry]{&g.used, &g.fresh} {
		for e := l.front(); e != nil; e = l.front() {
			m.drop(e, neterr.Aborted, reasonSecond)
		}
	}
	for _, l := range [...]*list[entry]{&g.busy, &g.shared} {
		var next *entry
		for e := l.front(); e != nil; e = next {
			if next = e.inGroup.after(); !e.retired {
				m.retire(e)
			}
		}
	}
}

// isOvertaken reports whether an alternative connection carries g.
func (g *group) isOvertaken() bool {
	e := g.mux()
	return e != nil && e.alternative
}
