package cookiejar

import (
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a Jar decides. The zero Config is Chromium's.
type Config struct {
	// Policy is asked for each request and each response, if not nil: see
	// BlockThirdParty. It may be called from several goroutines and is called with no
	// lock held; its argument must not be kept.
	Policy func(*Request) Verdict

	// Schemes have cookies besides http, https, ws and wss. They are not encrypted.
	Schemes []string

	// RedirectChain makes a redirect through another site count as cross-site (RFC
	// 6265bis section 5.2). Chromium has this off, because too many sign-ins break.
	RedirectChain bool
}

// A Jar keeps cookies. Its methods may be called from several goroutines; those that
// only read do not wait for each other. It is an http.CookieJar.
type Jar struct {
	config Config
	feed   feed
	last   atomic.Pointer[known]

	// mu guards what follows; an entry in a bucket does not change but for the atomic
	// in it, and may be read after mu is released.
	mu      sync.RWMutex
	buckets map[bucketKey]*bucket
	shared  int    // cookies in no partition
	parted  int    // cookies in partitions
	oldest  int64  // no shared cookie was accessed before, in µs
	seq     uint64 // of the last entry
}

// New returns an empty Jar.
func New(config Config) *Jar {
	config.Schemes = append([]string(nil), config.Schemes...)
	return &Jar{config: config, buckets: make(map[bucketKey]*bucket)}
}

// Receive stores the cookie of one Set-Cookie field of the response to r. A cookie that
// is refused gives a Refused that says why; one that has expired already removes what
// it would replace.
func (j *Jar) Receive(r *Request, setCookie string) error {
	l, err := ParseLine(setCookie)
	if err != nil {
		return err
	}
	return j.receive(r, &l)
}

func (j *Jar) receive(r *Request, l *Line) error {
	t, bad := j.target(r)
	if bad != 0 {
		return bad
	}
	now := clockNow()
	c, site, bad := j.build(&t, l, j.verdict(r), now)
	if bad != 0 {
		return bad
	}
	return j.commit(&c, site, t.trusted, t.Script, now)
}

// commit puts c into the jar (RFC 6265bis section 5.7, from "If the cookie store
// contains"), unless an older cookie forbids it.
func (j *Jar) commit(c *Cookie, site string, trusted, script bool, now time.Time) error {
	defer j.feed.deliver()
	j.mu.Lock()
	defer j.mu.Unlock()
	key := bucketKey{site, c.Partition}
	b := j.buckets[key]
	var old *entry
	if b != nil {
		var bad Refused
		if old, bad = b.rival(c, trusted, script); bad != 0 {
			return bad
		}
	}
	expired := c.over(now)
	cause := Inserted
	if old != nil {
		removal := Overwrite
		if expired {
			removal = ExpiredOverwrite
		}
		cause = old.overwrittenBy(c)
		if old.Value == c.Value {
			c.Created = old.Created
		}
		j.remove(key, old, removal)
	}
	if !expired {
		j.insert(key, c, cause)
	}
	j.evict(key, now)
	return nil
}

// rival finds the cookie that c would replace, and the ones that stand in its way.
func (b *bucket) rival(c *Cookie, trusted, script bool) (old *entry, bad Refused) {
	for _, e := range b.entries {
		if e.Name != c.Name {
			continue
		}
		// "Leave Secure cookies alone": one whose domain overlaps and whose path
		// covers c's would be hidden by c.
		if !trusted && e.Secure && pathMatch(e.Path, c.Path) &&
			(e.Domain == c.Domain || isUnder(e.Domain, c.Domain) || isUnder(c.Domain, e.Domain)) {
			bad.add(ReasonOverwriteSecure, true)
		}
		if e.same(c) {
			old = e
			bad.add(ReasonOverwriteHTTPOnly, e.HTTPOnly && script)
		}
	}
	return old, bad
}

// overwrittenBy names the insertion of c in e's place.
func (e *entry) overwrittenBy(c *Cookie) Cause {
	switch {
	case e.Value != c.Value:
		return Inserted
	case e.Expires.Equal(c.Expires) && e.Secure == c.Secure && e.HTTPOnly == c.HTTPOnly && e.SameSite == c.SameSite &&
		e.Priority == c.Priority && e.SourceScheme == c.SourceScheme && e.SourcePort == c.SourcePort:
		return InsertedNoChange
	}
	return InsertedNoValueChange
}

func (j *Jar) verdict(r *Request) Verdict {
	if j.config.Policy == nil {
		return Allow
	}
	own := *r // so that r can stay on its owner's stack where there is no Policy
	return j.config.Policy(&own)
}

// clockNow is the time as cookies keep it.
func clockNow() time.Time { return exact(time.Now()) }

func exact(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }
