package disk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	iofs "io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// A Store keeps entries in a directory.
type Store struct {
	fs     fileSystem
	dir    string
	limit  int64
	secret secret
	lock   io.Closer

	index  index
	log    log
	bodies bodies
	ids    atomic.Uint32 // of entries; it begins anywhere

	// Under the log's mu.
	clears     int                 // how many times all was cleared
	rebuilding bool                // the index does not have all entries, and may never
	owed       map[uint64]struct{} // hashes of entries whose deletion is not in the log
	floor      position            // entries before it are gone, which is not in the log; then rebuilding is true

	ready     chan struct{}      // closed when the index has all entries, or was given up
	rebuilder context.CancelFunc // ends what leads there

	flushing sync.Mutex
	flushed  atomic.Uint64 // the position before which all is durable

	evictor evictor
	cleaner cleaner

	closed   atomic.Bool
	closing  sync.Mutex
	closeErr error
}

var _ store.Store = (*Store)(nil)

var errClosed = &neterr.Error{Code: neterr.ContextShutDown, Op: "use a closed cache store"}

// Open opens the store in cfg.Dir, or makes one. A store that another version wrote, or
// that is damaged beyond use, is deleted first. If another process has it open, the error
// is neterr.CacheOpenFailure and says so.
//
// After a crash Open does not wait until all entries are known: what is not found yet is
// a miss.
func Open(cfg Config) (*Store, error) { return open(cfg, osFS{}) }

// Open returns the entry under key.
func (s *Store) Open(ctx context.Context, key *store.Key) (store.Entry, error) {
	return s.open(ctx, key, s.index.use)
}

// Peek is Open that does not count as use.
func (s *Store) Peek(ctx context.Context, key *store.Key) (store.Entry, error) {
	return s.open(ctx, key, func(hash uint64, _ uint32) (slot, bool) { return s.index.get(hash) })
}

func (s *Store) open(ctx context.Context, key *store.Key, find func(hash uint64, now uint32) (slot, bool)) (store.Entry, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var scratch [256]byte
	hash, k, err := s.hash(scratch[:0], key)
	if err != nil {
		return nil, store.ErrMiss // what cannot be stored is not there
	}
	for {
		found, ok := find(hash, now())
		if !ok {
			return nil, store.ErrMiss
		}
		e, err := s.load(&found, k)
		if err == nil {
			return e, nil
		}
		if again, ok := s.index.get(hash); ok && again.at != found.at {
			continue // it was moved, or replaced
		}
		return nil, s.miss(&found, err)
	}
}

// Create begins an entry.
func (s *Store) Create(ctx context.Context, key *store.Key) (store.Entry, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	hash, k, err := s.hash(make([]byte, 0, len(s.secret)+len(key.URL)+64), key)
	if err != nil {
		return nil, err
	}
	e := &entry{store: s, hash: hash, id: s.ids.Add(1), key: k, fresh: true}
	s.log.mu.Lock()
	e.clears = s.clears
	s.log.mu.Unlock()
	return e, nil
}

// Delete takes the entry under key away.
func (s *Store) Delete(ctx context.Context, key *store.Key) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	var scratch [256]byte
	hash, _, err := s.hash(scratch[:0], key)
	if err != nil {
		return nil // what cannot be stored is not there
	}
	return s.remove(hash, nil)
}

