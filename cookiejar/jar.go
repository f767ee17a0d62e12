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
	recent recent
	count  atomic.Int64 // cookies, for who has none to look for

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
	t, bad := j.target(r)
	if bad != 0 {
		return bad
	}
	return j.receive(&t, &l, j.verdict(r), clockNow())
}

func (j *Jar) receive(t *target, l *Line, verdict Verdict, now time.Time) error {
	c, site, bad := j.build(t, l, verdict, now)
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
	at := -1
	if b != nil {
		var bad Refused
		if at, bad = b.rival(c, trusted, script); bad != 0 {
			return bad
		}
	}
	expired := c.over(now)
	switch {
	case at < 0 && !expired:
		c.own()
		j.insert(key, c)
	case at < 0:
	case expired:
		j.remove(key, b.entries[at], ExpiredOverwrite)
	case b.entries[at].Value == c.Value:
		j.renew(b, at, c)
	default:
		c.own()
		j.remove(key, b.entries[at], Overwrite)
		j.insert(key, c)
	}
	j.evict(key, now)
	return nil
}

// rival finds the cookie that c would replace, -1 if there is none, and whether others
// stand in its way.
func (b *bucket) rival(c *Cookie, trusted, script bool) (at int, bad Refused) {
	at = -1
	for i, e := range b.entries {
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
			at = i
			bad.add(ReasonOverwriteHTTPOnly, e.HTTPOnly && script)
		}
	}
	return at, bad
}

// renewedBy names the insertion of c, with the same value, in e's place.
func (e *entry) renewedBy(c *Cookie) Cause {
	if e.Expires.Equal(c.Expires) && e.Secure == c.Secure && e.HTTPOnly == c.HTTPOnly && e.SameSite == c.SameSite &&
		e.Priority == c.Priority && e.SourceScheme == c.SourceScheme && e.SourcePort == c.SourcePort {
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
