package hostcache

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Record is a remembered answer outside of its cache.
type Record struct {
	Key     Key
	Answer  Answer
	Expires time.Time
}

// Snapshot returns what is remembered, the ones that expire last first: so that whoever
// keeps only some keeps the best.
func (c *Cache) Snapshot() []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	records := make([]Record, 0, len(c.entries))
	for _, e := range c.entries {
		records = append(records, Record{e.key, e.answer, e.expires})
	}
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(b.Expires.Compare(a.Expires), strings.Compare(a.Key.Host, b.Key.Host))
	})
	return records
}

// Restore remembers what a snapshot has, as long as there is room: as stale, since the
// network may be another one by now. Answers that came in the meantime stay.
func (c *Cache) Restore(records []Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		if len(c.entries) >= c.size {
			return
		}
		if _, ok := c.entries[r.Key]; !ok {
			c.put(r.Key, r.Answer, r.Expires, c.network-1)
		}
	}
}
