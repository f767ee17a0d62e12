package mem

import (
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/cache/store"
)

// A shard is a part of the index.
type shard struct {
	total *atomic.Int64 // bytes of all shards

	mu      sync.Mutex
	records map[uint64]*record // by hash, the first of those that have it
	classes [24]class

	_ [64]byte // its neighbour is used by another processor
}

// A class is a list of records between a size and twice it, used least recently first.
// So what is best evicted of a class is nearly always the first, and nobody sorts.
type class struct {
	first, last *record
}

func (sh *shard) find(hash uint64, key *store.Key) *record {
	r := sh.records[hash]
	for r != nil && r.key != *key {
		r = r.same
	}
	return r
}

// add enters a record, whose size it sets.
func (sh *shard) add(r *record) {
	if sh.records == nil {
		sh.records = make(map[uint64]*record)
	}
	r.same, r.listed = sh.records[r.hash], true
	sh.records[r.hash] = r
	sh.weigh(r)
}

func (sh *shard) remove(r *record) {
	switch first := sh.records[r.hash]; {
	case first != r:
		for first.same != r {
			first = first.same
		}
		first.same = r.same
	case r.same != nil:
		sh.records[r.hash] = r.same
	default:
		delete(sh.records, r.hash)
	}
	r.same, r.listed = nil, false
	sh.unweigh(r)
}

// weigh counts a record and makes it the one of its class that was used last.
func (sh *shard) weigh(r *record) {
	r.size = r.bytes()
	sh.class(r).append(r)
	sh.total.Add(r.size)
}

func (sh *shard) unweigh(r *record) {
	sh.class(r).remove(r)
	sh.total.Add(-r.size)
}

// use opens a record.
func (sh *shard) use(r *record, now time.Duration) (*store.Head, body, error) {
	r.used = now
	switch {
	case r.head == nil:
		sh.unweigh(r)
		err := r.unpack()
		sh.weigh(r)
		if err != nil {
			return nil, nil, err
		}
	case r.next != nil: // something was used later
		c := sh.class(r)
		c.remove(r)
		c.append(r)
	}
	return r.head, r.body, nil
}

func (sh *shard) drop() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for r := range sh.all() {
		r.listed = false
		sh.total.Add(-r.size)
	}
	sh.records, sh.classes = nil, [len(sh.classes)]class{}
}

// infos appends what there is.
func (sh *shard) infos(to []store.Info, start time.Time) []store.Info {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for r := range sh.all() {
		to = append(to, store.Info{Key: r.key, Size: r.size, LastUsed: start.Add(r.used)})
	}
	return to
}

// all yields the records. The lock is held.
func (sh *shard) all() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, r := range sh.records {
			for ; r != nil; r = r.same {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// baseWeight is what every entry weighs at eviction besides its size, as in Chromium:
// else small ones would stay for ever.
const baseWeight = 512

func (sh *shard) class(r *record) *class {
	n := bits.Len64(uint64(r.size+baseWeight) / baseWeight)
	return &sh.classes[min(n, len(sh.classes)-1)]
}

func (c *class) append(r *record) {
	r.prev, r.next = c.last, nil
	if c.last == nil {
		c.first = r
	} else {
		c.last.next = r
	}
	c.last = r
}

func (c *class) remove(r *record) {
	if r.prev == nil {
		c.first = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		c.last = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}
