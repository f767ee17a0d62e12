package cache

import (
	"context"
	"io"

	"github.com/kaon-net/kaon/net/exchange"
)

// refresh sees to it that a stale response is refreshed behind, and reports whether it may
// serve meanwhile (RFC 5861 section 3). It may not while too many refreshes run, or when
// one has failed or hung for a minute: then it is validated first.
func (c *call) refresh(s *found) bool {
	if !refreshable(s.head, wallClock()) {
		return false
	}
	if !s.head.RefreshBy.IsZero() {
		return true // somebody is at it
	}
	if !c.t.takeRefresh() {
		return false
	}
	q := &question{}
	if begun, _ := c.t.active.begin(&q.own, c.key, c.hash, c.t.active.generation(c.hash), false); !begun {
		c.t.giveRefresh()
		return true
	}
	req := &exchange.Request{
		Method: "GET", URL: c.req.URL, Header: c.header.Clone(), Priority: exchange.Idle,
		LoadFlags: c.req.LoadFlags, Credentials: c.req.Credentials, SecureDNS: c.req.SecureDNS, Key: c.req.Key,
	}
	t, key := c.t, *c.key
	behind := &call{asker: asker{t: t, req: req, header: req.Header}, key: &key, hash: c.hash, why: exchange.ForwardStale, clean: c.clean}
	behind.plan.read(req)
	behind.noStore = behind.plan.noStore
	go func() {
		defer t.giveRefresh()
		behind.refreshNow(q)
	}()
	return true
}

// refreshNow asks the origin on behalf of nobody but the store.
func (c *call) refreshNow(q *question) {
	ctx, cancel := context.WithTimeout(c.t.ctx, refreshLimit)
	defer cancel()
	c.ctx = ctx
	key := *c.key
	s := c.find()
	if s.entry == nil || *c.key != key || c.judge(&s) == usable {
		s.close() // it is gone, or somebody was faster
		c.t.active.end(&q.own, again)
		return
	}
	h := *s.head
	h.RefreshBy = wallClock().Add(refreshLimit)
	c.renew(&s, &h)
	s.head = &h
	q.was = s
	resp, err := c.lead(q)
	if err != nil {
		return // what is stored is validated once RefreshBy has passed
	}
	_, _ = io.Copy(io.Discard, resp.Body) // the store has what came of it
	resp.Body.Close()
}
