package dns

import (
	"slices"
	"time"

	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

func (k *jobKey) cacheKey(secure bool) hostcache.Key {
	return hostcache.Key{
		Host: k.name, Isolation: k.isolation, Query: uint8(k.query), Source: uint8(k.source),
		Secure: secure, Services: k.service != "",
	}
}

// fromCache answers l with what is remembered, if the options allow that. secure and
// insecure tell which answers will do.
func (r *Resolver) fromCache(l *Lookup, k *jobKey, o *Options, secure, insecure bool) bool {
	now := time.Now()
	for _, s := range [...]bool{true, false} {
		if s && !secure || !s && !insecure {
			continue
		}
		a, staleness, ok := r.cache.Get(k.cacheKey(s), now)
		if !ok || staleness.Stale() && o.CacheUsage != CacheStaleAllowed {
			continue
		}
		l.log.Event(netlog.HostResolverManagerCacheHit)
		if a.Err != 0 {
			l.finish(Result{}, a.Err)
		} else {
			l.finish(Result{
				Addrs: slices.Clone(a.Addrs), Services: a.Services, CanonicalName: a.CanonicalName, Source: a.Source,
				Cached: true, Stale: staleness.Stale(), Expires: now.Add(-staleness.ExpiredBy),
			}, nil)
		}
		if staleness.Stale() && k.plan != (plan{}) {
			r.refresh(k)
		}
		return true
	}
	return false
}

// refresh asks anew for what was given out stale. The lookup is the resolver's own,
// and ends with it.
func (r *Resolver) refresh(k *jobKey) {
	l := &Lookup{r: r, host: k.name}
	r.join(l, k)
}

// remembered returns a fresh answer for a job on its way.
func (r *Resolver) remembered(k *jobKey, secure bool) (a hostcache.Answer, expires time.Time, ok bool) {
	now := time.Now()
	a, staleness, ok := r.cache.Get(k.cacheKey(secure), now)
	return a, now.Add(-staleness.ExpiredBy), ok && !staleness.Stale()
}

// takeRemembered ends a step with an answer from the cache.
func (j *job) takeRemembered(a hostcache.Answer, expires time.Time) error {
	if a.Err != 0 {
		return a.Err
	}
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	j.found = found{
		all: a.Addrs, services: a.Services, canonical: a.CanonicalName, source: a.Source, expires: expires, cached: true,
	}
	return nil
}

// remember keeps what a step found, or that there is nothing.
func (r *Resolver) remember(k *jobKey, s step, f *found, err neterr.Code, ttl time.Duration) {
	if s == stepMDNS || ttl <= 0 {
		return // multicast answers are good for as long as their host is there
	}
	r.cache.Put(k.cacheKey(s == stepSecureDNS), hostcache.Answer{
		Addrs: f.all, Services: f.services, CanonicalName: f.canonical, Source: f.source, Err: err,
	}, ttl, time.Now())
}

// ClearCache forgets all answers (Electron: clearHostResolverCache). Lookups under way
// go on.
func (r *Resolver) ClearCache() { r.cache.Clear(nil) }

// Cache is what the resolver remembers, for who keeps or shows it.
func (r *Resolver) Cache() *hostcache.Cache { return r.cache }

// NetworkChanged makes all remembered answers stale, and ends the lookups under way with
// neterr.NetworkChanged: the network that they asked is gone.
func (r *Resolver) NetworkChanged() {
	r.cache.NetworkChanged()
	r.clients.networkChanged()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.jobs {
		j.finish(neterr.NetworkChanged)
	}
}
