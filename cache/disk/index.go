package disk

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A position is where a record begins in the log: its segment's number and the offset in
// that file. A later record has the greater position.
type position uint64

func at(segment, offset uint32) position { return position(segment)<<32 | position(offset) }

func (p position) segment() uint32 { return uint32(p >> 32) }
func (p position) offset() uint32  { return uint32(p) }

// A slot is what the index knows of an entry.
type slot struct {
	hash   uint64 // of the key
	at     position
	size   uint32 // of the record, in bytes; 0 marks a grave
	id     uint32 // tells it from others under its key, before and after
	blocks uint32 // size of the body file in KiB, 0 is none; and the durableBit
	used   uint32 // when last, in seconds since 1970
}

// durableBit says that an earlier record of the key is durable: if the power fails, it is
// the one that has to be found.
const durableBit = 1 << 31

func (s *slot) isGrave() bool    { return s.size == 0 }
func (s *slot) body() bodyKey    { return bodyKey{s.hash, s.id} }
func (s *slot) hasBody() bool    { return s.blocks&^durableBit != 0 }
func (s *slot) bodySize() int64  { return int64(s.blocks&^durableBit) << 10 }
func (s *slot) totalSize() int64 { return int64(s.size) + s.bodySize() }

// An index finds slots by hash. It is one table cut in parts, so that goroutines seldom
// meet.
type index struct {
	records atomic.Int64 // bytes of all records
	bodies  atomic.Int64 // bytes of all body files
	shards  [1 << shardBits]shard
}

const shardBits = 6

// A shard is a hash table with open addressing. The hash is evenly spread as it is. While
// graves are kept, what is removed leaves a slot of no size: it says that the key has
// nothing, whatever older records say.
type shard struct {
	mu     sync.Mutex
	slots  []slot // without position: nothing
	n      int    // how many are taken
	graves bool

	_ [64]byte // its neighbour is used by another processor
}

func (x *index) shard(hash uint64) *shard { return &x.shards[hash>>(64-shardBits)] }

// size is how many bytes the entries take.
func (x *index) size() int64 { return x.records.Load() + x.bodies.Load() }

// use returns the slot of hash and notes that it was used.
func (x *index) use(hash uint64, now uint32) (slot, bool) {
	sh := x.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i, ok := sh.find(hash)
	if !ok || sh.slots[i].isGrave() {
		return slot{}, false
	}
	sh.slots[i].used = now
	return sh.slots[i], true
}

// get returns the slot of hash.
func (x *index) get(hash uint64) (slot, bool) {
	sh := x.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i, ok := sh.find(hash)
	if !ok || sh.slots[i].isGrave() {
		return slot{}, false
	}
	return sh.slots[i], true
}

