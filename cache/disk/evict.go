package disk

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// An evictor makes room. To find the entries that are best evicted nothing is sorted: one
// pass over the index counts how many bytes there are for each order of score, which
// gives the least score that has to go. Then a hand goes round the index and takes what
// has that score, a share with every commit.
type evictor struct {
	on atomic.Bool // since the upper mark was passed, and until the lower one is reached

	mu    sync.Mutex // held by the one that evicts; others leave it to that one
	least uint64     // score that has to go
	shard int        // the hand: where it is
	slot  int
	round int // shards since least was found
}

// evictAtOnce is how many entries are taken from the index at once.
const evictAtOnce = 64

// makeRoom evicts entries if it is time to: so many bytes at least, if that is not too
// much.
func (s *Store) makeRoom(share int64) {
	v := &s.evictor
	if !v.on.Load() && s.index.size() <= s.limit/100*95 || !v.mu.TryLock() {
		return
	}
	defer v.mu.Unlock()
	low := s.limit / 100 * 90
	if !v.on.Swap(true) {
		v.aim(&s.index, s.index.size()-low)
	}
	var victims [evictAtOnce]slot
	for freed := int64(0); freed < share; {
		over := s.index.size() - low
		if over <= 0 {
			v.on.Store(false)
			return
		}
		if v.round > len(s.index.shards) {
			v.aim(&s.index, over) // what there was of that score is gone, or was used
		}
		n := v.pick(&s.index, victims[:], min(over, share-freed))
		for i := range n {
			if s.evict(&victims[i]) != nil {
				return // the disk does not want to
			}
			freed += victims[i].totalSize()
		}
	}
}

// score is what Chromium's simple cache orders by: the greater goes first.
func score(s *slot, now uint32) uint64 {
	age := uint64(0)
	if now > s.used { // the clock may have been set back
		age = uint64(now - s.used)
	}
	return age * uint64(s.totalSize()+512)
}

// order is a score's place on a scale of eight steps for each power of two.
func order(score uint64) int {
	n := bits.Len64(score)
	if n <= 3 {
		return int(score)
	}
	return (n-3)<<3 | int(score>>(n-4)&7)
}

// leastOf is the least score of an order.
func leastOf(order int) uint64 {
	if order < 8 {
		return uint64(order)
	}
	return uint64(8|order&7) << (order>>3 - 1)
}

// aim finds the score from which on there are so many bytes.
func (v *evictor) aim(x *index, bytes int64) {
	var scale [64 << 3]int64
	now := now()
	for i := range x.shards {
		sh := &x.shards[i]
		sh.mu.Lock()
		for j := range sh.slots {
			if s := &sh.slots[j]; !s.isGrave() {
				scale[order(score(s, now))] += s.totalSize()
			}
		}
		sh.mu.Unlock()
	}
	i := len(scale) - 1
	for ; i > 0; i-- {
		if bytes -= scale[i]; bytes <= 0 {
			break
		}
	}
	v.least, v.round = leastOf(i), 0
}

// pick moves the hand on until it has victims for so many bytes, or has been through a
// shard.
func (v *evictor) pick(x *index, victims []slot, bytes int64) (n int) {
	now := now()
	sh := &x.shards[v.shard]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for ; v.slot < len(sh.slots); v.slot++ {
		if n == len(victims) || bytes <= 0 {
			return n
		}
		if s := &sh.slots[v.slot]; !s.isGrave() && score(s, now) >= v.least {
			victims[n] = *s
			bytes -= s.totalSize()
			n++
		}
	}
	v.slot = 0
	v.shard = (v.shard + 1) % len(x.shards)
	v.round++
	return n
}
