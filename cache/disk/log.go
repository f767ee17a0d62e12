package disk

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/neterr"
)

// A log is the segments in the order they were written. Records are appended to the
// last; the first goes when what is live of it has been copied to the end. So the order
// of two records of one key is the order of what they tell, and a note that an entry is
// deleted can go with the first segment: nothing older is left that it speaks of.
type log struct {
	fs     fileSystem
	dir    string
	secret *secret
	target int64 // size of a segment in bytes

	segments atomic.Pointer[map[uint32]*segment] // replaced as a whole, under mu
	size     atomic.Int64                        // of all segments

	// mu makes appending a record and changing the index one step: it is held while a
	// record is written, which is the very thing that it puts in order.
	mu      sync.Mutex
	last    *segment // that is appended to; nil if the next record begins one
	next    uint32   // number of the next segment
	dirty   []*segment
	created bool     // segments whose names may not be durable
	marked  position // the end when all before it was durable
	torn    bool     // there are records that were cut off, where a note would say they were whole
	closed  bool

	syncing sync.Mutex // held while files are synced: who comes later waits for it, too
}

// A segment is one file of the log.
type segment struct {
	id    uint32
	file  file
	end   int64 // where the next record goes; under the log's mu, or final
	dirty bool  // under the log's mu
	torn  bool  // there may be a part of a record at end; likewise
}

func openSegment(fs fileSystem, dir string, id uint32) (*segment, error) {
	f, err := fs.Open(filepath.Join(dir, segmentName(id)))
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &segment{id: id, file: f, end: min(size, maxSegment)}, nil
}

// find returns a segment, or nil.
func (l *log) find(id uint32) *segment { return (*l.segments.Load())[id] }

// order is the numbers of the segments, first the first.
func (l *log) order() []uint32 { return slices.Sorted(maps.Keys(*l.segments.Load())) }

// write appends a record made by finish. The caller holds mu.
func (l *log) write(rec []byte) (position, error) {
	if l.closed {
		return 0, errClosed
	}
	if l.last != nil && l.last.end+int64(len(rec)) > l.target && l.last.end > fileHeaderSize {
		if err := l.seal(); err != nil {
			return 0, err
		}
	}
	if l.last == nil {
		if err := l.grow(); err != nil {
			return 0, err
		}
	}
	s := l.last
	where := at(s.id, uint32(s.end))
	l.secret.seal(rec, where)
	if _, err := s.file.WriteAt(rec, s.end); err != nil {
		s.torn = s.file.Truncate(s.end) != nil
		return 0, neterr.FromOp("write to the cache", err)
	}
	s.torn = false
	s.end += int64(len(rec))
	l.size.Add(int64(len(rec)))
	l.soil(s)
	return where, nil
}

// soil notes that a segment is to be synced. The caller holds mu.
func (l *log) soil(s *segment) {
	if !s.dirty {
		s.dirty = true
		l.dirty = append(l.dirty, s)
	}
}

// seal ends the last segment. The caller holds mu.
func (l *log) seal() error {
	if l.last != nil && l.last.torn {
		// Later it would look as if it had been whole once.
		if err := l.last.file.Truncate(l.last.end); err != nil {
			return neterr.FromOp("end a cache file", err)
		}
	}
	l.last = nil
	return nil
}

// grow begins a segment. A number is used once, whatever comes of it.
func (l *log) grow() error {
	id := l.next
	l.next++
	name := filepath.Join(l.dir, segmentName(id))
	f, err := l.fs.Create(name)
	if err != nil {
		return neterr.FromOp("begin a cache file", err)
	}
	if _, err := f.WriteAt(fileHeader(magicSegment, id, l.secret), 0); err != nil {
		f.Close()
		l.fs.Remove(name)
		return neterr.FromOp("begin a cache file", err)
	}
	l.add(&segment{id: id, file: f, end: fileHeaderSize})
	l.last = l.find(id)
	l.created = true
	return nil
}

