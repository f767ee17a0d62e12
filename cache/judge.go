package cache

import (
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// A verdict says whether a stored response may be given out.
type verdict uint8

const (
	unusable   verdict = iota // not without the origin's word
	usable                    // as it is
	refreshing                // if it is refreshed behind (RFC 5861 section 3)
)

// serves decides whether the entry answers the request as it is, and starts the refresh
// that may be the condition. If not, why says the reason.
func (c *call) serves(s *found) bool {
	switch c.judge(s) {
	case unusable:
		return false
	case refreshing:
		if c.plan.only || c.noStore || c.plan.hasRange || c.plan.method != methodGet || s.head.State != store.Complete || !c.refresh(s) {
			return false
		}
	}
	if c.has(s) {
		return true
	}
	c.why = exchange.ForwardPartial
	return false
}

// has reports whether what the request wants of the body is there.
func (c *call) has(s *found) bool {
	switch {
	case c.plan.method == methodHead:
		return true
	case s.head.State == store.Complete:
		return true
	case !c.plan.hasRange:
		return false
	}
	from, to, ok := c.plan.span.within(s.head.Length)
	return ok && covered(s.entry.Extents(nil), from, to)
}

// judge says what the age of an entry and the wishes of a request come to (RFC 9111
// sections 4.2 and 5.2.1). What load flags say overrules what the response says.
func (c *call) judge(s *found) verdict {
	p, r := &c.plan, &s.rules
	if p.skip {
		return usable
	}
	c.why = exchange.ForwardRequest
	if p.validate {
		return unusable
	}
	left := r.Lifetime - s.age
	fresh := left > 0 && s.aged && !r.NoCache
	switch {
	case p.reload && !(fresh && r.Immutable): // RFC 8246 section 2
		return unusable
	case p.maxAge > 0 && s.age > p.maxAge:
		return unusable
	case p.minFresh != absent && left < p.minFresh:
		return unusable
	case fresh:
		return usable
	}
	c.why = exchange.ForwardStale
	switch {
	case !s.aged || r.NoCache || r.MustRevalidate:
		return unusable
	case p.maxStale != absent && -left <= p.maxStale:
		return usable
	case -left < r.StaleWhileRevalidate && p.maxAge == absent && p.minFresh == absent:
		return refreshing
	}
	return unusable
}

// standsIn reports whether a stale response may be given out in place of an error (RFC 5861
// section 4).
func (c *call) standsIn(s *found) bool {
	if s.entry == nil || !s.aged || s.rules.NoCache || s.rules.MustRevalidate || c.plan.validate || !c.has(s) {
		return false
	}
	allowed := max(s.rules.StaleIfError, c.plan.staleIfError)
	return allowed > 0 && s.age-s.rules.Lifetime <= allowed
}

// isFailure reports whether a status is an error that a stale response may stand in for.
func isFailure(status int) bool {
	switch status {
	case 500, 502, 503, 504:
		return true
	}
	return false
}

// refreshable reports whether nothing is known of a refresh that has failed or hangs, so
// that a stale response serves.
func refreshable(h *store.Head, now time.Time) bool {
	return h.RefreshBy.IsZero() || now.Before(h.RefreshBy) && h.RefreshBy.Sub(now) <= refreshLimit
}
