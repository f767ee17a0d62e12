package cache

import (
	"context"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A question is what the origin is asked, and how it may answer.
type question struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	unbind func() bool // the caller's context ends ctx no more

	own *active
	was *found // what is stored

	validators validators // of what is stored
	validating bool       // a 304 means that it holds
	resuming   bool       // a 206 is what is missing of it
	from, to   int64      // the part that is asked for, while resuming

	sent, received time.Time
}

// lead asks the origin on behalf of all who want the same. The exchange does not end with
// the caller's context once there is a response that others may read along.
func (c *call) lead(own *active, s *found) (*exchange.Response, error) {
	q := &question{own: own, was: s}
	q.ctx, q.cancel = context.WithCancelCause(context.WithoutCancel(c.ctx))
	q.unbind = func() bool { return true }
	if c.ctx.Done() != nil {
		q.unbind = context.AfterFunc(c.ctx, func() { q.cancel(context.Cause(c.ctx)) })
	}
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

// done frees the context.
func (q *question) done() {
	q.unbind()
	q.cancel(nil)
}

// choose decides what to ask, by what is stored.
func (q *question) choose(c *call) {
	s := q.was
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
	req := *c.req
	h := c.header[:len(c.header):len(c.header)]
	switch {
	case q.resuming:
		r := c.again()
		c.addRange(r, &q.validators, q.from, q.to)
		h = r.Header
	case q.validating:
		h = q.validators.conditional(h)
	}
	req.Header = c.withControl(h)
	q.sent = wallClock()
	resp, err := c.t.next.RoundTrip(q.ctx, &req)
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
	c.t.active.end(q.own, o)
	q.done()
	if c.ctx.Err() == nil && c.standsIn(q.was) {
		c.note = "origin failed"
		return c.stale(q.was, 0), nil
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
	case isFailure(resp.Status) && c.standsIn(q.was):
		resp.Body.Close()
		c.t.active.end(q.own, alone)
		q.done()
		return c.stale(q.was, resp.Status), nil
	}
	return c.keep(q, resp)
}
