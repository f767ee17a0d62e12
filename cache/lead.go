package cache

import (
	"context"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A question is what the origin is asked, and how it may answer. What storing the answer
// takes is in it.
type question struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	caller context.Context
	stop   func() bool // ends the watch on caller; nil if that never ends

	own active
	was found // what is stored

	validators validators // of what is stored
	validating bool       // a 304 means that it holds
	resuming   bool       // a 206 is what is missing of it
	from, to   int64      // the part that is asked for, while resuming

	sent, received time.Time

	head     store.Head // of the answer, as it is stored
	fields   [smallHead]exchange.Field
	transfer transfer
	detached bool // the transfer decides what the end of caller means; guarded by its mutex
	reader   reader
}

// lead asks the origin on behalf of all who want the same. The exchange does not end with
// the caller's context once there is a response that others may read along.
func (c *call) lead(q *question) (*exchange.Response, error) {
	q.watch(c.ctx)
	q.choose(c)
	resp, err := c.ask(q)
	if resp != nil && q.refuted(c, resp) {
		// What is stored cannot be built on: ask anew, as if there were nothing.
		resp.Body.Close()
		c.drop(q)
		c.req.NetLog.Event(logRestart)
		resp, err = c.ask(q)
	}
	if err != nil {
		return c.failed(q, err)
	}
	return c.received(q, resp)
}

// watch makes the question's context, which ends with the caller's until it is detached.
func (q *question) watch(caller context.Context) {
	q.caller = caller
	if caller.Done() == nil {
		q.ctx, q.cancel = context.WithCancelCause(caller)
		return
	}
	q.ctx, q.cancel = context.WithCancelCause(context.WithoutCancel(caller))
	q.stop = context.AfterFunc(caller, q.callerEnded)
}

func (q *question) callerEnded() {
	q.transfer.mu.Lock()
	detached := q.detached
	q.transfer.mu.Unlock()
	if detached {
		q.transfer.interrupt()
	} else {
		q.cancel(context.Cause(q.caller))
	}
}

// detach leaves it to the transfer what the end of the caller's context means. It does not
// if that has ended.
func (q *question) detach() bool {
	q.transfer.mu.Lock()
	defer q.transfer.mu.Unlock()
	q.detached = q.caller.Err() == nil
	return q.detached
}

// read is the caller's body, which reads the transfer.
func (q *question) read(c *call) *reader {
	r := &q.reader
	r.asker, r.tr = c.asker, &q.transfer
	if q.stop != nil {
		r.unwatch.Store(&q.stop)
	}
	return r
}

func (q *question) unwatch() {
	if q.stop != nil {
		q.stop()
	}
}

// done frees the context.
func (q *question) done() {
	q.unwatch()
	q.cancel(nil)
}

// choose decides what to ask, by what is stored.
func (q *question) choose(c *call) {
	s := &q.was
	if s.entry == nil || c.plan.method == methodPost {
		return
	}
	q.validators = validatorsOf(s.head.Proto, s.head.Header)
	if c.has(s) {
		q.validating = q.validators.any()
		return
	}
	if !q.validators.strong || s.head.Length <= 0 {
		return
	}
	q.from, q.to = 0, s.head.Length
	if c.plan.hasRange {
		var ok bool
		if q.from, q.to, ok = c.plan.span.within(s.head.Length); !ok {
			return
		}
	}
	extents := s.entry.Extents(nil)
	q.from = reach(extents, q.from)
	q.to = gapEnd(extents, q.from, q.to)
	q.resuming = true
}

