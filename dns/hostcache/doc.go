// Package hostcache remembers what names resolved to, and for how long that may be
// believed.
//
// An answer is fresh until it expires or the network changes. It is then stale, but
// stays: somebody who would rather have an old answer than wait is given it, with how
// old it is. The number of answers is limited; the ones to go first are those from
// before a change of the network, then those that expire first. These are Chromium's
// rules (net::HostCache).
//
//	c := hostcache.New(0)
//	c.Put(key, answer, time.Minute, time.Now())
//	if a, staleness, ok := c.Get(key, time.Now()); ok && !staleness.Stale() { … }
//
// A cache has no clock and starts no goroutine. [Cache.Snapshot] and [Cache.Restore]
// are for a store that keeps it from one run of a program to the next.
package hostcache
