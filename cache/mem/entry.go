package mem

import (
	"context"
	"sync"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

var _ store.Lender = (*entry)(nil)

// An entry is a record as one opened it, with what was added since.
type entry struct {
	store  *Store
	record *record
	clears int64 // of the store, when it was created

	// mu guards the rest. It is held while bytes are copied: who writes changes chunks
	// in place.
	mu      sync.RWMutex
	fresh   bool // it was never committed, and may be
	shared  bool // others have this body too: copy it before it is changed
	closed  bool
	head    *store.Head
	body    body
	pending int64 // of the body's bytes, those that are counted as such
	failed  error // of the write that failed
}

func (e *entry) Head() *store.Head {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.head
}

func (e *entry) Extents(to []store.Extent) []store.Extent {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.body.extents(to)
}

func (e *entry) ReadAt(p []byte, off int64) (int, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.usable(); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, errBefore
	}
	return e.body.readAt(p, off)
}

var errBefore = &neterr.Error{Code: neterr.InvalidArgument, Op: "read a cache entry before its begin"}

// Lend returns what is left of the chunk at off.
func (e *entry) Lend(off int64) ([]byte, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.usable(); err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, errBefore
	}
	return e.body.lend(off)
}

func (e *entry) WriteAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := e.write(p, off); err != nil {
		return 0, err
	}
	e.store.makeRoom()
	return len(p), nil
}

func (e *entry) write(p []byte, off int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	if e.failed != nil {
		return e.failed
	}
	e.failed = e.add(p, off)
	return e.failed
}

func (e *entry) add(p []byte, off int64) error {
	if off < 0 {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "write a cache entry before its begin"}
	}
	if off > e.store.MaxEntrySize()-int64(len(p)) {
		return &neterr.Error{Code: neterr.FileTooBig, Op: "write a cache entry"}
	}
	if e.shared {
		e.body, e.shared = e.body.own(), false
	}
	length := int64(0)
	if e.head != nil {
		length = min(e.head.Length, e.store.MaxEntrySize())
	}
	plan, ok := e.body.plan(len(p), off, length)
	if !ok {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "write a cache entry where something is"}
	}
	if plan.size > 0 {
		n := int64(plan.size) + chunkSize
		if !e.store.reserve(n) {
			return &neterr.Error{Code: neterr.FileNoSpace, Op: "write a cache entry"}
		}
		e.pending += n
	}
	e.body = e.body.write(plan, p, off)
	return nil
}

func (e *entry) SetHead(h *store.Head) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = h
}

func (e *entry) Commit(context.Context) error {
	if err := e.commit(); err != nil {
		return err
	}
	e.store.makeRoom()
	return nil
}

func (e *entry) commit() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	if e.failed != nil {
		return e.failed
	}
	if e.head == nil {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "commit a cache entry without a head"}
	}
	stored, err := e.store.commit(e)
	if err != nil {
		return err
	}
	if stored {
		e.store.pending.Add(-e.pending)
		e.pending = 0
	}
	e.fresh, e.shared = false, true
	return nil
}

func (e *entry) Delete(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	e.fresh = false
	e.store.delete(e.record)
	return nil
}

func (e *entry) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.store.pending.Add(-e.pending)
	e.pending, e.body, e.closed = 0, nil, true
	return nil
}

// usable is called with the lock held.
func (e *entry) usable() error {
	if e.store.closed.Load() {
		return errClosed
	}
	if e.closed {
		return &neterr.Error{Code: neterr.CacheOperationNotSupported, Op: "use a closed cache entry"}
	}
	return nil
}
