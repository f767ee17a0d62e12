package cache

import (
	"slices"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// validated answers with what is stored, which the origin says holds (RFC 9111 section
// 4.3.4).
func (c *call) validated(q *question, resp *exchange.Response) (*exchange.Response, error) {
	resp.Body.Close()
	h := renewed(q.was.head, resp.Header, q.sent, q.received)
	kept := c.keeps(h) && !q.own.doomed.Load()
	if kept {
		q.was.entry.SetHead(h)
		err := q.was.entry.Commit(q.ctx)
		logCommit(c.req.NetLog, err)
		if err != nil {
			// The entry is of no use any more, not even to be read.
			c.drop(q)
			if resp, err = c.ask(q); err != nil {
				return c.failed(q, err)
			}
			return c.received(q, resp)
		}
	} else {
		_ = q.was.entry.Delete(q.ctx)
	}
	if c.t.active.end(&q.own, again) {
		_ = q.was.entry.Delete(q.ctx)
		kept = false
	}
	q.done()
	c.fillRenewed(h, resp)
	info := &c.resp.Info.Cache
	info.Hit, info.Forward, info.ForwardStatus, info.Stored = true, c.why, resp.Status, kept
	info.Age, info.TTL = h.Rules.Age, h.Rules.Lifetime-h.Rules.Age
	c.carve(q.was.entry, h)
	return &c.resp, nil
}

// fillRenewed sets the response's head to a stored one that an answer has renewed, with
// what the answer has for the one who asked.
func (c *call) fillRenewed(h *store.Head, answer *exchange.Response) {
	c.fill(h, h.Header)
	if age, ok := h.Header.Lookup("Age"); ok {
		c.resp.Header = append(c.resp.Header, exchange.Field{Name: "Age", Value: age})
	}
	for _, f := range answer.Header {
		if transient(f.Name) {
			c.resp.Header = append(c.resp.Header, f)
		}
	}
	c.resp.Info = answer.Info
	c.resp.Info.Cache = exchange.CacheInfo{}
}

// keeps reports whether a stored response may stay after an update: what it has become may
// be such that it may not be stored, or depend on more than it is stored by.
func (c *call) keeps(h *store.Head) bool {
	d := parseDirectives(h.Header)
	if d.noStore && !d.mustUnderstand {
		return false
	}
	names, star := varyNames(h.Header)
	for _, name := range names {
		if !slices.ContainsFunc(h.Vary, func(f exchange.Field) bool { return f.Name == name }) {
			return false
		}
	}
	return !star && headerSize(h.Header) <= maxHeader
}

// resumed answers with what is stored and the rest of it, which the origin sends.
func (c *call) resumed(q *question, resp *exchange.Response) (*exchange.Response, error) {
	h := renewed(q.was.head, resp.Header, q.sent, q.received)
	if !c.keeps(h) {
		// It can be given out, but not kept: have all of it from the origin.
		resp.Body.Close()
		c.drop(q)
		resp, err := c.ask(q)
		if err != nil {
			return c.failed(q, err)
		}
		return c.received(q, resp)
	}
	c.fillRenewed(h, resp)
	info := &c.resp.Info.Cache
	info.Forward, info.ForwardStatus, info.Stored = exchange.ForwardPartial, resp.Status, true
	e := q.was.entry
	extents := e.Extents(nil)
	if !c.plan.hasRange && q.to == h.Length && (q.from == 0 || len(extents) == 1) {
		tr := c.transfer(q, resp, e, h)
		tr.have, tr.resumable = q.from, true
		if q.detach() {
			c.resp.ContentLength = h.Length
			tr.start(c.key)
			c.resp.Body = q.read(c)
			return &c.resp, nil
		}
	}
	c.carve(e, h)
	b := &c.body
	b.filling, b.own, b.extents = true, &q.own, extents
	b.net, b.netFrom, b.netEnd = resp.Body, q.from, q.to
	b.stopWith(q)
	return &c.resp, nil
}
