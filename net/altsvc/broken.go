package altsvc

import (
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// How long a service is broken.
const (
	minInitialDelay = time.Second
	maxInitialDelay = 5 * time.Minute
	maxDelay        = 48 * time.Hour
	maxDoublings    = 18 // from a second to more than maxDelay
)

type serviceKey struct {
	service   Service // with its host
	isolation origin.Key
}

// A trouble is what is known against a service. While there is one, the service has
// been broken recently.
type trouble struct {
	count     int       // failures since it last worked
	until     time.Time // broken until then; zero: not broken
	onNetwork bool      // its failures are put down to the network
}

func (t trouble) broken() bool { return !t.until.IsZero() }

// trouble returns what is known against a service: the zero trouble if nothing.
func (s *Store) trouble(k serviceKey) trouble {
	if t, ok := s.troubles.get(k); ok {
		return *t
	}
	return trouble{}
}

// MarkBroken notes that v failed where TCP worked. It is broken from now on, for a time
// that doubles with each failure; one that is broken already stays so no longer.
func (s *Store) MarkBroken(v Service, isolation origin.Key, now time.Time) {
	s.markBroken(v, isolation, now, false)
}

// MarkBrokenUntilNetworkChange is MarkBroken for a service that works on another
// network: the next change of the network makes good for its failures.
func (s *Store) MarkBrokenUntilNetworkChange(v Service, isolation origin.Key, now time.Time) {
	s.markBroken(v, isolation, now, true)
}

func (s *Store) markBroken(v Service, isolation origin.Key, now time.Time, onNetwork bool) {
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	k := serviceKey{v, isolation}
	t := s.trouble(k)
	if !t.broken() {
		t.until = now.Add(s.delayOf(t.count))
		s.dueAt(t.until)
	}
	t.count++
	t.onNetwork = onNetwork
	s.troubles.put(k, t)
}

// delayOf is for a service that has failed so often before.
func (s *Store) delayOf(failures int) time.Duration {
	return min(s.delay<<min(failures, maxDoublings), maxDelay)
}

// MarkRecentlyBroken notes that v stopped working after it had worked: it is to be tried
// with care, but is not broken. It counts as one failure, unless there were some.
func (s *Store) MarkRecentlyBroken(v Service, isolation origin.Key) {
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	k := serviceKey{v, isolation}
	if _, ok := s.troubles.get(k); !ok {
		s.troubles.put(k, trouble{count: 1})
	}
}

// Confirm notes that v works: nothing is known against it any more.
func (s *Store) Confirm(v Service, isolation origin.Key) {
	k := serviceKey{v, isolation}
	s.mu.Lock()
	_, known := s.troubles.peek(k)
	s.troubles.remove(k)
	s.mu.Unlock()
	if known {
		s.changed()
	}
}

// Broken reports whether v is not to be tried.
func (s *Store) Broken(v Service, isolation origin.Key, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	t, ok := s.troubles.peek(serviceKey{v, isolation})
	return ok && t.broken()
}

// RecentlyBroken reports whether v has failed since it last worked.
func (s *Store) RecentlyBroken(v Service, isolation origin.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble(serviceKey{v, isolation}).count > 0
}

// NetworkChanged forgets the failures that are put down to the network.
func (s *Store) NetworkChanged() {
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, t := range s.troubles.all {
		if t.onNetwork {
			s.troubles.remove(k)
		}
	}
}

// expire ends the time of services that are broken. They leave the lists that
// advertise them, as in Chromium: a server that still means it says so again.
func (s *Store) expire(now time.Time) {
	if s.due.IsZero() || now.Before(s.due) {
		return
	}
	s.due = time.Time{}
	for k, t := range s.troubles.all {
		if !t.broken() {
			continue
		}
		if now.Before(t.until) {
			s.dueAt(t.until)
			continue
		}
		t.until = time.Time{}
		s.withdraw(k)
	}
}

func (s *Store) dueAt(at time.Time) {
	if s.due.IsZero() || at.Before(s.due) {
		s.due = at
	}
}

// withdraw takes a service from all lists.
func (s *Store) withdraw(k serviceKey) {
	for server, a := range s.servers.all {
		if server.isolation != k.isolation {
			continue
		}
		a.keep(func(v *advertised) bool { return v.service.at(server.origin) != k.service })
		if len(a.list) == 0 {
			s.set(server, advertisement{})
		}
	}
}
