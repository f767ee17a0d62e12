package cache

import (
	"context"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// askAlone asks the origin for this request and nobody else, and stores nothing.
func (c *call) askAlone() (*exchange.Response, error) {
	req := *c.req
	req.Header = c.withControl(c.header[:len(c.header):len(c.header)])
	resp, err := c.t.next.RoundTrip(c.ctx, &req)
	if err != nil {
		return nil, err
	}
	c.t.heed(c.ctx, c.req, resp)
	resp.Info.Cache = exchange.CacheInfo{Forward: c.why, Detail: c.note}
	return resp, nil
}

// askHead asks the origin with HEAD. What it says goes for a stored GET, too (RFC 9111
// section 4.3.5).
func (c *call) askHead(s *found) (*exchange.Response, error) {
	defer s.close()
	req := *c.req
	h := c.header[:len(c.header):len(c.header)]
	var v validators
	if s.entry != nil {
		v = validatorsOf(s.head.Proto, s.head.Header)
		h = v.conditional(h)
	}
	req.Header = c.withControl(h)
	sent := wallClock()
	resp, err := c.t.next.RoundTrip(c.ctx, &req)
	received := wallClock()
	if err != nil {
		if c.ctx.Err() == nil && c.standsIn(s) {
			c.note = "origin failed"
			return c.stale(s, 0), nil
		}
		return nil, err
	}
	c.t.heed(c.ctx, c.req, resp)
	resp.Info.Cache = exchange.CacheInfo{Forward: c.why, Detail: "HEAD"}
	if s.entry == nil || c.noStore {
		return resp, nil
	}
	switch {
	case resp.Status == 304 && v.any() && v.holds(resp.Header):
		head := renewed(s.head, resp.Header, sent, received)
		c.renew(s, head)
		resp.Body.Close()
		c.fillRenewed(head, resp)
		c.resp.Info.Cache = exchange.CacheInfo{
			Hit: true, Forward: c.why, ForwardStatus: 304, Stored: true,
			Age: head.Rules.Age, TTL: head.Rules.Lifetime - head.Rules.Age,
		}
		c.resp.Body = &c.body
		return &c.resp, nil
	case isFailure(resp.Status) && c.standsIn(s):
		resp.Body.Close()
		return c.stale(s, resp.Status), nil
	case resp.Status == 200 && v.sameVersion(resp.Header) && (resp.ContentLength < 0 || s.head.Length < 0 || resp.ContentLength == s.head.Length):
		c.renew(s, renewed(s.head, resp.Header, sent, received))
	case c.outdates(resp.Status):
		_ = s.entry.Delete(context.WithoutCancel(c.ctx))
	}
	return resp, nil
}

// sameVersion reports whether an answer has the validators of what is stored.
func (v *validators) sameVersion(answer exchange.Fields) bool {
	return answer.Get("ETag") == v.etag && answer.Get("Last-Modified") == v.lastModified
}

// renew stores another head for an entry, or deletes it if it may not stay.
func (c *call) renew(s *found, h *store.Head) {
	ctx := context.WithoutCancel(c.ctx)
	if !c.keeps(h) {
		_ = s.entry.Delete(ctx)
		return
	}
	s.entry.SetHead(h)
	err := s.entry.Commit(ctx)
	logCommit(c.req.NetLog, err)
	if err != nil {
		_ = s.entry.Delete(ctx)
	}
}

// conditioned passes a condition of the caller's to the origin, and its answer to the
// caller. If it is what the cache would have asked, the answer renews what is stored.
func (c *call) conditioned(s *found) (*exchange.Response, error) {
	defer s.close()
	req := *c.req
	req.Header = c.withControl(c.header[:len(c.header):len(c.header)])
	sent := wallClock()
	resp, err := c.t.next.RoundTrip(c.ctx, &req)
	received := wallClock()
	if err != nil {
		return nil, err
	}
	c.t.heed(c.ctx, c.req, resp)
	resp.Info.Cache = exchange.CacheInfo{Forward: exchange.ForwardRequest, Detail: "a condition of the caller's"}
	if s.entry == nil || c.noStore {
		return resp, nil
	}
	v := validatorsOf(s.head.Proto, s.head.Header)
	switch {
	case resp.Status == 304 && v.asked(&c.plan) && v.holds(resp.Header):
		c.renew(s, renewed(s.head, resp.Header, sent, received))
		resp.Info.Cache.Stored = true
	case resp.Status == 200 && !v.sameVersion(resp.Header):
		_ = s.entry.Delete(context.WithoutCancel(c.ctx)) // the origin has another one by now
	}
	return resp, nil
}

// around sends a request past the cache.
func (c *call) around() (*exchange.Response, error) {
	resp, err := c.t.next.RoundTrip(c.ctx, c.req)
	if err != nil {
		return nil, err
	}
	why := exchange.ForwardBypass
	if c.plan.method >= methodSafe {
		why = exchange.ForwardMethod
	}
	resp.Info.Cache = exchange.CacheInfo{Forward: why, Detail: c.plan.past}
	if c.plan.method == methodOther {
		c.t.invalidate(c.ctx, c.req, resp)
	}
	c.t.heed(c.ctx, c.req, resp)
	return resp, nil
}
