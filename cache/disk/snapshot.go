package disk

import (
	"encoding/binary"
	"path/filepath"
)

// The index file is the index as it was at a position of the log: a file header with the
// number of slots, the position and a checksum, then the slots, with a checksum behind
// every 2048.
const (
	slotSize      = 32
	slotsInGroup  = 2048
	indexHeadSize = fileHeaderSize + 16
)

// writeIndex writes the index down, as complete up to a position. Nothing changes it
// meanwhile.
func (s *Store) writeIndex(end position) error {
	return replaceFile(s.fs, s.dir, indexName, func(f file) error {
		le := binary.LittleEndian
		b := fileHeader(magicIndex, uint32(s.index.len()), &s.secret)
		b = le.AppendUint64(b, uint64(end))
		b = le.AppendUint64(b, uint64(checksum(b)))
		if _, err := f.WriteAt(b, 0); err != nil {
			return err
		}
		off, n := int64(indexHeadSize), 0
		b = make([]byte, 0, slotsInGroup*slotSize+4)
		flush := func() error {
			b = le.AppendUint32(b, checksum(b))
			_, err := f.WriteAt(b, off)
			off += int64(len(b))
			b, n = b[:0], 0
			return err
		}
		var slots []slot
		for i := range s.index.shards {
			slots = s.index.slots(slots[:0], i)
			for j := range slots {
				b = appendSlot(b, &slots[j])
				if n++; n == slotsInGroup {
					if err := flush(); err != nil {
						return err
					}
				}
			}
		}
		if n > 0 {
			return flush()
		}
		return nil
	})
}

func appendSlot(b []byte, s *slot) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, s.hash)
	b = le.AppendUint64(b, uint64(s.at))
	b = le.AppendUint32(b, s.size)
	b = le.AppendUint32(b, s.id)
	b = le.AppendUint32(b, s.blocks&^durableBit) // all is durable now
	return le.AppendUint32(b, s.used)
}

func parseSlot(b []byte) slot {
	le := binary.LittleEndian
	return slot{
		hash:   le.Uint64(b),
		at:     position(le.Uint64(b[8:])),
		size:   le.Uint32(b[16:]),
		id:     le.Uint32(b[20:]),
		blocks: le.Uint32(b[24:]) &^ durableBit,
		used:   le.Uint32(b[28:]),
	}
}

// A snapshot is an index file that is read.
type snapshot struct {
	file file
	n    int      // slots
	end  position // of the log, when it was written
}

// openSnapshot returns one that fails to load if there is none that is sound.
func (s *Store) openSnapshot() *snapshot {
	f, err := s.fs.Open(filepath.Join(s.dir, indexName))
	if err != nil {
		return &snapshot{}
	}
	b := make([]byte, indexHeadSize)
	if n, _ := f.ReadAt(b, 0); n == len(b) {
		le := binary.LittleEndian
		n, secret, err := parseFileHeader(b, magicIndex)
		if err == nil && secret == s.secret && le.Uint64(b[fileHeaderSize+8:]) == uint64(checksum(b[:fileHeaderSize+8])) {
			return &snapshot{file: f, n: int(n), end: position(le.Uint64(b[fileHeaderSize:]))}
		}
	}
	f.Close()
	return &snapshot{}
}

func (sn *snapshot) close() {
	if sn.file != nil {
		sn.file.Close()
	}
}

// load gives each slot to add. It fails where the file is damaged; what came before that is
// right.
func (sn *snapshot) load(add func(slot)) error {
	if sn.file == nil {
		return errDamaged
	}
	off := int64(indexHeadSize)
	b := make([]byte, slotsInGroup*slotSize+4)
	for left := sn.n; left > 0; {
		n := min(left, slotsInGroup)
		b = b[:n*slotSize+4]
		if m, err := sn.file.ReadAt(b, off); m < len(b) {
			return err
		}
		slots, sum := b[:n*slotSize], binary.LittleEndian.Uint32(b[n*slotSize:])
		if checksum(slots) != sum {
			return errDamaged
		}
		for i := range n {
			add(parseSlot(slots[i*slotSize:]))
		}
		off += int64(len(b))
		left -= n
	}
	return nil
}
