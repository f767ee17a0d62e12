package cookiejar

import (
	"slices"
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// room is space on the stack for the cookies of one request: as many as a site has,
// shared and partitioned.
type room [2 * maxPerSite]*entry

// AppendHeader appends the value of r's Cookie field to b, nothing if r has no cookies
// (RFC 6265bis section 5.8). It allocates only what b lacks.
func (j *Jar) AppendHeader(b []byte, r *Request) []byte {
	if j.Len() == 0 { // before room is cleared, which takes longer
		return b
	}
	var room room
	for i, e := range j.pick(room[:0], r) {
		if i > 0 {
			b = append(b, "; "...)
		}
		if e.Name != "" {
			b = append(append(b, e.Name...), '=')
		}
		b = append(b, e.Value...)
	}
	return b
}

// Header returns what AppendHeader appends, allocating the string alone.
func (j *Jar) Header(r *Request) string {
	if j.Len() == 0 {
		return ""
	}
	var room room
	list := j.pick(room[:0], r)
	n := 0
	for _, e := range list {
		n += len(e.Name) + len("=") + len(e.Value) + len("; ")
	}
	var b strings.Builder
	b.Grow(n)
	for i, e := range list {
		if i > 0 {
			b.WriteString("; ")
		}
		if e.Name != "" {
			b.WriteString(e.Name)
			b.WriteByte('=')
		}
		b.WriteString(e.Value)
	}
	return b.String()
}

// pick appends the cookies that r sends to list, in order, and notes that they were
// used.
func (j *Jar) pick(list []*entry, r *Request) []*entry {
	t, bad := j.target(r)
	if bad != 0 {
		return list
	}
	verdict := j.verdict(r)
	if verdict == Block {
		return list
	}
	now := time.Now().UnixMicro()
	var stale bool
	j.mu.RLock()
	if verdict == Allow && !r.Key.HasNonce() {
		list, stale = j.gather(list, &t, origin.Key{}, now)
	}
	if !r.Key.IsZero() && j.parted > 0 {
		n := len(list)
		var old bool
		list, old = j.gatherPartition(list, &t, now)
		stale = stale || old
		if 0 < n && n < len(list) {
			slices.SortFunc(list, sendOrder)
		}
	}
	j.mu.RUnlock()
	for _, e := range list {
		e.touch(now)
	}
	if stale {
		j.expire(&t)
	}
	return list
}

// gatherPartition gathers from the partition that t is in. Which of the two of its
// page that is depends on the registrable domain, which a bucket knows.
func (j *Jar) gatherPartition(list []*entry, t *target, now int64) (_ []*entry, stale bool) {
	if t.Key.HasNonce() {
		return j.gather(list, t, t.Key, now)
	}
	for _, crossSite := range []bool{false, true} {
		key := PartitionKey(t.Key, crossSite)
		if site, b := j.find(t.host, key); b != nil && t.crossSiteFrame(site) == crossSite {
			return j.gather(list, t, key, now)
		}
	}
	return list, false
}

// gather appends the cookies of one partition that t sends. stale: one has expired.
func (j *Jar) gather(list []*entry, t *target, partition origin.Key, now int64) (_ []*entry, stale bool) {
	site, b := j.find(t.host, partition)
	if b == nil {
		return list, false
	}
	// What matches below is of this host's site, so site is the host's registrable
	// domain if it matters.
	reach := t.reach(site, j.config.RedirectChain)
	for _, e := range b.entries {
		switch {
		case e.expired(now):
			stale = true
		case e.sentTo(t) && !(e.HTTPOnly && t.Script) && e.reachable(reach, now):
			list = append(list, e)
		}
	}
	return list, stale
}

// sentTo looks at host, path and scheme alone.
func (e *entry) sentTo(t *target) bool {
	return (t.trusted || !e.Secure) && e.domainMatch(t.host) && pathMatch(e.Path, t.path)
}

// laxUnsafeAge is how long a cookie without SameSite is also sent with a navigation
// from another site by POST: sign-in pages depend on it.
const laxUnsafeAge = int64(2 * time.Minute / time.Microsecond)

// reachable: SameSite lets a request of that reach have the cookie.
func (e *entry) reachable(r reach, now int64) bool {
	switch e.SameSite {
	case None:
		return e.Secure
	case Strict:
		return r == strict
	case Unspecified:
		return r >= lax || r == laxUnsafe && now-e.created <= laxUnsafeAge
	}
	return r >= lax
}

// touch notes that e is used; once a minute is enough to order evictions.
func (e *entry) touch(now int64) {
	if now-e.accessed.Load() >= int64(time.Minute/time.Microsecond) {
		e.accessed.Store(now)
	}
}

// expire removes what has expired from where t looks.
func (j *Jar) expire(t *target) {
	defer j.feed.deliver()
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for _, partition := range []origin.Key{{}, PartitionKey(t.Key, false), PartitionKey(t.Key, true)} {
		if site, b := j.find(t.host, partition); b != nil {
			j.sweepExpired(bucketKey{site, partition}, b, now)
		}
	}
}