// ask sends the question.
func (c *call) ask(q *question) (*exchange.Response, error) {
	req := c.req // whose only answer this will be, if nothing is added
	switch {
	case q.resuming:
		req = c.again()
		c.addRange(req, &q.validators, q.from, q.to)
		req.Header = c.withControl(req.Header)
	case q.validating, c.plan.sendBypass, c.plan.sendReload:
		h := c.header[:len(c.header):len(c.header)]
		if q.validating {
			h = q.validators.conditional(h)
		}
		changed := *c.req
		req = &changed
		req.Header = c.withControl(h)
	}
	q.sent = wallClock()
	resp, err := c.t.next.RoundTrip(q.ctx, req)
	q.received = wallClock()
	if err == nil {
		if c.plan.method == methodPost {
			c.t.invalidate(q.ctx, c.req, resp)
		}
		c.t.heed(q.ctx, c.req, resp)
	}
	return resp, err
}

// withControl adds what the load flags have the origin hear.
func (c *call) withControl(h exchange.Fields) exchange.Fields {
	switch {
	case c.plan.sendBypass:
		if !h.Has("Pragma") {
			h = append(h, exchange.Field{Name: "Pragma", Value: "no-cache"})
		}
		if !h.Has("Cache-Control") {
			h = append(h, exchange.Field{Name: "Cache-Control", Value: "no-cache"})
		}
	case c.plan.sendReload:
		if !h.Has("Cache-Control") {
			h = append(h, exchange.Field{Name: "Cache-Control", Value: "max-age=0"})
		}
	}
	return h
}

// refuted reports whether the answer is of no use without what is stored, and that is of
// another version or does not suit it.
func (q *question) refuted(c *call, resp *exchange.Response) bool {
	switch {
	case q.validating && resp.Status == 304:
		return !q.validators.holds(resp.Header)
	case q.resuming && resp.Status == 206:
		exact := c.plan.hasRange && !isFromStore(q, c)
		return !isPart(resp, &q.validators, q.from, q.to, q.was.head.Length) && !exact
	case q.resuming:
		return resp.Status == 416 || resp.Status == 304
	}
	return false
}

// isFromStore reports whether a part of what the caller wants is stored.
func isFromStore(q *question, c *call) bool {
	from, to, _ := c.plan.span.within(q.was.head.Length)
	return q.from != from || q.to != to
}

// drop deletes what is stored and forgets it.
func (c *call) drop(q *question) {
	if q.was.entry != nil {
		logDoom(c.req.NetLog)
		_ = q.was.entry.Delete(context.WithoutCancel(c.ctx)) // what replaces it takes its place anyway
		q.was.close()
	}
	q.validating, q.resuming = false, false
}

// failed is for a question without an answer. Who waits for it asks for himself, all at
// once; but if the caller has only gone away, the next one in his place.
func (c *call) failed(q *question, err error) (*exchange.Response, error) {
	o := alone
	if c.ctx.Err() != nil {
		o, err = again, neterr.FromContext(c.ctx) // the question's says less of why it ended
	}
	c.t.active.end(&q.own, o)
	q.done()
	if c.ctx.Err() == nil && c.standsIn(&q.was) {
		c.note = "origin failed"
		return c.stale(&q.was, 0), nil
	}
	q.was.close()
	return nil, err
}

// stale answers with what is stored though it is stale, in place of an error.
func (c *call) stale(s *found, status int) *exchange.Response {
	resp, _ := c.fromStore(s)
	info := &resp.Info.Cache
	info.Forward, info.ForwardStatus, info.Detail = exchange.ForwardStale, status, c.note
	return resp
}

// received makes of the origin's answer the caller's.
func (c *call) received(q *question, resp *exchange.Response) (*exchange.Response, error) {
	switch {
	case q.validating && resp.Status == 304:
		return c.validated(q, resp)
	case q.resuming && resp.Status == 206 && isPart(resp, &q.validators, q.from, q.to, q.was.head.Length):
		return c.resumed(q, resp)
	case isFailure(resp.Status) && c.standsIn(&q.was):
		resp.Body.Close()
		c.t.active.end(&q.own, alone)
		q.done()
		return c.stale(&q.was, resp.Status), nil
	}
	return c.keep(q, resp)
}
