package cookiejar

import (
	"iter"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/kaon-net/kaon/net/origin"
)

// A Filter chooses cookies: those that meet every field that is set. The zero Filter
// chooses all. new(true) and new("name") make the pointers.
type Filter struct {
	// URL: what a request to it would have, whatever SameSite, HttpOnly and the
	// partition say.
	URL *url.URL

	// Domain: the cookies of a domain and of all under it.
	Domain string

	// Host: the cookies that are sent to a host, be it their domain or below it.
	Host string

	Name *string // exact; new("") for the nameless
	Path *string // exact

	Secure, Session, HTTPOnly *bool
}

// All returns the cookies that f chooses as they are now, longer paths first, then
// older ones. It does not count as use.
func (j *Jar) All(f Filter) iter.Seq[Cookie] {
	return func(yield func(Cookie) bool) {
		for _, e := range j.choose(f) {
			if !yield(e.cookie()) {
				return
			}
		}
	}
}

// Get is All in a slice.
func (j *Jar) Get(f Filter) []Cookie { return slices.Collect(j.All(f)) }

// Len returns how many cookies there are, expired ones that nobody has asked for since
// included.
func (j *Jar) Len() int { return int(j.count.Load()) }

// Remove removes the cookies of that name that a request to u would have, and reports
// how many. Secure ones stay if u is not encrypted.
func (j *Jar) Remove(u *url.URL, name string) int {
	if u == nil {
		return 0
	}
	return j.RemoveAll(Filter{URL: u, Name: &name})
}

// RemoveAll removes the cookies that f chooses, and reports how many.
func (j *Jar) RemoveAll(f Filter) int { return j.discard(j.choose(f), Explicit) }

// RemoveFunc removes the cookies for which match is true, and reports how many. match
// is called with no lock held.
func (j *Jar) RemoveFunc(match func(*Cookie) bool) int {
	list := slices.DeleteFunc(j.choose(Filter{}), func(e *entry) bool {
		c := e.cookie()
		return !match(&c)
	})
	return j.discard(list, Explicit)
}

// discard removes those of list that are still there.
func (j *Jar) discard(list []*entry, cause Cause) (n int) {
	defer j.feed.deliver()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range list {
		if !e.dead {
			j.remove(bucketKey{origin.Domain(e.Domain), e.Partition}, e, cause)
			n++
		}
	}
	return n
}

// choose removes what has expired and lists what f chooses.
func (j *Jar) choose(f Filter) []*entry {
	var t *target
	if f.URL != nil {
		made, bad := j.target(&Request{URL: f.URL})
		if bad != 0 {
			return nil
		}
		t = &made
	}
	for _, host := range []*string{&f.Domain, &f.Host} {
		if *host != "" {
			ascii, ok := origin.ASCIIHost(strings.TrimPrefix(*host, "."))
			if !ok || ascii == "" {
				return nil
			}
			*host = ascii
		}
	}
	defer j.feed.deliver()
	j.mu.Lock()
	defer j.mu.Unlock()
	now := clockNow()
	var list []*entry
	for key, b := range j.buckets {
		j.sweepExpired(key, b, now)
		for _, e := range b.entries {
			if f.chooses(e) && (t == nil || e.sentTo(t)) {
				list = append(list, e)
			}
		}
	}
	slices.SortFunc(list, sendOrder)
	return list
}

// chooses looks at all but the URL. Domain and Host are as a cookie has them.
func (f *Filter) chooses(e *entry) bool {
	is := func(want *bool, have bool) bool { return want == nil || *want == have }
	return (f.Name == nil || *f.Name == e.Name) &&
		(f.Path == nil || *f.Path == e.Path) &&
		(f.Domain == "" || f.Domain == e.Domain || isUnder(e.Domain, f.Domain) && !isIP(e.Domain)) &&
		(f.Host == "" || e.domainMatch(f.Host)) &&
		is(f.Secure, e.Secure) && is(f.Session, e.IsSession()) && is(f.HTTPOnly, e.HTTPOnly)
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
