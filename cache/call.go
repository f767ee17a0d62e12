package cache

import (
	"context"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A call is one request through the cache, on the stack of who makes it: what outlives it
// is in a reply or in a question.
type call struct {
	asker

	plan  plan
	key   *store.Key
	hash  uint64 // of the key's URL
	clean bool   // the store has no list of variants for the URL
	until time.Time
	why   exchange.CacheForward // why the origin is asked
	note  string                // what else there is to say about it

	*reply
}

// An asker is what it takes to ask the origin, also for what the store turns out to lack.
type asker struct {
	t       *Transport
	ctx     context.Context
	req     *exchange.Request
	header  exchange.Fields // the caller's own
	noStore bool            // nothing of the answer is kept
}

// A reply is a response that is not the origin's own.
type reply struct {
	resp   exchange.Response
	body   part
	fields [smallHead]exchange.Field
}

// smallHead is how many fields a head has room for without an allocation of their own.
const smallHead = 12

// found is an entry that suits a request.
type found struct {
	entry store.Entry // nil if there is none
	head  *store.Head
	rules store.Rules
	age   time.Duration
	aged  bool // age is known
}

func (s *found) close() {
	if s.entry != nil {
		s.entry.Close()
		s.entry = nil
	}
}

// maxLooks is how often a request looks into the store because something has changed,
// before it asks the origin for itself alone.
const maxLooks = 4

// answer finds out who has the answer: the store, somebody who is just asking for it, or
// the origin.
func (c *call) answer() (*exchange.Response, error) {
	for looks := 1; looks <= maxLooks; looks++ {
		generation := c.t.active.generation(c.hash)
		var s found
		c.why = exchange.ForwardRequest
		if !c.plan.replace {
			s = c.find()
			if s.entry != nil && (!c.plan.condition || c.plan.only) && c.serves(&s) {
				return c.fromStore(&s)
			}
		}
		switch {
		case c.plan.only:
			s.close()
			return c.miss()
		case c.plan.condition:
			return c.conditioned(&s)
		case c.plan.method == methodHead:
			return c.askHead(&s)
		case c.noStore:
			s.close()
			c.note = "no-store in the request"
			return c.askAlone()
		}
		if looks == maxLooks { // what ends all the time are other keys, most likely
			generation = c.t.active.generation(c.hash)
		}
		q := &question{was: s}
		begun, other := c.t.active.begin(&q.own, c.key, c.hash, generation, c.plan.replace)
		if begun {
			return c.lead(q)
		}
		s.close()
		if other == nil {
			continue
		}
		switch tr, o := c.await(other); o {
		case shared:
			return c.readAlong(tr), nil
		case alone:
			return c.askAlone()
		case pending:
			c.req.CloseBody()
			return nil, neterr.FromContext(c.ctx)
		}
	}
	return c.askAlone()
}

// find opens the entry that is for the request, if there is one, and sets the key's
// variant to what the request's response would have.
func (c *call) find() (s found) {
	c.key.Variant, c.clean = 0, false
	c.why = exchange.ForwardURIMiss
	logOpen(c.req.NetLog)
	defer func() { logOpened(c.req.NetLog, s.entry != nil) }()
	e, err := c.t.store.Open(c.ctx, c.key)
	if err != nil {
		c.clean = true
		return s
	}
	h := e.Head()
	if h.State == store.Variants {
		e.Close()
		c.why = exchange.ForwardVaryMiss
		c.key.Variant = variantOf(h.Vary, c.header)
		if e, err = c.t.store.Open(c.ctx, c.key); err != nil {
			return s
		}
		if h = e.Head(); h.State == store.Variants || !suits(h.Vary, c.header) {
			e.Close()
			return s
		}
	} else {
		c.clean = true
	}
	s = found{entry: e, head: h, rules: rulesOf(h)}
	s.age, s.aged = ageAt(h, &s.rules, wallClock())
	return s
}

// await waits for what comes of another request's work, and says what this one does: take
// part (shared), look again, go alone, or nothing more (pending) since its context ended.
func (c *call) await(other *active) (*transfer, outcome) {
	limit := lockLimit
	if c.plan.hasRange {
		limit = rangeLockLimit
	}
	now := time.Now()
	if c.until.IsZero() {
		c.until = now.Add(limit)
	}
	src := c.req.NetLog
	src.Begin(logAddToEntry)
	defer src.End(logAddToEntry)
	timer := time.NewTimer(c.until.Sub(now))
	defer timer.Stop()
	if other.settled != nil {
		select {
		case <-other.settled:
		case <-timer.C:
			return nil, c.giveUp()
		case <-c.ctx.Done():
			return nil, pending
		}
	}
	if other.outcome != shared {
		return nil, other.outcome
	}
	tr := other.transfer
	switch {
	case !suits(tr.head.Vary, c.header):
		return nil, again
	case c.plan.hasRange:
		return c.awaitEnd(tr, timer)
	case c.plan.validate, !c.content(tr.head):
		return nil, alone
	case !tr.join():
		return nil, again
	}
	return tr, shared
}

// awaitEnd waits for a transfer whose entry a range may be a part of.
func (c *call) awaitEnd(tr *transfer, timer *time.Timer) (*transfer, outcome) {
	for {
		ended, wake := tr.progress()
		if ended {
			return nil, again
		}
		select {
		case <-wake:
		case <-timer.C:
			return nil, c.giveUp()
		case <-c.ctx.Done():
			return nil, pending
		}
	}
}

// giveUp is for who has waited long enough.
func (c *call) giveUp() outcome {
	c.why, c.note = exchange.ForwardBypass, "another request is at it"
	return alone
}

// content reports whether the request can have a response that has just come.
func (c *call) content(h *store.Head) bool {
	s := found{head: h, rules: rulesOf(h)}
	s.age, s.aged = ageAt(h, &s.rules, wallClock())
	why := c.why // not of what has just come
	defer func() { c.why = why }()
	return c.judge(&s) == usable
}

// miss is the answer to who does not want the origin asked.
func (c *call) miss() (*exchange.Response, error) {
	c.req.CloseBody()
	if !c.plan.only504 {
		return nil, neterr.CacheMiss
	}
	c.reply = &reply{}
	c.resp = exchange.Response{Status: 504, StatusText: "Gateway Timeout", Proto: "HTTP/1.1", Body: &c.body}
	c.resp.Header = exchange.Fields{{Name: "Content-Length", Value: "0"}}
	c.resp.Info.Cache.Detail = "only-if-cached"
	return &c.resp, nil
}
