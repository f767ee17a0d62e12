package mem

import "time"

// When more than 95 % of the limit are taken, entries go until it is 90 %: those with
// the largest product of the time since their last use and their size, as in Chromium's
// store on disk. What has not been committed yet counts and does not go.

// makeRoom evicts entries if it is time to. The caller holds no lock.
func (s *Store) makeRoom() {
	if s.taken() <= s.limit/100*95 {
		return
	}
	s.evicting.Lock()
	defer s.evicting.Unlock()
	if s.taken() <= s.limit/100*95 {
		return // another one did
	}
	for s.taken() > s.limit/100*90 && s.evict() {
	}
}

// reserve takes n bytes for what is being written.
func (s *Store) reserve(n int64) bool {
	if s.pending.Add(n) > s.limit {
		s.pending.Add(-n)
		return false
	}
	return true
}

func (s *Store) taken() int64 { return s.committed.Load() + s.pending.Load() }

// evict takes the one entry away that is worth least, and reports whether there was one.
func (s *Store) evict() bool {
	var worst *record
	var most float64
	now := s.now()
	for i := range s.shards {
		if r, weight := s.shards[i].worst(now); weight > most {
			worst, most = r, weight
		}
	}
	if worst == nil {
		return false
	}
	s.delete(worst)
	return true
}

// worst is the first to go of the shard's records.
func (sh *shard) worst(now time.Duration) (worst *record, most float64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for i := range sh.classes {
		r := sh.classes[i].first
		if r == nil {
			continue
		}
		age := max(now-r.used, 0) + 1 // somebody's now may be later than ours
		if weight := float64(age) * float64(r.size+baseWeight); weight > most {
			worst, most = r, weight
		}
	}
	return worst, most
}
