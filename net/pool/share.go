package pool

import (
	"net/netip"
	"slices"
	"time"
)

// maxServed bounds the groups that one connection serves besides its own. The one
// that came first makes room: it must ask again.
const maxServed = 100

// Share offers the job that was given r to the connections that are there, an
// alternative job to alternative ones: one to any of addrs, at port, that may serve its
// host carries the requests that wait for the job, and later ones. It reports whether
// there is one. The job is over then, and what Connect returns does not matter.
//
// Only Config.Connect calls it, when it knows what the host resolves to and before it
// connects (Chromium: IP-based pooling of SpdySessionPool).
func (r *Request) Share(addrs []netip.Addr, port uint16) bool {
	if r.job == nil {
		return false
	}
	return r.job.pool.share(r.job, addrs, port)
}

func (p *Pool) share(j *job, addrs []netip.Addr, port uint16) bool {
	p.mu.Lock()
	some := p.main.candidates(j, addrs, port)
	p.mu.Unlock()
	for _, e := range some {
		if !e.sharer.Covers(j.req.Key.Host) {
			continue
		}
		p.mu.Lock()
		ok := p.main.share(time.Now(), j, e)
		p.unlock(p.main)
		if ok {
			logShared(j.log, e.conn)
			return true
		}
	}
	return false
}

// Separate ends what Share did for k: requests from now on get a connection of k's
// own. Those under way are not disturbed.
func (p *Pool) Separate(k Key) {
	p.mu.Lock()
	m := p.machine(&k)
	if g := m.groups[k]; g != nil && g.via != nil {
		m.separate(g)
		m.rebalance(time.Now())
		m.tidy(g)
	}
	p.unlock(m)
}

// candidates returns the connections to one of addrs that may carry j's requests if
// they cover its host.
func (m *machine) candidates(j *job, addrs []netip.Addr, port uint16) []*entry {
	k := &j.req.Key
	if len(m.sharers) == 0 || j.group == nil || k.shard() != m.shard {
		return nil
	}
	var some []*entry
	for _, a := range addrs {
		for _, e := range m.sharers[peer{netip.AddrPortFrom(a.Unmap(), port), j.req.Alternative}] {
			if e.group.key.sameButHost(k) {
				some = append(some, e)
			}
		}
	}
	return some
}

// share lets e serve j's group, which ends its jobs. It reports whether it does.
func (m *machine) share(now time.Time, j *job, e *entry) bool {
	g := j.group
	if g == nil {
		return true // settled already, or not wanted any more
	}
	if e.group == nil || e.retired || e.conn.Err() != nil {
		return false
	}
	if e.served.n >= maxServed {
		m.separateOldest(e)
	}
	if j.req.Alternative {
		m.supersede(g)
	}
	g.via = e
	e.served.pushBack(&g.inServed)
	if j.req.Alternative {
		m.endRival(g)
	}
	m.offer(now, e)
	m.settle(now, g)
	return true
}

// A peer is where a connection leads, and by which way.
type peer struct {
	addr        netip.AddrPort
	alternative bool
}

// offerable lists e as one that may serve other hosts, if it is.
func (m *machine) offerable(e *entry) {
	if e.sharer == nil || m.shard != (shard{}) {
		return
	}
	at := peer{e.sharer.Peer(), e.alternative}
	if !at.addr.IsValid() {
		return
	}
	if m.sharers == nil {
		m.sharers = make(map[peer][]*entry)
	}
	m.sharers[at] = append(m.sharers[at], e)
}

// unshare makes e serve no groups but its own.
func (m *machine) unshare(e *entry) {
	for g := e.served.front(); g != nil; g = e.served.front() {
		m.separate(g)
		m.tidy(g)
	}
	if e.sharer == nil {
		return
	}
	at := peer{e.sharer.Peer(), e.alternative}
	switch some := m.sharers[at]; {
	case len(some) > 1:
		m.sharers[at] = slices.DeleteFunc(some, func(o *entry) bool { return o == e })
	case len(some) == 1 && some[0] == e:
		delete(m.sharers, at)
	}
}

// separate takes g from the connection that it is served via.
func (m *machine) separate(g *group) {
	g.via = nil
	g.inServed.remove()
}

// separateOldest takes one group away from e, of those that nobody waits in.
func (m *machine) separateOldest(e *entry) {
	for g := e.served.front(); g != nil; g = g.inServed.after() {
		if g.waiting == 0 {
			m.separate(g)
			m.tidy(g)
			return
		}
	}
}
