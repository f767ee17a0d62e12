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
//
// The fields but doomed are the table's to change, under the lock of the key's shard. What
// came of it does not change once it is settled.
type active struct {
	key      store.Key
	hash     uint64  // of the key's URL
	next     *active // another one with this hash
	outcome  outcome
	settled  chan struct{} // closed with the outcome; nil if nobody had to wait for that
	transfer *transfer
	listed   bool        // it is in the table: others can find it, until it ends or is doomed
	doomed   atomic.Bool // what comes of it must not be stored
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
	actives map[uint64]*active // by hash, the first of those that have it

	_ [40]byte // its neighbour is used by another processor
}

func newTable() *table { return &table{seed: maphash.MakeSeed()} }

// hash depends on the URL alone: variants of one are in the same shard.
func (t *table) hash(url string) uint64 { return maphash.String(t.seed, url) }

func (t *table) shard(hash uint64) *shard { return &t.shards[hash%uint64(len(t.shards))] }

// generation changes when work on some key near those with this hash ends. Who finds
// nothing in the store asks for it before.
func (t *table) generation(hash uint64) uint64 { return t.shard(hash).ended.Load() }

// begin makes own the active of who works on key, if nobody does: it is for the caller to
// end. Else other is who does. If somebody has ended since generation was asked for, both
// are not so: look into the store again.
//
// With replace what others do does not count, and nobody finds them any more.
func (t *table) begin(own *active, key *store.Key, hash, generation uint64, replace bool) (begun bool, other *active) {
	s := t.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.find(hash, key); a != nil {
		if !replace {
			if a.outcome == pending && a.settled == nil {
				a.settled = make(chan struct{})
			}
			return false, a
		}
		s.doom(a)
	} else if !replace && s.ended.Load() != generation {
		return false, nil
	}
	own.key, own.hash = *key, hash
	s.add(own)
	return true, nil
}

// share settles a: whoever waits, or comes for key before it ends, may read tr.
func (t *table) share(a *active, key *store.Key, tr *transfer) {
	s := t.shard(a.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.listed && a.key != *key { // the response is a variant
		s.remove(a)
		if s.find(a.hash, key) == nil {
			a.key = *key
			s.add(a)
		} else { // somebody writes that one
			a.doomed.Store(true)
		}
	}
	a.transfer = tr
	a.settle(shared)
}

// end says that the work on a is over. It reports whether what came of it must not be in
// the store. To end it again changes nothing.
func (t *table) end(a *active, o outcome) (doomed bool) {
	s := t.shard(a.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.listed {
		s.remove(a)
	}
	a.settle(o)
	return a.doomed.Load()
}

// doomURL dooms the work on all variants of a key. Those who take part in it go on; who
// comes later does not find it.
func (t *table) doomURL(key *store.Key) {
	hash := t.hash(key.URL)
	s := t.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doomAll(s.actives[hash], func(k *store.Key) bool { return sameURL(k, key) })
}

// doom is doomURL for the keys that match.
func (t *table) doom(match func(*store.Key) bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, a := range s.actives {
			s.doomAll(a, match)
		}
		s.mu.Unlock()
	}
}

// doomAll dooms those of one hash that match, of which a is the first. The lock is held.
func (s *shard) doomAll(a *active, match func(*store.Key) bool) {
	for a != nil {
		next := a.next
		if match(&a.key) {
			s.doom(a)
		}
		a = next
	}
}

func (s *shard) doom(a *active) {
	a.doomed.Store(true)
	s.remove(a)
}

func (s *shard) find(hash uint64, key *store.Key) *active {
	a := s.actives[hash]
	for a != nil && a.key != *key {
		a = a.next
	}
	return a
}

// add puts a into the table. The lock is held.
func (s *shard) add(a *active) {
	if s.actives == nil {
		s.actives = make(map[uint64]*active)
	}
	a.next, a.listed = s.actives[a.hash], true
	s.actives[a.hash] = a
}

// remove takes a out of the table. The lock is held.
func (s *shard) remove(a *active) {
	switch first := s.actives[a.hash]; {
	case first != a:
		for first.next != a {
			first = first.next
		}
		first.next = a.next
	case a.next != nil:
		s.actives[a.hash] = a.next
	default:
		delete(s.actives, a.hash)
	}
	a.next, a.listed = nil, false
	s.ended.Add(1)
}

func (a *active) settle(o outcome) {
	if a.outcome != pending {
		return
	}
	a.outcome = o
	if a.settled != nil {
		close(a.settled)
	}
}
