package pool

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// backupDelay is how long the first job of a group may take before it gets a backup:
// a lost SYN is repeated only after a second.
const backupDelay = 250 * time.Millisecond

// A Phase is how far a connect job is.
type Phase int32

// The phases. A job that reports none is taken to be connecting.
const (
	Connecting Phase = iota
	Resolving        // a second job would wait for the same answer: no backup yet
	Connected        // TCP is up: a backup would not help any more
)

// Report tells the pool how far the connect job that was given r is. Only
// Config.Connect calls it, at will; it decides about backup jobs.
func (r *Request) Report(p Phase) {
	if r.job != nil {
		r.job.phase.Store(int32(p))
	}
}

// A job is one call of Config.Connect.
type job struct {
	group  *group // nil once nobody wants what it makes
	req    Request
	phase  atomic.Int32
	backup bool   // the second of an otherwise empty group
	ahead  *batch // the preconnect it belongs to, or nil

	// Set by Pool before the job starts.
	pool *Pool
	log  netlog.Source
	ctx  context.Context
	stop context.CancelCauseFunc

	inGroup node[job]
}

// A batch is one preconnect.
type batch struct {
	left int   // jobs under way
	err  error // of the first that failed
	done chan struct{}
}

// begin starts a job for g on behalf of r.
func (m *machine) begin(now time.Time, g *group, r *Request, backup bool, ahead *batch) {
	if g.slots() == 0 && g.waiting == 0 {
		g.backupAt = now.Add(backupDelay)
	}
	if g.jobs.n == 0 && g.waiting == 0 && m.servers.has(&g.key) {
		g.holdTill = now.Add(holdTime)
	}
	j := &job{group: g, req: *r, backup: backup, ahead: ahead}
	j.inGroup.of = j
	j.req.job = j
	g.jobs.pushBack(&j.inGroup)
	m.jobs++
	if ahead != nil {
		ahead.left++
		g.unclaimed++
	}
	m.fx = append(m.fx, effect{do: start, job: j})
}

// connected is told that j ended: with a connection or with an error. Whatever it
// is, it goes to the waiter that is first now.
func (m *machine) connected(now time.Time, j *job, e *entry, err error) {
	g := j.group
	if g == nil {
		if e != nil {
			m.fx = append(m.fx, effect{do: closeConn, entry: e, err: context.Cause(j.ctx), reason: reasonUnwanted})
		}
		return
	}
	if j.req.Alternative {
		m.challenged(now, j, e, err)
		return
	}
	if err == nil {
		err = e.conn.Err() // it may have ended already
	}
	m.removeJob(j, err)
	g.holdTill = time.Time{} // whatever j was good for, is known
	if err != nil {
		m.ceiling.released(m.sockets())
		if w := g.top(); w != nil {
			w.job = j.log
			m.dequeue(w)
			m.fail(w, err)
		}
		m.rebalance(now)
		m.tidy(g)
		return
	}
	m.servers.learn(&g.key, e.multi != nil)
	if e.multi != nil && g.mux() != nil {
		m.ceiling.released(m.sockets())
		m.fx = append(m.fx, effect{do: closeConn, entry: e, err: neterr.Aborted, reason: reasonSecond})
		m.rebalance(now)
		return
	}
	if w := g.top(); w != nil {
		w.job = j.log
	}
	e.group = g
	m.offerable(e)
	m.offer(now, e)
	if e.multi != nil {
		m.settle(now, g)
		return
	}
	m.rebalance(now)
}

// cancelJob takes j out of the pool and has it stopped.
func (m *machine) cancelJob(j *job, cause error) {
	m.removeJob(j, cause)
	m.ceiling.released(m.sockets())
	m.fx = append(m.fx, effect{do: cancel, job: j, err: cause})
}

// removeJob takes j out of the pool; err is why it made no connection.
func (m *machine) removeJob(j *job, err error) {
	g := j.group
	j.group = nil
	j.inGroup.remove()
	m.jobs--
	g.unclaimed = min(g.unclaimed, g.jobs.n)
	if g.jobs.n == 0 {
		g.backupAt, g.holdTill = time.Time{}, time.Time{}
	}
	if b := j.ahead; b != nil {
		if b.err == nil {
			b.err = err
		}
		if b.left--; b.left == 0 {
			m.fx = append(m.fx, effect{do: finish, batch: b})
		}
	}
}

// tick is told that g.backupAt or g.holdTill may have passed.
func (m *machine) tick(now time.Time, g *group) {
	m.backup(now, g)
	if !g.holdTill.IsZero() && !now.Before(g.holdTill) {
		g.holdTill = time.Time{}
		m.rebalance(now)
	}
}

func (m *machine) backup(now time.Time, g *group) {
	if g.backupAt.IsZero() || now.Before(g.backupAt) {
		return
	}
	g.backupAt = time.Time{}
	switch j := g.jobs.front(); {
	case j == nil || Phase(j.phase.Load()) == Connected:
	case g.slots() >= m.perGroup || Phase(j.phase.Load()) == Resolving || !m.ceiling.allows(m.sockets()):
		g.backupAt = now.Add(backupDelay)
	case g.waiting > 0:
		m.begin(now, g, &g.top().req, true, nil)
	}
}
