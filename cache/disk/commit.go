package disk

import "context"

// commit appends the record of an entry, and makes it the one under its key. An entry
// that was deleted or replaced meanwhile is not stored again.
func (s *Store) commit(ctx context.Context, e *entry, f *body, next slot, rec []byte) error {
	old, had, err := s.append(e, f, next, rec)
	if err != nil {
		return err
	}
	if had && old.id != next.id && old.hasBody() {
		// What was durable may go only when what replaces it is.
		if !s.durable(&old) || s.log.sync(ctx) == nil {
			s.bodies.retire(old.body(), old.bodySize())
		}
	}
	return nil
}

// append returns what was under the entry's key before.
func (s *Store) append(e *entry, f *body, next slot, rec []byte) (old slot, had bool, err error) {
	risky := false
	for {
		s.log.mu.Lock()
		old, had = s.index.get(e.hash)
		if e.fresh && e.clears != s.clears || !e.fresh && (!had || old.id != e.id) {
			s.log.mu.Unlock()
			return slot{}, false, nil
		}
		risky = had && s.durable(&old) || !had && s.rebuilding
		if !risky || f == nil || !f.unsynced.Load() {
			break
		}
		s.log.mu.Unlock()
		// A record takes the place of one that is durable. If the power fails now, the
		// record may stay and the file that it names not.
		if err := s.bodies.syncOne(f.key); err != nil {
			return slot{}, false, err
		}
	}
	defer s.log.mu.Unlock()
	if next.at, err = s.log.write(rec); err != nil {
		return slot{}, false, err
	}
	if risky {
		next.blocks |= durableBit
	}
	s.index.set(next)
	delete(s.owed, next.hash)
	e.mu.Lock()
	e.fresh, e.spilt = false, false
	e.mu.Unlock()
	return old, had, nil
}

// durable reports whether something under the key of a slot would be there after a loss
// of power.
func (s *Store) durable(found *slot) bool {
	return found.blocks&durableBit != 0 || found.at < position(s.flushed.Load())
}

// remove deletes the entry of a hash, or only the one with a slot's number. If that could
// not be written down, the entry is gone only until the store is opened again: the note is
// owed.
func (s *Store) remove(hash uint64, only *slot) error {
	gone, err := s.unlist(hash, only)
	if gone.hasBody() {
		s.bodies.doom(gone.body())
	}
	return err
}

// evict is remove for one that nobody wants to see deleted: its file may be another's.
func (s *Store) evict(victim *slot) error {
	gone, err := s.unlist(victim.hash, victim)
	switch {
	case !gone.hasBody():
	case err != nil: // it may come back
		s.bodies.doom(gone.body())
	default:
		s.bodies.retire(gone.body(), gone.bodySize())
	}
	return err
}

// unlist takes an entry out of the log and the index, and returns its slot or an empty one.
func (s *Store) unlist(hash uint64, only *slot) (slot, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	found, had := s.index.get(hash)
	_, owed := s.owed[hash]
	switch {
	case s.log.closed:
		return slot{}, errClosed
	case had && only != nil && found.id != only.id, !had && !owed && (only != nil || !s.rebuilding):
		return slot{}, nil
	}
	_, err := s.log.write(note(kindDelete, hash, 0))
	if err != nil && had {
		err = s.log.strike(&found) // that takes no space
	}
	s.index.remove(hash)
	if err == nil {
		delete(s.owed, hash)
	} else {
		s.owed[hash] = struct{}{}
	}
	return found, err
}

// settle writes the notes that are owed.
func (s *Store) settle() error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.floor != 0 {
		if _, err := s.log.write(note(kindClear, 0, s.floor)); err != nil {
			return err
		}
		s.floor, s.rebuilding = 0, false
	}
	for hash := range s.owed {
		if _, err := s.log.write(note(kindDelete, hash, 0)); err != nil {
			return err
		}
		delete(s.owed, hash)
	}
	return nil
}

// tidy does a share of the store's chores, after so many bytes were stored.
func (s *Store) tidy(added int64) {
	s.makeRoom(2*added + mib)
	s.bodies.trim(s.limit - s.index.size())
	s.clean(4*added + scanSize)
}