// set puts s in, in place of what was there.
func (x *index) set(s slot) {
	sh := x.shard(s.hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i, ok := sh.find(s.hash)
	if ok {
		x.count(&sh.slots[i], -1)
		sh.slots[i] = s
	} else {
		sh.insert(s)
	}
	x.count(&s, 1)
}

// add puts s in if there is nothing, not even a grave.
func (x *index) add(s slot) {
	sh := x.shard(s.hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if _, ok := sh.find(s.hash); !ok {
		sh.insert(s)
		x.count(&s, 1)
	}
}

// move notes that a record has been copied.
func (x *index) move(hash uint64, from, to position, durable bool) {
	sh := x.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if i, ok := sh.find(hash); ok && sh.slots[i].at == from {
		sh.slots[i].at = to
		if durable {
			sh.slots[i].blocks |= durableBit
		}
	}
}

// remove takes the slot of hash away. While graves are kept it digs one, even if there
// was nothing.
func (x *index) remove(hash uint64) {
	sh := x.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i, ok := sh.find(hash)
	switch {
	case ok:
		x.count(&sh.slots[i], -1)
		if sh.graves {
			sh.slots[i] = grave(hash)
		} else {
			sh.delete(i)
		}
	case sh.graves:
		sh.insert(grave(hash))
	}
}

// forget takes away what is said to be in a segment.
func (x *index) forget(segment uint32) {
	x.filter(func(s *slot) bool { return s.at.segment() != segment })
}

// keepGraves begins to keep graves, fillGraves ends it.
func (x *index) keepGraves() {
	for i := range x.shards {
		x.shards[i].mu.Lock()
		x.shards[i].graves = true
		x.shards[i].mu.Unlock()
	}
}

func (x *index) fillGraves() {
	for i := range x.shards {
		x.shards[i].mu.Lock()
		x.shards[i].graves = false
		x.shards[i].mu.Unlock()
	}
	x.filter(func(s *slot) bool { return !s.isGrave() })
}

// filter keeps only slots that keep is true for.
func (x *index) filter(keep func(*slot) bool) {
	for i := range x.shards {
		sh := &x.shards[i]
		sh.mu.Lock()
		for j := 0; j < len(sh.slots); {
			if s := &sh.slots[j]; s.at == 0 || keep(s) {
				j++
				continue
			}
			x.count(&sh.slots[j], -1)
			sh.delete(j) // which may move another one here
		}
		sh.mu.Unlock()
	}
}

// reset empties the index.
func (x *index) reset() {
	for i := range x.shards {
		sh := &x.shards[i]
		sh.mu.Lock()
		for j := range sh.slots {
			x.count(&sh.slots[j], -1)
		}
		sh.slots, sh.n, sh.graves = nil, 0, false
		sh.mu.Unlock()
	}
}

// reserve makes room for n entries.
func (x *index) reserve(n int) {
	for i := range x.shards {
		sh := &x.shards[i]
		sh.mu.Lock()
		if sh.n == 0 {
			sh.slots = make([]slot, tableSize(n>>shardBits))
		}
		sh.mu.Unlock()
	}
}

// slots appends those of one shard.
func (x *index) slots(to []slot, shard int) []slot {
	sh := &x.shards[shard]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for i := range sh.slots {
		if !sh.slots[i].isGrave() {
			to = append(to, sh.slots[i])
		}
	}
	return to
}

// len is how many entries there are.
func (x *index) len() int {
	n := 0
	for i := range x.shards {
		x.shards[i].mu.Lock()
		n += x.shards[i].n
		x.shards[i].mu.Unlock()
	}
	return n
}

func (x *index) count(s *slot, sign int64) {
	x.records.Add(sign * int64(s.size))
	if s.hasBody() {
		x.bodies.Add(sign * s.bodySize())
	}
}

// grave is a slot whose position is in no segment.
func grave(hash uint64) slot { return slot{hash: hash, at: 1} }

// The methods below are called with the lock held.

// home is where the slot of hash is, or else somewhere behind.
func (sh *shard) home(hash uint64) int {
	hi, _ := bits.Mul64(hash<<shardBits, uint64(len(sh.slots)))
	return int(hi)
}

// find returns where the slot of hash is, or where it belongs.
func (sh *shard) find(hash uint64) (int, bool) {
	if len(sh.slots) == 0 {
		return 0, false
	}
	i := sh.home(hash)
	for sh.slots[i].at != 0 {
		if sh.slots[i].hash == hash {
			return i, true
		}
		i = sh.next(i)
	}
	return i, false
}

func (sh *shard) next(i int) int {
	if i++; i == len(sh.slots) {
		return 0
	}
	return i
}

// insert puts in what is not there yet.
func (sh *shard) insert(s slot) {
	if tableSize(sh.n+1) > len(sh.slots) {
		old := sh.slots
		sh.slots = make([]slot, tableSize(sh.n+sh.n/4+1))
		for i := range old {
			if old[i].at != 0 {
				j, _ := sh.find(old[i].hash)
				sh.slots[j] = old[i]
			}
		}
	}
	i, _ := sh.find(s.hash)
	sh.slots[i] = s
	sh.n++
}

// tableSize is how many slots are needed for n: a fifth stays free.
func tableSize(n int) int { return n + n/4 + 8 }

// delete takes slot i away, and closes the gap for those that stand behind their home.
func (sh *shard) delete(i int) {
	for j := sh.next(i); sh.slots[j].at != 0; j = sh.next(j) {
		home := sh.home(sh.slots[j].hash)
		if i <= j && i < home && home <= j || i > j && (i < home || home <= j) {
			continue
		}
		sh.slots[i] = sh.slots[j]
		i = j
	}
	sh.slots[i] = slot{}
	sh.n--
}
