// Package mem keeps a cache's entries in memory: a [store.Store] for sessions that
// leave nothing on disk.
//
// It needs nothing else, has no goroutine, and does no I/O: it pays no attention to
// contexts. What is put in is spread over shards, each under its own lock, so that
// requests for different URLs seldom meet. A body is a list of chunks that are
// never moved or copied again; entries that are open share them with the store, and keep
// those that were evicted, replaced or deleted.
//
//	s := mem.New(mem.Config{Size: 64 << 20})
//	defer s.Close()
package mem

import (
	"context"
	"hash/maphash"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// Config configures a Store.
type Config struct {
	// Size is how many bytes the entries may take, with those that are being written;
	// 0 is a fiftieth of the machine's memory, but at most 50 MiB, and 10 MiB where
	// nobody knows how much that is. What is gone from the store but still open is not
	// counted.
	Size int64
}

// A Store keeps entries in memory.
type Store struct {
	limit     int64
	committed atomic.Int64 // bytes of the records in the shards
	pending   atomic.Int64 // bytes written to open entries and not committed
	clears    atomic.Int64 // how many times all was cleared
	closed    atomic.Bool

	evicting sync.Mutex // held by the one that makes room

	start  time.Time // last uses are counted from here
	seed   maphash.Seed
	shards [64]shard
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New(cfg Config) *Store {
	s := &Store{limit: cfg.Size, start: time.Now(), seed: maphash.MakeSeed()}
	if s.limit == 0 {
		s.limit = defaultSize(physicalMemory())
	}
	for i := range s.shards {
		s.shards[i].total = &s.committed
	}
	return s
}

// defaultSize is Chromium's choice for a machine with so much memory, 0 being unknown.
func defaultSize(ram int64) int64 {
	if ram <= 0 {
		return 10 << 20
	}
	return min(ram/50, 50<<20)
}

// Open returns the entry under key.
func (s *Store) Open(_ context.Context, key *store.Key) (store.Entry, error) {
	now := s.now()
	hash := s.hash(key)
	sh := s.shard(hash)
	sh.mu.Lock()
	r := sh.find(hash, key)
	if r == nil {
		sh.mu.Unlock()
		if s.closed.Load() {
			return nil, errClosed
		}
		return nil, store.ErrMiss
	}
	head, chunks, err := sh.use(r, now)
	sh.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return &entry{store: s, record: r, head: head, body: chunks, shared: true}, nil
}

// Create begins an entry.
func (s *Store) Create(_ context.Context, key *store.Key) (store.Entry, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	if key.Partition.HasNonce() {
		return nil, &neterr.Error{Code: neterr.CacheOperationNotSupported, Op: "create a cache entry"}
	}
	r := &record{key: *key, hash: s.hash(key)}
	return &entry{store: s, record: r, body: r.first[:0], fresh: true, clears: s.clears.Load()}, nil
}

// Delete takes the entry under key away.
func (s *Store) Delete(_ context.Context, key *store.Key) error {
	if s.closed.Load() {
		return errClosed
	}
	hash := s.hash(key)
	sh := s.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.find(hash, key); r != nil {
		sh.remove(r)
	}
	return nil
}

// Clear deletes the entries that match.
func (s *Store) Clear(ctx context.Context, match func(*store.Info) bool) error {
	if s.closed.Load() {
		return errClosed
	}
	if match == nil {
		s.drop()
		return nil
	}
	for info, err := range s.All(ctx) {
		if err != nil {
			return err
		}
		key := info.Key // before match may change it
		if !match(info) {
			continue
		}
		if err := s.Delete(ctx, &key); err != nil {
			return err
		}
	}
	return nil
}

// All yields what is stored.
func (s *Store) All(context.Context) iter.Seq2[*store.Info, error] {
	return func(yield func(*store.Info, error) bool) {
		var infos []store.Info
		for i := range s.shards {
			if s.closed.Load() {
				yield(nil, errClosed)
				return
			}
			infos = s.shards[i].infos(infos[:0], s.start)
			for j := range infos {
				if !yield(&infos[j], nil) {
					return
				}
			}
		}
	}
}

// Size is how many bytes the entries take: their bodies with what is set aside for
// growth, heads, keys, and the store's own notes.
func (s *Store) Size(context.Context) (int64, error) {
	if s.closed.Load() {
		return 0, errClosed
	}
	return s.committed.Load(), nil
}

// MaxEntrySize is an eighth of what all entries may take.
func (s *Store) MaxEntrySize() int64 { return s.limit / 8 }

// Flush has nothing to do.
func (s *Store) Flush(context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	return nil
}

// Close frees the entries. Those that are open fail from then on.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.drop()
	return nil
}

var errClosed = &neterr.Error{Code: neterr.ContextShutDown, Op: "use a closed cache store"}

// drop empties the store. Who creates an entry before does not get it in.
func (s *Store) drop() {
	s.clears.Add(1)
	for i := range s.shards {
		s.shards[i].drop()
	}
}

// commit makes a record what an entry says, if it is the first time, or if the record is
// still there.
func (s *Store) commit(e *entry) (stored bool, err error) {
	r := e.record
	var url string
	if e.fresh {
		url = r.key.URL
	}
	text, err := pack(url, e.head)
	if err != nil {
		return false, err
	}
	sh := s.shard(r.hash)
	now := s.now()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case e.fresh && e.clears == s.clears.Load():
		if old := sh.find(r.hash, &r.key); old != nil {
			sh.remove(old)
		}
		r.key.URL = text[:len(url)]
	case !e.fresh && r.listed:
		sh.remove(r)
	default:
		return false, nil
	}
	r.packed, r.rules, r.head, r.body, r.used = text[len(url):], e.head.Rules, nil, e.body, now
	sh.add(r)
	return true, nil
}

func (s *Store) delete(r *record) {
	sh := s.shard(r.hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r.listed {
		sh.remove(r)
	}
}

// now is the time since the store was made: the system's clock may be set meanwhile.
func (s *Store) now() time.Duration { return time.Since(s.start) }

func (s *Store) hash(key *store.Key) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := maphash.String(s.seed, key.URL) + (key.Variant+uint64(key.Upload))*odd
	if !key.Partition.IsZero() {
		h += maphash.Comparable(s.seed, key.Partition) * odd
	}
	return h
}

func (s *Store) shard(hash uint64) *shard { return &s.shards[hash%uint64(len(s.shards))] }
