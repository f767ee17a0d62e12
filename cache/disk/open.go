package disk

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"

	"github.com/kaon-net/kaon/net/neterr"
)

func open(cfg Config, fs fileSystem) (s *Store, err error) {
	defer func() {
		if err != nil {
			err = &neterr.Error{Code: openCode(err), Op: "open the cache in", Addr: cfg.Dir, Err: err}
		}
	}()
	if cfg.Dir == "" {
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "open a directory without a name"}
	}
	if !cfg.Existing {
		if err := fs.MkdirAll(cfg.Dir); err != nil {
			return nil, err
		}
	} else if _, fresh, err := inspect(fs, cfg.Dir); fresh || isNotExist(err) {
		return nil, &neterr.Error{Code: neterr.FileNotFound, Op: "find a store"}
	}
	lock, err := fs.Lock(filepath.Join(cfg.Dir, lockName))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	s = &Store{fs: fs, dir: cfg.Dir, limit: cfg.limit(fs), lock: lock, owed: map[uint64]struct{}{}}
	err = s.start()
	if (errors.Is(err, errForeign) || errors.Is(err, errLost)) && !cfg.Existing {
		var segments []uint32
		if segments, err = listSegments(fs, cfg.Dir); err == nil {
			if err = removeAll(fs, cfg.Dir, segments); err == nil {
				err = s.start()
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// inspect finds out what is in a directory without changing it.
func inspect(fs fileSystem, dir string) (s secret, fresh bool, err error) {
	segments, err := listSegments(fs, dir)
	if err != nil {
		return s, false, err
	}
	return findSecret(fs, dir, segments)
}

// openCode is the code of an error of opening a store.
func openCode(err error) neterr.Code {
	if errors.Is(err, errLocked) || errors.Is(err, errForeign) || errors.Is(err, errLost) {
		return neterr.CacheOpenFailure
	}
	return neterr.CodeOf(neterr.From(err))
}

// start reads what there is, and begins to read the rest.
func (s *Store) start() error {
	segments, err := listSegments(s.fs, s.dir)
	if err != nil {
		return err
	}
	var fresh bool
	if s.secret, fresh, err = findSecret(s.fs, s.dir, segments); err != nil {
		return err
	}
	if fresh {
		if s.secret, err = newSecret(s.fs, s.dir); err != nil {
			return err
		}
	}
	s.bodies = bodies{fs: s.fs, dir: filepath.Join(s.dir, bodiesName), open: map[bodyKey]*body{}, dirty: map[bodyKey]struct{}{}}
	s.bodies.spares.sync = func() error { return s.log.sync(context.Background()) }
	if err := s.fs.MkdirAll(s.bodies.dir); err != nil {
		return err
	}
	s.ids.Store(rand.Uint32())
	if err := s.startLog(segments); err != nil {
		return err
	}
	s.startIndex()
	s.makeRoom(mib) // the limit may be another than last time
	return nil
}

// startLog opens the segments: all, since each may have the last word on a key.
func (s *Store) startLog(ids []uint32) error {
	l := &s.log
	l.fs, l.dir, l.secret, l.target, l.next = s.fs, s.dir, &s.secret, segmentSize(s.limit), 1
	segments := make(map[uint32]*segment, len(ids))
	l.segments.Store(&segments)
	for _, id := range ids {
		seg, err := openSegment(s.fs, s.dir, id)
		if err != nil {
			l.free()
			return err
		}
		segments[id] = seg
		l.next = id + 1
		l.size.Add(seg.end)
	}
	return nil
}
