package cookiejar

import (
	"cmp"
	"slices"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// Snapshot returns every cookie, for a store to keep; Restore takes them back. Oldest
// first, so that cookies of equal age keep their order.
func (j *Jar) Snapshot() []Cookie {
	list := j.choose(Filter{})
	slices.SortFunc(list, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.seq, b.seq))
	})
	cookies := make([]Cookie, len(list))
	for i, e := range list {
		cookies[i] = e.cookie()
	}
	return cookies
}

// Restore puts cookies back that Snapshot returned, without telling listeners of them.
// It leaves out those that have expired, that no Jar could have made, and the older of
// two that are one, and reports how many; cookies already in the jar stay. Limits hold
// as ever: what they evict is told.
func (j *Jar) Restore(cookies []Cookie) (left int) {
	defer j.feed.deliver()
	j.mu.Lock()
	defer j.mu.Unlock()
	now := clockNow()
	order := make([]*Cookie, 0, len(cookies))
	for i := range cookies {
		order = append(order, &cookies[i])
	}
	slices.SortStableFunc(order, func(a, b *Cookie) int { return b.Created.Compare(a.Created) }) // the newer of two comes first
	touched := make(map[bucketKey]bool)
	for _, c := range order {
		r, ok := c.restored(now)
		key := bucketKey{origin.Domain(r.Domain), r.Partition}
		if b := j.buckets[key]; !ok || b != nil && slices.ContainsFunc(b.entries, func(e *entry) bool { return e.same(&r) }) {
			left++
			continue
		}
		j.put(key, &r)
		touched[key] = true
	}
	for key := range touched {
		j.evict(key, now)
	}
	return left
}

// restored checks a copy of c for what holds of every cookie in a jar.
func (c *Cookie) restored(now time.Time) (r Cookie, ok bool) {
	r = *c
	if host, valid := origin.ASCIIHost(r.Domain); !valid || host != r.Domain || host == "" || host[0] == '.' || len(host) > maxHost {
		return r, false
	}
	if hasControl(r.Name) || hasControl(r.Value) || checkPair(r.Name, r.Value) != 0 ||
		hasControl(r.Path) || r.Path == "" || r.Path[0] != '/' || r.SameSite > Strict || r.Priority < Low || r.Priority > High {
		return r, false
	}
	l := Line{Name: r.Name, Value: r.Value, Path: r.Path, Secure: r.Secure, HTTPOnly: r.HTTPOnly}
	if !r.HostOnly {
		l.Domain = r.Domain
	}
	if !prefixKept(&l, &target{trusted: true}, true) {
		return r, false
	}
	if r.Created.IsZero() || r.Created.After(now) {
		r.Created = now
	}
	r.Created = exact(r.Created)
	if r.Accessed.Before(r.Created) || r.Accessed.After(now) {
		r.Accessed = r.Created
	}
	if !r.Expires.IsZero() {
		r.Expires = exact(capExpiry(r.Expires, now))
		if !now.Before(r.Expires) {
			return r, false
		}
	}
	r.own()
	return r, true
}
