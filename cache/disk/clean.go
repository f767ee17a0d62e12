package disk

import (
	"context"
	"sync"
)

// A cleaner gives the space of dead records back: it copies what is live of the first
// segment to the end of the log, a share with every commit, and deletes the segment.
type cleaner struct {
	mu      sync.Mutex // held by the one that cleans; others leave it to that one
	segment *segment
	scan    *scanner
	damaged bool // there was something that is no record any more
}

// leastDead is not worth the trouble.
const leastDead = 64 << 10

// clean goes on if there is much that is dead: for so many bytes of the segment at least.
func (s *Store) clean(share int64) {
	c := &s.cleaner
	for s.log.size.Load()-s.index.records.Load() > max(s.limit/8, leastDead) && share > 0 && c.mu.TryLock() {
		n, ok := c.step(s, share)
		c.mu.Unlock()
		if !ok {
			return
		}
		share -= n
	}
}

// step works on one segment. ok is false if there is no more to do now.
func (c *cleaner) step(s *Store, share int64) (n int64, ok bool) {
	seg := s.firstSegment()
	if seg == nil {
		return 0, false
	}
	if c.segment != seg {
		c.segment, c.damaged = seg, false
		c.scan = s.secret.scan(seg.file, seg.id, fileHeaderSize)
	}
	for n < share {
		before := c.scan.pos
		f, err := c.scan.next()
		n += c.scan.pos - before
		switch {
		case isClosed(err):
			c.segment = nil
			return n, false
		case err != nil:
			c.damaged = c.damaged || !isEOF(err)
			return n, c.finish(s)
		case f.damaged:
			c.damaged = true
		case f.kind == kindInline || f.kind == kindBody:
			if s.copy(&f) != nil {
				c.segment = nil
				return n, false
			}
		}
	}
	return n, true
}

// firstSegment is the one to clean: nothing is appended to it any more. It is nil while
// the index is not complete.
func (s *Store) firstSegment() *segment {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	order := s.log.order()
	if s.rebuilding || s.log.closed || len(order) == 0 {
		return nil
	}
	first := s.log.find(order[0])
	if s.log.last == first && s.log.seal() != nil {
		return nil
	}
	return first
}

// copy appends a record once more if it is live.
func (s *Store) copy(f *found) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	live, ok := s.index.get(f.hash)
	if !ok || live.at != f.at {
		return nil
	}
	to, err := s.log.write(f.raw)
	if err != nil {
		return err
	}
	s.index.move(f.hash, f.at, to, s.durable(&live))
	return nil
}

// finish deletes the segment, when what was copied is durable.
func (c *cleaner) finish(s *Store) bool {
	if s.log.sync(context.Background()) != nil {
		c.segment = nil
		return false
	}
	seg := c.segment
	c.segment, c.scan = nil, nil
	if s.log.drop(seg) != nil {
		return false
	}
	if c.damaged {
		s.index.forget(seg.id)
	}
	return true
}
