package pool

import (
	"context"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// unlock ends a step of m: it frees p.mu and does what was decided.
// Connections that have to go are closed elsewhere: a request does not wait for that.
func (p *Pool) unlock(m *machine) {
	fx, closing := p.decided(m)
	if closing {
		p.wg.Add(1)
	}
	p.mu.Unlock()
	p.run(fx)
	if closing {
		go func() {
			defer p.wg.Done()
			closeConns(fx)
		}()
	}
}

// all has every machine take a step that is about closing connections: they are closed
// when it returns.
func (p *Pool) all(step func(*machine)) {
	var fx []effect
	p.mu.Lock()
	for _, m := range p.machines() {
		step(m)
		some, _ := p.decided(m)
		fx = append(fx, some...)
	}
	p.mu.Unlock()
	p.run(fx)
	closeConns(fx)
}

// decided takes what m has left to do, and whether connections are to be closed.
func (p *Pool) decided(m *machine) (fx []effect, closing bool) {
	if checkInvariants {
		m.check()
	}
	p.discard(m)
	if len(m.fx) == 0 {
		return nil, false
	}
	fx, m.fx = m.fx, nil
	for i := range fx {
		switch fx[i].do {
		case start:
			// Here, because another step may cancel the job before this one has
			// started it, and Close may already wait.
			j := fx[i].job
			j.pool = p
			j.ctx, j.stop = context.WithCancelCause(p.ctx)
			j.log = p.jobSource(&j.req)
			j.req.NetLog = j.log
			p.wg.Add(1)
		case closeConn:
			closing = true
		}
	}
	return fx, closing
}

// run does what the machine decided, but for closing connections.
func (p *Pool) run(fx []effect) {
	for _, f := range fx {
		switch f.do {
		case start:
			go p.connect(f.job)
		case cancel:
			f.job.stop(f.err)
		case wake:
			f.waiter.ready <- struct{}{}
		case release:
			f.entry.conn.Release()
		case finish:
			close(f.batch.done)
		}
	}
}

func closeConns(fx []effect) {
	for _, f := range fx {
		if f.do != closeConn {
			continue
		}
		if src := source(f.entry.conn); src.On() {
			src.Event(netlog.SocketPoolClosingSocket, netlog.String("reason", f.reason))
		}
		f.entry.conn.Close(f.err)
	}
}

// connect carries a job out, on a goroutine of its own.
func (p *Pool) connect(j *job) {
	defer p.wg.Done()
	defer j.stop(nil)
	logJobCreated(j)
	c, err := p.cfg.Connect(j.ctx, &j.req)
	logJobEnded(j, err)
	var e *entry
	if err == nil {
		e = newEntry(c)
		c.SetStateHook(func() { p.changed(e) })
	}
	p.mu.Lock()
	m := p.machine(&j.req.Key)
	m.connected(time.Now(), j, e, err)
	p.unlock(m)
}

// sleep blocks until w has its answer, which is nil, or ctx ends. While it waits it
// keeps the time for its group.
func (p *Pool) sleep(ctx context.Context, w *waiter) error {
	begun := time.Now()
	warned := p.cfg.Logger == nil
	var timer *time.Timer
	var ring <-chan time.Time
	for {
		now := time.Now()
		next := p.nextDue(w)
		if warnAt := begun.Add(warnAfter); !warned && (next.IsZero() || warnAt.Before(next)) {
			next = warnAt
		}
		switch {
		case next.IsZero():
			ring = nil
		case timer == nil:
			timer = time.NewTimer(next.Sub(now))
			defer timer.Stop()
			ring = timer.C
		default:
			timer.Reset(next.Sub(now))
			ring = timer.C
		}
		select {
		case <-w.ready:
			return nil
		case <-ctx.Done():
			p.mu.Lock()
			m := p.machine(&w.req.Key)
			m.cancel(time.Now(), w)
			p.unlock(m)
			w.req.NetLog.Event(netlog.Cancelled)
			return neterr.FromContext(ctx)
		case <-ring:
			now = time.Now()
			p.tick(w, now)
			if !warned && now.Sub(begun) >= warnAfter {
				warned = true
				p.warn(w, now)
			}
		}
	}
}

// nextDue returns when the group that w waits in must be looked at again; zero if
// it need not be.
func (p *Pool) nextDue(w *waiter) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.group == nil {
		return time.Time{}
	}
	if at := w.group.holdTill; !at.IsZero() && (w.group.backupAt.IsZero() || at.Before(w.group.backupAt)) {
		return at
	}
	return w.group.backupAt
}

func (p *Pool) tick(w *waiter, now time.Time) {
	p.mu.Lock()
	m := p.machine(&w.req.Key)
	if w.group != nil {
		m.tick(now, w.group)
	}
	p.unlock(m)
}
