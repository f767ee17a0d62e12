package disk

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// walk tells of every entry until yield returns false. No lock is held then.
func (s *Store) walk(ctx context.Context, yield func(*slot, *store.Info) bool) error {
	return s.walkSlots(ctx, func(found *slot) bool {
		key, ok := s.readKey(found)
		if !ok {
			return true
		}
		info := store.Info{Key: key, Size: found.totalSize(), LastUsed: time.Unix(int64(found.used), 0)}
		return yield(found, &info)
	})
}

// walkSlots goes through the log in its order, for each part of the index: the disk likes
// that better.
func (s *Store) walkSlots(ctx context.Context, yield func(*slot) bool) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	var slots []slot
	for i := range s.index.shards {
		slots = s.index.slots(slots[:0], i)
		slices.SortFunc(slots, func(a, b slot) int { return cmp.Compare(a.at, b.at) })
		for j := range slots {
			if err := s.usable(ctx); err != nil {
				return err
			}
			if !yield(&slots[j]) {
				return nil
			}
		}
	}
	return nil
}

// readKey reads the key of an entry. ok is false if it is not there any more, or damaged.
func (s *Store) readKey(found *slot) (key store.Key, ok bool) {
	for {
		b, err := s.readHeader(found)
		if err == nil {
			key, err = store.ParseKey(b)
			return key, err == nil
		}
		again, ok := s.index.get(found.hash)
		if !ok || again.id != found.id || again.at == found.at {
			return key, false
		}
		found.at, found.size = again.at, again.size
	}
}

// readHeader returns the bytes of the key.
func (s *Store) readHeader(found *slot) ([]byte, error) {
	seg := s.log.find(found.at.segment())
	if seg == nil {
		return nil, errDamaged
	}
	b := make([]byte, min(512, found.size))
	for {
		if _, err := seg.file.ReadAt(b, int64(found.at.offset())); err != nil {
			return nil, neterr.From(err)
		}
		rec, complete, err := s.secret.parseHeader(b, found.at)
		switch {
		case err != nil || complete && rec.hash != found.hash:
			return nil, errDamaged
		case complete:
			return rec.key, nil
		}
		n := headerSize + int(binary.LittleEndian.Uint32(b[40:]))
		if n > int(found.size) || n <= len(b) {
			return nil, errDamaged
		}
		b = make([]byte, n)
	}
}
