package cache_test

import (
	"context"
	"sync"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// A faultyStore fails where it is told to, and counts what is open.
type faultyStore struct {
	store.Store

	mu    sync.Mutex
	at    string
	after int // calls that still succeed
	opens int
}

// failAt has the calls named fail from now on, and reports whether others did before.
func (s *faultyStore) failAt(at string) (failed bool) { return s.failAfter(at, 0) }

// failAfter is failAt but for the first n calls.
func (s *faultyStore) failAfter(at string, n int) (failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed = s.after < 0
	s.at, s.after = at, n
	return failed
}

func (s *faultyStore) fails(at string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at != at && s.at != "any" {
		return false
	}
	s.after--
	return s.after < 0
}

func (s *faultyStore) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens
}

func (s *faultyStore) count(e store.Entry, err error) (store.Entry, error) {
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.opens++
	s.mu.Unlock()
	return &faultyEntry{Entry: e, store: s}, nil
}

func (s *faultyStore) Open(ctx context.Context, key *store.Key) (store.Entry, error) {
	if s.fails("open") {
		return nil, neterr.CacheOpenFailure
	}
	return s.count(s.Store.Open(ctx, key))
}

func (s *faultyStore) Create(ctx context.Context, key *store.Key) (store.Entry, error) {
	if s.fails("create") {
		return nil, neterr.CacheCreateFailure
	}
	return s.count(s.Store.Create(ctx, key))
}

func (s *faultyStore) Delete(ctx context.Context, key *store.Key) error {
	if s.fails("delete") {
		return neterr.CacheDoomFailure
	}
	return s.Store.Delete(ctx, key)
}

type faultyEntry struct {
	store.Entry
	store *faultyStore
	once  sync.Once
}

func (e *faultyEntry) ReadAt(p []byte, off int64) (int, error) {
	if e.store.fails("read") {
		return 0, neterr.CacheChecksumMismatch
	}
	return e.Entry.ReadAt(p, off)
}

func (e *faultyEntry) WriteAt(p []byte, off int64) (int, error) {
	if e.store.fails("write") {
		return 0, neterr.FileNoSpace
	}
	return e.Entry.WriteAt(p, off)
}

func (e *faultyEntry) Commit(ctx context.Context) error {
	if e.store.fails("commit") {
		return neterr.CacheWriteFailure
	}
	return e.Entry.Commit(ctx)
}

func (e *faultyEntry) Close() error {
	e.once.Do(func() {
		e.store.mu.Lock()
		e.store.opens--
		e.store.mu.Unlock()
	})
	return e.Entry.Close()
}
