package altsvc

import (
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// A Snapshot is a Store's contents outside of it.
type Snapshot struct {
	Servers []Server  // the one used last first
	Broken  []Failure // the one used last first
	Trips   []Trip    // the one used last first
}

// A Server is an origin and what it advertises.
type Server struct {
	Origin       origin.Origin
	Isolation    origin.Key
	Alternatives []Advertised // the one liked best first
}

// Advertised is a Service and how long it holds. Its Host is empty where it is the
// origin's own.
type Advertised struct {
	Service
	Expires time.Time
}

// A Failure is what is known against a service.
type Failure struct {
	Service   Service
	Isolation origin.Key
	Count     int       // failures since it last worked
	Until     time.Time // broken until then; zero: recently broken only
}

// A Trip is how long an origin's server takes to answer, at least.
type Trip struct {
	Origin    origin.Origin
	Isolation origin.Key
	Smoothed  time.Duration
}

// Snapshot returns what has not expired. Which failures were put down to the network is
// lost, as in Chromium.
func (s *Store) Snapshot(now time.Time) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	var out Snapshot
	for k, list := range s.servers.all {
		server := Server{Origin: k.origin, Isolation: k.isolation}
		for _, a := range list.list {
			if !a.expires.Before(now) {
				server.Alternatives = append(server.Alternatives, Advertised{a.service, a.expires})
			}
		}
		if len(server.Alternatives) > 0 {
			out.Servers = append(out.Servers, server)
		}
	}
	for k, t := range s.troubles.all {
		out.Broken = append(out.Broken, Failure{k.service, k.isolation, t.count, t.until})
	}
	for k, d := range s.trips.all {
		out.Trips = append(out.Trips, Trip{k.origin, k.isolation, *d})
	}
	return out
}

// Restore adds what a snapshot has, as long as there is room. What was learnt in the
// meantime stays, and counts as used later. What a Store would not have kept is left
// out: a snapshot may come from a file.
func (s *Store) Restore(snap Snapshot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range snap.Servers {
		var list []advertised
		for _, a := range r.Alternatives {
			host, ok := canonicalHost(a.Host)
			if !ok || a.Protocol != h3 || a.Port == 0 || a.Expires.Before(now) {
				continue
			}
			if list = append(list, advertised{Service{h3, host, a.Port}, 0, a.Expires}); len(list) == maxAlternatives {
				break
			}
		}
		k := serverKey{r.Origin, r.Isolation}
		if len(list) == 0 || r.Origin.Scheme != "https" || r.Origin.IsOpaque() {
			continue
		}
		s.servers.putLast(k, advertisement{list: list})
		if _, ok := s.canonicalOf(k); !ok {
			s.setCanonical(k)
		}
	}
	s.counted()
	for _, t := range snap.Trips {
		if t.Smoothed > 0 && !t.Origin.IsOpaque() {
			s.trips.putLast(serverKey{t.Origin, t.Isolation}, t.Smoothed)
		}
	}
	for _, f := range snap.Broken {
		if f.Service.Protocol != h3 || f.Service.Host == "" || f.Service.Port == 0 || f.Count < 1 {
			continue
		}
		// A clock that was wrong when the snapshot was taken must not break a service
		// for years.
		if f.Until.After(now.Add(maxDelay)) {
			f.Until = now.Add(maxDelay)
		}
		s.troubles.putLast(serviceKey{f.Service, f.Isolation}, trouble{count: f.Count, until: f.Until})
		if !f.Until.IsZero() {
			s.dueAt(f.Until)
		}
	}
	s.expire(now)
}