// add takes a segment in. The caller holds mu.
func (l *log) add(s *segment) {
	segments := maps.Clone(*l.segments.Load())
	segments[s.id] = s
	l.segments.Store(&segments)
	l.size.Add(s.end)
}

// drop deletes a segment, or fails and leaves it as it was. Whoever reads it finds it
// closed.
func (l *log) drop(s *segment) error {
	name := filepath.Join(l.dir, segmentName(s.id))
	removed := l.fs.Remove(name)
	if removed != nil && !isNotExist(removed) { // some systems cannot while it is open
		if err := s.file.Truncate(0); err != nil {
			return neterr.FromOp("delete a cache file", err)
		}
		if err := s.file.Sync(); err != nil {
			return neterr.FromOp("delete a cache file", err)
		}
	}
	l.mu.Lock()
	segments := maps.Clone(*l.segments.Load())
	delete(segments, s.id)
	l.segments.Store(&segments)
	if l.last == s {
		l.last = nil
	}
	l.created = true // its name is to be gone before another one's
	l.mu.Unlock()
	l.size.Add(-s.end)
	s.file.Close()
	if removed != nil {
		l.fs.Remove(name)
	}
	return nil
}

// strike makes the record of an entry a note that there is none, where no such note can
// be appended. The caller holds mu.
func (l *log) strike(s *slot) error {
	seg := l.find(s.at.segment())
	if seg == nil {
		return nil
	}
	_, err := seg.file.WriteAt(l.secret.struck(s.at), int64(s.at.offset())+7)
	l.soil(seg)
	l.marked = 0
	return neterr.FromOp("delete a cache entry", err)
}

// erase makes nothing of a record by taking its marks away. If that fails, notes of what
// is durable are left out from now on: they only serve to tell what was damaged from what
// was cut off.
func (l *log) erase(s *segment, marks []int64) {
	failed := false
	for _, mark := range marks {
		_, err := s.file.WriteAt(make([]byte, 8), mark)
		failed = failed || err != nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.soil(s) // again: it may have been synced since it was opened
	l.torn = l.torn || failed
}

// mark notes that what lies before a position is durable, and nothing else was written if
// that is the end. The caller holds mu.
func (l *log) mark(durable position) {
	last := l.end() == durable && len(l.dirty) == 0
	if !l.torn {
		if _, err := l.write(note(kindFlush, 0, durable)); err != nil {
			return // without the note it is durable, too
		}
	}
	if last {
		l.marked = l.end()
	}
}

// end is where the next record goes, or before. The caller holds mu.
func (l *log) end() position {
	if l.last != nil {
		return at(l.last.id, uint32(l.last.end))
	}
	return at(l.next, 0)
}

// sync makes durable what has been written.
func (l *log) sync(ctx context.Context) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	dirty, created := l.dirty, l.created
	l.dirty, l.created = nil, false
	for _, s := range dirty {
		s.dirty = false
	}
	l.mu.Unlock()

	for i, s := range dirty {
		err := neterr.FromContext(ctx)
		if err == nil {
			err = s.file.Sync()
		}
		if err != nil && !(isClosed(err) && l.find(s.id) == nil) {
			l.unsync(dirty[i:], created)
			return neterr.FromOp("sync the cache", err)
		}
	}
	if created {
		if err := l.fs.SyncDir(l.dir); err != nil {
			l.unsync(nil, true)
			return neterr.FromOp("sync the cache", err)
		}
	}
	return nil
}

// unsync notes that something is still to be synced.
func (l *log) unsync(dirty []*segment, created bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.created = l.created || created
	for _, s := range dirty {
		l.soil(s)
	}
}

// close ends writing, and returns where the last segment ends; 0 if there is none.
func (l *log) close() position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	order := l.order()
	if len(order) == 0 {
		return 0
	}
	last := l.find(order[len(order)-1])
	return at(last.id, uint32(last.end))
}

// free closes the files.
func (l *log) free() {
	for _, s := range *l.segments.Load() {
		s.file.Close()
	}
}
