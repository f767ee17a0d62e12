package cookiejar

import (
	"cmp"
	"slices"
	"strings"
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
		r, bad := c.restored(now)
		key := bucketKey{origin.Domain(r.Domain), r.Partition}
		if b := j.buckets[key]; bad != 0 || r.over(now) || b != nil && slices.ContainsFunc(b.entries, func(e *entry) bool { return e.same(&r) }) {
			left++
			continue
		}
		r.own()
		j.put(key, &r)
		touched[key] = true
	}
	for key := range touched {
		j.evict(key, now)
	}
	return left
}

// Put stores a cookie that another jar had, with its times and its partition: what
// Snapshot returned, or ReadNetscape and ReadJSON. It takes the place of one that agrees
// with it in what Cookie says, and listeners are told. One that has expired removes the
// other. The error is a Refused, for a cookie that no jar could have made.
func (j *Jar) Put(c Cookie) error {
	now := clockNow()
	r, bad := c.restored(now)
	if bad != 0 {
		return bad
	}
	r.Updated = now
	return j.commit(&r, origin.Domain(r.Domain), true, false, now)
}

func (c *Cookie) over(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// restored checks a copy of c for what holds of every cookie in a jar, and puts right
// what is only improbable.
func (c *Cookie) restored(now time.Time) (r Cookie, bad Refused) {
	r = *c
	host, valid := origin.ASCIIHost(r.Domain)
	bad.add(ReasonInvalidDomain, !valid || host != r.Domain || host == "" || host[0] == '.' || len(host) > maxHost)
	if _, registrable := origin.Registrable(r.Domain); !r.HostOnly {
		bad.add(ReasonInvalidDomain, !registrable)
	}
	for _, s := range [...]string{r.Name, r.Value, r.Path} {
		bad.add(ReasonCharacter, hasControl(s) || strings.ContainsAny(s, ";\t"))
	}
	bad.add(ReasonCharacter, strings.IndexByte(r.Name, '=') >= 0)
	bad |= checkPair(r.Name, r.Value)
	bad.add(ReasonFailureToStore, r.Path == "" || r.Path[0] != '/' || r.SameSite > Strict || r.Priority < Low || r.Priority > High)
	l := Line{Name: r.Name, Value: r.Value, Path: r.Path, Secure: r.Secure, HTTPOnly: r.HTTPOnly}
	if !r.HostOnly {
		l.Domain = r.Domain
	}
	bad.add(ReasonInvalidPrefix, !prefixKept(&l, &target{trusted: true}, true))
	bad.add(ReasonSameSiteNone, r.SameSite == None && !r.Secure)
	if bad != 0 {
		return r, bad
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
	}
	return r, 0
}
