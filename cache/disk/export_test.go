package disk

import "unsafe"

// What the tests outside of the package need of its inside.
type (
	FS   = fileSystem
	File = file
)

const (
	SlotBytes  = int(unsafe.Sizeof(slot{}))
	InlineBody = inlineBody
	MaxGathers = maxGathers
)

var (
	ErrLocked   = errLocked
	OpenFS      = open
	DefaultSize = defaultSize
)

// Ready is closed when the index is complete.
func (s *Store) Ready() <-chan struct{} { return s.ready }

// DiskSize is how many bytes the segments take.
func (s *Store) DiskSize() int64 { return s.log.size.Load() }

// Gathering is how many entries have bytes that are not in their files yet.
func (s *Store) Gathering() int64 { return s.bodies.gathers.Load() }

// Len is how many entries there are.
func (s *Store) Len() int { return s.index.len() }

// SetUsed sets when the entries were last used, in order, by what when says of their size.
func (s *Store) SetUsed(when func(size int64) uint32) {
	for i := range s.index.shards {
		for j := range s.index.shards[i].slots {
			found := &s.index.shards[i].slots[j]
			found.used = when(found.totalSize())
		}
	}
}
