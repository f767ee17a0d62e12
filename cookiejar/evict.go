package cookiejar

import (
	"slices"
	"time"
)

// Limits of the jar (Chromium; RFC 6265bis section 5.7 asks for at least 50 and 3,000).
const (
	maxPerSite, keepPerSite = 180, 150   // of a registrable domain, and what remains when there are more
	maxShared, keepShared   = 3300, 3000 // of all that are in no partition
	maxPartitionBytes       = 10240      // of a registrable domain in one partition

	// safeAge is how long ago a cookie was last sent at least, to be evicted in favour
	// of one of another site.
	safeAge = 30 * 24 * time.Hour
)

// evict keeps the limits after a cookie was put into the bucket of key.
func (j *Jar) evict(key bucketKey, now time.Time) {
	if b := j.buckets[key]; b != nil {
		if key.partition.IsZero() {
			j.evictSite(key, b, now)
		} else {
			j.evictPartition(key, b, now)
		}
	}
	if safe := now.Add(-safeAge).UnixMicro(); key.partition.IsZero() && j.shared > maxShared && j.oldest < safe {
		j.evictShared(now, safe)
	}
}

// rounds are the order in which the cookies of a site go: which priority, whether the
// Secure ones of it stay, and how many of the priority stay in any case.
var rounds = [...]struct {
	priority   Priority
	spare      bool
	guaranteed int
}{
	{Low, true, 30},
	{Low, false, 30},
	{Medium, true, 50},
	{High, true, 70},
	{Medium, false, 50},
	{High, false, 70},
}

// evictSite makes room among the cookies of a site: by rounds, in each the least
// recently used first.
func (j *Jar) evictSite(key bucketKey, b *bucket, now time.Time) {
	if len(b.entries) <= maxPerSite {
		return
	}
	j.sweepExpired(key, b, now)
	excess := len(b.entries) - keepPerSite
	if len(b.entries) <= maxPerSite {
		return
	}
	list := slices.SortedFunc(slices.Values(b.entries), evictOrder)
	var dead []*entry
	for _, round := range rounds {
		total, secure := 0, 0
		for _, e := range list {
			if e.Priority == round.priority && !e.dead {
				total++
				if e.Secure {
					secure++
				}
			}
		}
		if total <= round.guaranteed {
			continue
		}
		room := total - round.guaranteed
		if round.spare {
			room = total - max(secure, round.guaranteed)
		}
		for _, e := range list {
			if room == 0 || excess == 0 {
				break
			}
			if e.Priority == round.priority && !e.dead && !(round.spare && e.Secure) {
				e.dead = true
				dead = append(dead, e)
				room--
				excess--
			}
		}
	}
	j.sweep(key, Evicted, dead...)
}

// evictPartition makes room among the cookies of a site in a partition.
func (j *Jar) evictPartition(key bucketKey, b *bucket, now time.Time) {
	if len(b.entries) <= maxPerSite && b.bytes <= maxPartitionBytes {
		return
	}
	j.sweepExpired(key, b, now)
	number, bytes := len(b.entries), b.bytes
	var dead []*entry
	for _, e := range slices.SortedFunc(slices.Values(b.entries), evictOrder) {
		if number <= maxPerSite && bytes <= maxPartitionBytes {
			break
		}
		e.dead = true
		dead = append(dead, e)
		number--
		bytes -= e.size()
	}
	j.sweep(key, Evicted, dead...)
}

// evictShared makes room in the whole jar: of the cookies not used since safe, the
// least recently used go first, those without Secure before the others.
func (j *Jar) evictShared(now time.Time, safe int64) {
	type found struct {
		*entry
		key bucketKey
	}
	var list []found
	for key, b := range j.buckets {
		if key.partition.IsZero() {
			j.sweepExpired(key, b, now)
			for _, e := range b.entries {
				list = append(list, found{e, key})
			}
		}
	}
	slices.SortFunc(list, func(a, b found) int { return evictOrder(a.entry, b.entry) })
	if excess := len(list) - keepShared; len(list) > maxShared {
		for _, secure := range []bool{false, true} {
			for _, f := range list {
				if excess > 0 && f.Secure == secure && f.accessed.Load() < safe {
					j.remove(f.key, f.entry, Evicted)
					excess--
				}
			}
		}
	}
	j.oldest = now.UnixMicro()
	for _, f := range list {
		if !f.dead {
			j.oldest = min(j.oldest, f.accessed.Load())
			break
		}
	}
}

// sweepExpired takes out what has expired.
func (j *Jar) sweepExpired(key bucketKey, b *bucket, now time.Time) {
	micro := now.UnixMicro()
	j.sweep(key, Expired, b.mark(func(e *entry) bool { return e.expired(micro) })...)
}
