package disk

import (
	"context"
	"math"
	"slices"
)

// maxSegment keeps offsets within what a position has room for.
const maxSegment = math.MaxUint32 - maxRecord

// startIndex reads the index file. If the log ends where it ended then, that is all. Else
// a goroutine reads the rest of the log, or the whole, and Close waits for it.
func (s *Store) startIndex() {
	l := &s.log
	s.ready = make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	s.rebuilder = stop
	sn := s.openSnapshot()
	l.next = max(l.next, sn.end.segment()+1)
	if l.find(sn.end.segment()) == nil {
		sn.close()
		sn = &snapshot{} // nothing is left of what it tells of
	}
	var all, rest []*segment // first the first; the rest is what the file does not know of
	for _, id := range l.order() {
		seg := l.find(id)
		all = append(all, seg)
		switch {
		case id < sn.end.segment():
		case id == sn.end.segment() && seg.end == int64(sn.end.offset()):
			l.last = seg
		default:
			rest = append(rest, seg)
		}
	}
	if len(rest) == 0 && (len(all) == 0 || s.loadSnapshot(sn) == nil) {
		l.marked = l.end()
		s.flushed.Store(uint64(l.marked))
		sn.close()
		stop()
		close(s.ready)
		return
	}

	l.last = nil
	s.flushed.Store(uint64(l.end())) // as if others relied on all of it
	for _, seg := range rest {
		seg.dirty = true // who wrote it may not have synced it
	}
	l.dirty, l.created, s.bodies.created = slices.Clone(rest), true, true
	s.rebuilding = true
	s.index.keepGraves()
	go func() {
		defer close(s.ready)
		defer sn.close()
		s.rebuild(ctx, sn, rest, all)
	}()
}

func (s *Store) loadSnapshot(sn *snapshot) error {
	if s.index.len() == 0 {
		s.index.reserve(sn.n)
	}
	segments := *s.log.segments.Load()
	return sn.load(func(found slot) {
		seg := segments[found.at.segment()]
		if seg != nil && found.size > 0 && int64(found.at.offset())+int64(found.size) <= seg.end {
			s.index.add(found)
		}
	})
}

// rebuild makes the index from the log, the last record first: what an index knows of a
// key is then the last word on it at any time, and older records are passed over.
func (s *Store) rebuild(ctx context.Context, sn *snapshot, rest, all []*segment) {
	b := builder{store: s, ctx: ctx, durable: sn.end}
	b.scanAll(rest, sn.end)
	if b.floor == 0 && ctx.Err() == nil && sn.end != 0 && s.loadSnapshot(sn) != nil {
		b.scanAll(all, 0) // the rest again: it does no harm
	}
	if ctx.Err() != nil {
		return
	}
	s.log.mu.Lock()
	if s.rebuilding = b.unreadable; b.unreadable {
		s.floor = b.floor
	}
	s.log.mu.Unlock()
	err := s.settle()
	s.index.fillGraves()
	if err == nil {
		err = s.log.sync(ctx) // what replaced the owner of a body file may not be durable yet
	}
	if err == nil {
		s.bodies.sweep(ctx, s.hasBody)
	}
}

// A builder takes records from the last to the first.
type builder struct {
	store      *Store
	ctx        context.Context
	durable    position // what lies before it was durable once
	floor      position // what lies before it does not count
	unreadable bool     // that is since something there cannot be read
}

// scanAll reads segments from a position on.
func (b *builder) scanAll(segments []*segment, from position) {
	for _, seg := range slices.Backward(segments) {
		if b.ctx.Err() != nil || seg.id < b.floor.segment() {
			return
		}
		offset := int64(fileHeaderSize)
		if seg.id == from.segment() {
			offset = max(offset, int64(from.offset()))
		}
		b.scan(seg, offset)
	}
}

// scan reads one segment. Records are collected before they are told to the index, since
// they can be found from the first to the last only.
func (b *builder) scan(seg *segment, offset int64) {
	var all []found
	sc := b.store.secret.scan(seg.file, seg.id, offset)
	for b.ctx.Err() == nil {
		f, err := sc.next()
		if isEOF(err) {
			break
		}
		if err != nil {
			// Here may be the last word on any key: nothing older counts.
			b.unreadable = true
			b.floor = at(seg.id+1, 0)
			return
		}
		switch {
		case f.damaged:
		case f.kind == kindFlush:
			b.durable = max(b.durable, position(f.body))
			continue
		case f.kind == kindClear:
			b.floor = max(b.floor, position(f.body))
			continue
		}
		f.raw, f.record = nil, record{kind: f.kind, size: f.size, hash: f.hash, id: f.id, time: f.time, body: f.body}
		all = append(all, f)
	}
	for _, f := range slices.Backward(all) {
		if f.at < b.floor || b.ctx.Err() != nil {
			break
		}
		b.tell(seg, &f)
	}
}

// tell tells the index of one record.
func (b *builder) tell(seg *segment, f *found) {
	x := &b.store.index
	switch {
	case f.damaged && f.at < b.durable:
		x.add(grave(f.hash)) // it was whole once: older records are not the last word
	case f.damaged:
		// It was cut off while it was written, and must not look otherwise the next time.
		b.store.log.erase(seg, f.marks)
	case f.kind == kindDelete:
		x.add(grave(f.hash))
	default:
		if f.kind == kindBody && f.at >= b.durable {
			b.store.bodies.soil(bodyKey{f.hash, f.id})
		}
		x.add(f.slot(f.at))
	}
}

// listSegments returns the numbers of the segments in dir, first the first.
func listSegments(fs fileSystem, dir string) ([]uint32, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var ids []uint32
	for _, name := range names {
		if id, ok := segmentID(name); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}
