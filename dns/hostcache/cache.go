package hostcache

import (
	"container/heap"
	"net/netip"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// DefaultSize is how many answers a cache keeps unless told otherwise (Chromium).
const DefaultSize = 1000

// A Key is what was asked, and who was asked it. The numbers are the asker's own;
// different ones never share an answer.
type Key struct {
	Host      string // in lower case
	Isolation origin.Key
	Query     uint8
	Source    uint8
	Secure    bool // answered over an encrypted connection alone
	Services  bool // HTTPS records were asked for as well
}

// An Answer is what is remembered. Its slices are shared by all who get it, and must
// not be changed.
type Answer struct {
	Addrs         []netip.Addr
	CanonicalName string            // empty: not known
	Services      []dnswire.Service // of HTTPS records
	Source        string            // who gave it
	Err           neterr.Code       // 0 unless the answer is that there is none
}

// Staleness says how old an answer is.
type Staleness struct {
	ExpiredBy      time.Duration // since its time was up; negative: as long as it has left
	NetworkChanges int           // since it was given
	Hits           int           // how often it was given out as stale, with this one
}

// Stale reports whether the answer is too old to be believed.
func (s Staleness) Stale() bool { return s.ExpiredBy >= 0 || s.NetworkChanges > 0 }

// A Cache remembers answers. Any number of goroutines may use it. Make one with [New].
type Cache struct {
	size int

	mu      sync.Mutex // guards what follows
	entries map[Key]*entry
	queue   queue // of the same entries, the next one to go first
	network int   // how often it changed
}

// An entry is an answer in the cache.
type entry struct {
	key     Key
	answer  Answer
	expires time.Time
	network int // as it was when the answer came
	hits    int // while stale
	at      int // in the queue
}

// New returns a cache for size answers. 0 is for [DefaultSize], and a negative size for
// a cache that keeps nothing.
func New(size int) *Cache {
	if size == 0 {
		size = DefaultSize
	}
	return &Cache{size: size, entries: make(map[Key]*entry)}
}

// Get returns what is remembered for k, fresh or not.
func (c *Cache) Get(k Key, now time.Time) (Answer, Staleness, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return Answer{}, Staleness{}, false
	}
	s := Staleness{
		ExpiredBy:      now.Sub(e.expires),
		NetworkChanges: c.network - e.network,
		Hits:           e.hits,
	}
	if s.Stale() {
		e.hits++
		s.Hits = e.hits
	}
	return e.answer, s, true
}

// Put remembers a for ttl, in place of what was remembered for k. Without a positive
// ttl there is nothing to remember, and what was remembered stays.
func (c *Cache) Put(k Key, a Answer, ttl time.Duration, now time.Time) {
	if ttl <= 0 || c.size < 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(k, a, now.Add(ttl), c.network)
}

// put with mu held.
func (c *Cache) put(k Key, a Answer, expires time.Time, network int) {
	if e, ok := c.entries[k]; ok {
		e.answer, e.expires, e.network, e.hits = a, expires, network, 0
		heap.Fix(&c.queue, e.at)
		return
	}
	if len(c.entries) >= c.size {
		delete(c.entries, heap.Pop(&c.queue).(*entry).key)
	}
	e := &entry{key: k, answer: a, expires: expires, network: network}
	c.entries[k] = e
	heap.Push(&c.queue, e)
}

// NetworkChanged makes all answers stale.
func (c *Cache) NetworkChanged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.network++
}

// Clear forgets the answers for the hosts that match, or all if match is nil. It is
// called with the cache locked.
func (c *Cache) Clear(match func(host string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if match == nil {
		clear(c.entries)
		c.queue = nil
		return
	}
	for k, e := range c.entries {
		if match(k.Host) {
			heap.Remove(&c.queue, e.at)
			delete(c.entries, k)
		}
	}
}

// Len returns how many answers are remembered, stale ones among them.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}
