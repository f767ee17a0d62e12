package cookiejar

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// A bucket has the cookies of one registrable domain in one partition, which is what
// the limits count, in the order in which they are sent.
type bucket struct {
	entries []*entry
	bytes   int // of names and values
}

type bucketKey struct {
	site      string // registrable domain, or a host that has none
	partition origin.Key
}

// An entry is a stored cookie. Only accessed changes.
type entry struct {
	Cookie
	created  int64 // µs since 1970, as the others
	expires  int64 // 0: with the session
	accessed atomic.Int64
	seq      uint64
	dead     bool // guarded by Jar.mu: about to leave its bucket
}

// cookie copies e for someone outside.
func (e *entry) cookie() Cookie {
	c := e.Cookie
	c.Accessed = time.UnixMicro(e.accessed.Load()).UTC()
	return c
}

func (e *entry) expired(now int64) bool { return e.expires != 0 && e.expires <= now }

// sendOrder: longer paths first, then older cookies (RFC 6265bis section 5.8.3).
func sendOrder(a, b *entry) int {
	return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.created, b.created), cmp.Compare(a.seq, b.seq))
}

// evictOrder: least recently used first.
func evictOrder(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.accessed.Load(), b.accessed.Load()), cmp.Compare(a.created, b.created), cmp.Compare(a.seq, b.seq))
}

// find returns the bucket with the cookies of host, of which the registrable domain
// need not be known: above it are public suffixes, whose buckets have cookies for
// themselves alone.
func (j *Jar) find(host string, partition origin.Key) (site string, b *bucket) {
	for site = host; site != ""; {
		if b := j.buckets[bucketKey{site, partition}]; b != nil {
			return site, b
		}
		_, site, _ = strings.Cut(site, ".")
	}
	return "", nil
}

// insert puts c in and tells of it.
func (j *Jar) insert(key bucketKey, c *Cookie) { j.feed.add(j.put(key, c), Inserted) }

func (j *Jar) put(key bucketKey, c *Cookie) *entry {
	j.seq++
	e := newEntry(c, j.seq)
	b := j.buckets[key]
	if b == nil {
		b = new(bucket)
		key.site = strings.Clone(key.site)
		j.buckets[key] = b
	}
	i, _ := slices.BinarySearchFunc(b.entries, e, sendOrder)
	b.entries = slices.Insert(b.entries, i, e)
	b.bytes += c.size()
	j.count.Add(1)
	if key.partition.IsZero() {
		if j.shared++; j.shared == 1 {
			j.oldest = math.MaxInt64
		}
		j.oldest = min(j.oldest, e.accessed.Load())
	} else {
		j.parted++
	}
	return e
}

// renew puts c in the place of the cookie at i, which has the same value, and is as old
// from now on.
func (j *Jar) renew(b *bucket, i int, c *Cookie) {
	old := b.entries[i]
	c.Name, c.Value, c.Domain, c.Path = old.Name, old.Value, old.Domain, old.Path
	c.Created = old.Created
	e := newEntry(c, old.seq)
	if c.Partition.IsZero() {
		j.oldest = min(j.oldest, e.accessed.Load())
	}
	b.entries[i], old.dead = e, true
	j.feed.add(old, Overwrite)
	j.feed.add(e, old.renewedBy(c))
}

func newEntry(c *Cookie, seq uint64) *entry {
	e := &entry{Cookie: *c, created: c.Created.UnixMicro(), seq: seq}
	if !c.Expires.IsZero() {
		e.expires = c.Expires.UnixMicro()
	}
	e.accessed.Store(c.Accessed.UnixMicro())
	return e
}

// remove takes one cookie out.
func (j *Jar) remove(key bucketKey, e *entry, cause Cause) {
	e.dead = true
	j.sweep(key, cause, e)
}

// sweep takes the cookies out that are marked dead; they are listed once more, in the
// order in which to tell of them.
func (j *Jar) sweep(key bucketKey, cause Cause, dead ...*entry) {
	if len(dead) == 0 {
		return
	}
	b := j.buckets[key]
	b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool { return e.dead })
	for _, e := range dead {
		b.bytes -= e.size()
		j.feed.add(e, cause)
	}
	j.count.Add(-int64(len(dead)))
	if key.partition.IsZero() {
		j.shared -= len(dead)
	} else {
		j.parted -= len(dead)
	}
	if len(b.entries) == 0 {
		delete(j.buckets, key)
	}
}

// mark finds cookies to take out.
func (b *bucket) mark(doomed func(*entry) bool) (dead []*entry) {
	for _, e := range b.entries {
		if doomed(e) {
			e.dead = true
			dead = append(dead, e)
		}
	}
	return dead
}
