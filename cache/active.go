package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/cache/store"
)

// An active is a key that somebody is at work on: asking the origin, or writing the entry.
// Who comes meanwhile waits until it is settled, and then takes part in the transfer, looks
// into the store again, or goes to the origin alone.
type active struct {
	settled chan struct{}

	// What follows is the table's to change, under the lock of the key's shard, and
	// what came of it does not change once settled is closed.
	key      store.Key
	outcome  outcome
	transfer *transfer
	listed   bool // it is in the table: others can find it, until it ends or is doomed
	doomed   bool // what comes of it must not be stored
}

// An outcome is what those who waited do.
type outcome uint8

const (
	pending outcome = iota
	again           // look into the store again
	shared          // read the transfer
	alone           // ask the origin, together with nobody
)

// A table has the keys that somebody is at work on, at most one active for each. Fresh
// hits do not touch it: they read one counter.
type table struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	ended atomic.Uint64 // how many actives have left

	mu      sync.Mutex
	actives map[store.Key]*active

	_ [40]byte // its neighbour is used by another processor
}

func newTable() *table { return &table{seed: maphash.MakeSeed()} }

// shard depends on the URL alone: variants of one are in the same.
func (t *table) shard(url string) *shard {
	return &t.shards[maphash.String(t.seed, url)%uint64(len(t.shards))]
}

// generation changes when work on some key near this one ends. Who finds nothing in the
// store asks for it before.
func (t *table) generation(key *store.Key) uint64 { return t.shard(key.URL).ended.Load() }

// begin makes the caller the one who works on key, if nobody does: own is then its active,
// which it ends. Else other is who does. Both are nil if somebody has ended since
// generation was asked for: look into the store again.
//
// With replace what others do does not count, and nobody finds them any more.
func (t *table) begin(key *store.Key, generation uint64, replace bool) (own, other *active) {
	s := t.shard(key.URL)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actives[*key]; a != nil {
		if !replace {
			return nil, a
		}
		a.doomed = true
		s.remove(a)
	} else if !replace && s.ended.Load() != generation {
		return nil, nil
	}
	own = &active{key: *key, settled: make(chan struct{}), listed: true}
	if s.actives == nil {
		s.actives = make(map[store.Key]*active)
	}
	s.actives[*key] = own
	return own, nil
}

// share settles a: whoever waits, or comes for key before it ends, may read tr.
func (t *table) share(a *active, key *store.Key, tr *transfer) {
	s := t.shard(key.URL)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.listed && a.key != *key { // the response is a variant
		s.remove(a)
		if a.doomed = s.actives[*key] != nil; !a.doomed { // else somebody writes that one
			a.key = *key
			s.actives[*key], a.listed = a, true
		}
	}
	a.transfer = tr
	a.settle(shared)
}

// end says that the work on a is over. It reports whether what came of it must not be in
// the store. To end it again changes nothing.
func (t *table) end(a *active, o outcome) (doomed bool) {
	s := t.shard(a.key.URL)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.listed {
		s.remove(a)
	}
	a.settle(o)
	return a.doomed
}

// isDoomed reports whether what comes of a must not be stored.
func (t *table) isDoomed(a *active) bool {
	s := t.shard(a.key.URL)
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.doomed
}

// doomURL dooms the work on all variants of a key. Those who take part in it go on; who
// comes later does not find it.
func (t *table) doomURL(key *store.Key) {
	t.shard(key.URL).doom(func(k *store.Key) bool { return sameURL(k, key) })
}

// doom is doomURL for the keys that match.
func (t *table) doom(match func(*store.Key) bool) {
	for i := range t.shards {
		t.shards[i].doom(match)
	}
}

func (s *shard) doom(match func(*store.Key) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.actives {
		if match(&a.key) {
			a.doomed = true
			s.remove(a)
		}
	}
}

// remove takes a out of the table. The lock is held.
func (s *shard) remove(a *active) {
	delete(s.actives, a.key)
	a.listed = false
	s.ended.Add(1)
}

func (a *active) settle(o outcome) {
	if a.outcome == pending {
		a.outcome = o
		close(a.settled)
	}
}
