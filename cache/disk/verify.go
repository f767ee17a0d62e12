package disk

import (
	"context"
	"errors"
	"time"

	"github.com/kaon-net/kaon/cache/store"
)

// Verify reads everything that is stored and calls report for each entry, with what is
// wrong with it or nil. The key is the zero Key where it cannot be read. What is damaged
// is deleted.
func (s *Store) Verify(ctx context.Context, report func(info *store.Info, damage error)) error {
	buf := make([]byte, maxRead*chunkSize)
	return s.walkSlots(ctx, func(found *slot) bool {
		key, err := s.verify(found, buf)
		for err != nil {
			again, ok := s.index.get(found.hash)
			if !ok || again.id != found.id || again.at == found.at {
				break
			}
			*found = again // it was moved meanwhile
			key, err = s.verify(found, buf)
		}
		if errors.Is(err, errDamaged) {
			s.remove(found.hash, found)
		}
		report(&store.Info{Key: key, Size: found.totalSize(), LastUsed: time.Unix(int64(found.used), 0)}, err)
		return true
	})
}

func (s *Store) verify(found *slot, buf []byte) (key store.Key, err error) {
	rec, record, err := s.read(found)
	if err != nil {
		key, _ = s.readKey(found) // which has a checksum of its own
		return key, err
	}
	e := &entry{store: s, hash: found.hash, id: found.id, key: rec.key, mem: rec.data, buf: record}
	defer e.Close()
	if key, err = store.ParseKey(rec.key); err != nil {
		return key, errDamaged
	}
	if err := e.open(&rec, rec.key); err != nil {
		return key, err
	}
	for _, x := range e.Extents(nil) {
		for off := x.Off; off < x.End(); {
			n, err := e.ReadAt(buf[:min(int64(len(buf)), x.End()-off)], off)
			if err != nil {
				return key, err
			}
			off += int64(n)
		}
	}
	return key, nil
}
