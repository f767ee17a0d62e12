package cache

import (
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// rulesOf returns the head's rules, read anew if the store does not keep them.
func rulesOf(h *store.Head) store.Rules {
	if h.Rules.Known {
		return h.Rules
	}
	return readRules(h)
}

// readRules reads what a response's header says of reuse (RFC 9111 section 4.2). A private
// cache ignores s-maxage and proxy-revalidate.
func readRules(h *store.Head) store.Rules {
	f := readFreshness(h.Header)
	return f.rules(h)
}

// rules is what the fields come to, for a response with this head.
func (f *freshnessFields) rules(h *store.Head) store.Rules {
	r := store.Rules{
		Known: true, NoCache: f.noCache || f.pragmaNoCache, NoCacheFields: f.noCacheFields != "",
		MustRevalidate: f.mustRevalidate, Immutable: f.immutable,
	}
	if !r.MustRevalidate && !r.NoCache {
		r.StaleWhileRevalidate, r.StaleIfError = max(f.staleWhileRevalidate, 0), max(f.staleIfError, 0)
	}
	date, dated := parseDate(f.date, h.ResponseTime)
	if !dated {
		date = h.ResponseTime
	}
	r.Age = initialAge(h, date, f.age)
	r.Lifetime = f.lifetime(h.Status, date, r.NoCache)
	return r
}

// freshnessFields are the values of the fields that say how old a response is and how
// long it is fresh: the first of each, and what Cache-Control has.
type freshnessFields struct {
	directives
	date, expires, lastModified, age string
	expiring                         bool // Expires is there
	pragmaNoCache                    bool
}

func readFreshness(header exchange.Fields) freshnessFields {
	f := freshnessFields{directives: noDirectives()}
	for i := range header {
		name, value := header[i].Name, header[i].Value
		switch len(name) {
		case len("Age"):
			if f.age == "" && exchange.EqualName(name, "Age") {
				f.age = value
			}
		case len("Date"):
			if f.date == "" && exchange.EqualName(name, "Date") {
				f.date = value
			}
		case len("Pragma"):
			if exchange.EqualName(name, "Pragma") && exchange.HasToken(value, "no-cache") {
				f.pragmaNoCache = true
			}
		case len("Expires"):
			if !f.expiring && exchange.EqualName(name, "Expires") {
				f.expires, f.expiring = value, true
			}
		case len("Cache-Control"): // and Last-Modified
			switch {
			case exchange.EqualName(name, "Cache-Control"):
				f.parse(value)
			case f.lastModified == "" && exchange.EqualName(name, "Last-Modified"):
				f.lastModified = value
			}
		}
	}
	return f
}

// initialAge is corrected_initial_age (RFC 9111 section 4.2.3). An Age that is no number
// is ignored; of a list the first member counts.
func initialAge(h *store.Head, date time.Time, age string) time.Duration {
	apparent := max(h.ResponseTime.Sub(date), 0)
	said := time.Duration(0)
	for m := range members(age) {
		said = max(delta(m), 0)
		break
	}
	return max(apparent, said+max(h.ResponseTime.Sub(h.RequestTime), 0))
}

// lifetime is freshness_lifetime (RFC 9111 section 4.2.1). Where the origin says nothing
// it is Chromium's choice: a tenth of the time since the last modification for 200, 203
// and 206, without end for what says that it is permanent, else nothing.
func (f *freshnessFields) lifetime(status int, date time.Time, noCache bool) time.Duration {
	switch {
	case noCache || f.badMaxAge:
		return 0
	case f.maxAge != absent:
		return f.maxAge
	case f.expiring:
		expires, ok := parseDate(f.expires, date)
		if !ok {
			return 0 // RFC 9111 section 5.3: a time in the past
		}
		return min(max(expires.Sub(date), 0), forever)
	}
	switch status {
	case 200, 203, 206:
		if modified, ok := parseDate(f.lastModified, date); ok && !f.mustRevalidate {
			return min(max(date.Sub(modified)/10, 0), forever)
		}
	case 300, 301, 308, 410:
		return forever
	}
	return 0
}

// ageAt is current_age (RFC 9111 section 4.2.3). Both times are of the wall clock: the
// monotonic one stands still while a machine sleeps. ok is false if the clock was set back
// since, so that nobody knows.
func ageAt(h *store.Head, r *store.Rules, now time.Time) (age time.Duration, ok bool) {
	resident := now.Sub(h.ResponseTime)
	return r.Age + max(resident, 0), resident >= 0
}

// wallClock is the time without its monotonic part.
func wallClock() time.Time { return time.Now().Round(0) }
