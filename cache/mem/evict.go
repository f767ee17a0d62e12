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
	now := s.now()
	var worst [len(s.shards)]float64 // what each shard's first to go weighs; 0 without one
	for i := range s.shards {
		worst[i] = s.shards[i].weightOfWorst(now)
	}
	for s.taken() > s.limit/100*90 {
		most := 0
		for i := range worst {
			if worst[i] > worst[most] {
				most = i
			}
		}
		if worst[most] == 0 {
			return
		}
		worst[most] = s.shards[most].evict(now)
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

func (sh *shard) weightOfWorst(now time.Duration) float64 {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, most := sh.worst(now)
	return most
}

// evict takes the record away that is worth least, and returns what the next one weighs.
func (sh *shard) evict(now time.Duration) float64 {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r, _ := sh.worst(now); r != nil {
		sh.remove(r)
	}
	_, most := sh.worst(now)
	return most
}

// worst is the first to go of the shard's records. The lock is held.
func (sh *shard) worst(now time.Duration) (worst *record, most float64) {
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
