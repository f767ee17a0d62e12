package mem

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// A record is an entry as it was last committed.
type record struct {
	key store.Key

	// The shard's mutex guards the rest. The body is shared with whoever has it open:
	// nobody changes it.
	head       *store.Head
	body       body
	size       int64
	used       time.Duration // since the store began
	prev, next *record       // in its class
}

// A shard is a part of the index.
type shard struct {
	total *atomic.Int64 // bytes of all shards

	mu      sync.Mutex
	records map[store.Key]*record
	classes [24]class

	_ [64]byte // its neighbour is used by another processor
}

// A class is a list of records between a size and twice it, used least recently first.
// So what is best evicted of a class is nearly always the first, and nobody sorts.
type class struct {
	first, last *record
}

func (sh *shard) add(r *record) {
	if sh.records == nil {
		sh.records = make(map[store.Key]*record)
	}
	sh.records[r.key] = r
	sh.class(r).append(r)
	sh.total.Add(r.size)
}

func (sh *shard) remove(r *record) {
	delete(sh.records, r.key)
	sh.class(r).remove(r)
	sh.total.Add(-r.size)
}

func (sh *shard) touch(r *record, now time.Duration) {
	r.used = now
	if r.next == nil {
		return // nothing was used later
	}
	c := sh.class(r)
	c.remove(r)
	c.append(r)
}

func (sh *shard) drop() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, r := range sh.records {
		sh.total.Add(-r.size)
	}
	sh.records, sh.classes = nil, [len(sh.classes)]class{}
}

// infos appends what there is.
func (sh *shard) infos(to []store.Info, start time.Time) []store.Info {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, r := range sh.records {
		to = append(to, store.Info{Key: r.key, Size: r.size, LastUsed: start.Add(r.used)})
	}
	return to
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

// sizeOf is what a record of key with h and b takes.
func sizeOf(key *store.Key, h *store.Head, b body) int64 {
	const place = unsafe.Sizeof(store.Key{}) + unsafe.Sizeof(&record{}) // in the index
	n := int(unsafe.Sizeof(record{})+place+unsafe.Sizeof(*h)) + len(key.URL) + len(h.StatusText) + len(h.Proto)
	return int64(n+sizeOfFields(h.Header)+sizeOfFields(h.Vary)) + b.size()
}

func sizeOfFields(fields exchange.Fields) int {
	n := len(fields) * int(unsafe.Sizeof(exchange.Field{}))
	for i := range fields {
		n += len(fields[i].Name) + len(fields[i].Value)
	}
	return n
}