// All yields what is stored, when the index is complete. Damaged entries are left out.
func (s *Store) All(ctx context.Context) iter.Seq2[*store.Info, error] {
	return func(yield func(*store.Info, error) bool) {
		err := s.walk(ctx, func(_ *slot, info *store.Info) bool { return yield(info, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// Clear deletes the entries that match, when the index is complete, or all at once.
func (s *Store) Clear(ctx context.Context, match func(*store.Info) bool) error {
	if match == nil {
		return s.clear(ctx)
	}
	failed := s.settle()
	if failed != nil {
		return failed
	}
	s.bodies.dropSpares()
	err := s.walk(ctx, func(found *slot, info *store.Info) bool {
		if match(info) {
			failed = s.remove(found.hash, found)
		}
		return failed == nil
	})
	return errors.Join(failed, err)
}

// Size is how many bytes records and body files take, when the index is complete.
func (s *Store) Size(ctx context.Context) (int64, error) {
	if err := s.wait(ctx); err != nil {
		return 0, err
	}
	return s.index.size(), nil
}

// MaxEntrySize is an eighth of the store's size, and 5 MiB at least.
func (s *Store) MaxEntrySize() int64 { return maxEntrySize(s.limit) }

// Limit is how many bytes the entries may take; math.MaxInt64 is no limit.
func (s *Store) Limit() int64 { return s.limit }

// Flush makes durable what was committed, and what a process that crashed left.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	s.settle() // what cannot be settled is still owed
	return s.flush(ctx)
}

func (s *Store) flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.log.mu.Lock()
	end, done := s.log.end(), s.log.marked == s.log.end()
	s.log.mu.Unlock()
	if done {
		return nil
	}
	if err := s.bodies.sync(ctx); err != nil {
		return err
	}
	if err := s.log.sync(ctx); err != nil {
		return err
	}
	s.flushed.Store(uint64(end))

	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.mark(end)
	return nil
}

// Close flushes, writes the index down, and lets go of the directory.
func (s *Store) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed.Swap(true) {
		return s.closeErr
	}
	s.rebuilder()
	<-s.ready
	s.settle() // what cannot be settled stays as it is in the log
	end := s.log.close()
	err := s.flush(context.Background())
	s.log.mu.Lock()
	complete := !s.rebuilding
	s.log.mu.Unlock()
	if err == nil && complete {
		err = neterr.FromOp("write the cache's index", s.writeIndex(end))
	}
	s.bodies.free(func(k bodyKey) bool { return !complete || err != nil || s.hasBody(k) })
	s.log.free()
	s.index.reset()
	s.lock.Close()
	s.closeErr = err
	return err
}

// clear deletes everything.
func (s *Store) clear(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	s.rebuilder()
	<-s.ready

	s.log.mu.Lock()
	s.clears++
	s.floor, s.rebuilding = 0, false
	before := s.log.order()
	s.log.last = nil
	_, err := s.log.write(note(kindClear, 0, s.log.end()))
	if err != nil {
		s.floor, s.rebuilding = s.log.end(), true // what is left may come back
	}
	s.index.reset()
	clear(s.owed)
	s.log.mu.Unlock()

	s.bodies.doomOpen()
	if err == nil {
		err = s.flush(ctx)
	}
	s.fs.Remove(filepath.Join(s.dir, indexName))
	// The first go first, and where no durable note says that they are gone none before
	// the one before is: what is left after a crash must be the end of the log, where the
	// last word is on every key.
	for _, id := range before {
		seg := s.log.find(id)
		if seg == nil {
			continue
		}
		dropped := s.log.drop(seg)
		if dropped == nil && err != nil {
			dropped = s.log.sync(ctx)
		}
		if dropped != nil {
			err = errors.Join(err, dropped)
			break
		}
	}
	s.bodies.sweep(context.Background(), s.hasBody)
	return err
}

// hasBody reports whether an entry has a body file.
func (s *Store) hasBody(k bodyKey) bool {
	found, ok := s.index.get(k.hash)
	return ok && found.id == k.id && found.hasBody()
}

// usable returns why the store cannot be used.
func (s *Store) usable(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	return neterr.FromContext(ctx)
}

// wait returns when the index is complete.
func (s *Store) wait(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	select {
	case <-s.ready:
		return s.usable(ctx)
	case <-ctx.Done():
		return neterr.FromContext(ctx)
	}
}

// hash appends what is hashed to b, and returns its end, which is the key as records have
// it.
func (s *Store) hash(b []byte, key *store.Key) (hash uint64, k []byte, err error) {
	b = append(b, s.secret[:]...)
	b, err = store.AppendKey(b, key)
	if err != nil {
		return 0, nil, err
	}
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:]), b[len(s.secret):], nil
}

// now is the time as slots have it.
func now() uint32 { return uint32(time.Now().Unix()) }

func isNotExist(err error) bool { return errors.Is(err, iofs.ErrNotExist) }
func isClosed(err error) bool   { return errors.Is(err, os.ErrClosed) }
func isEOF(err error) bool      { return errors.Is(err, io.EOF) }
