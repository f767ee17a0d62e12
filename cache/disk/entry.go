package disk

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// inlineBody is the largest body that is stored in its record.
const inlineBody = 32 << 10

// An entry is one that is open.
type entry struct {
	store  *Store
	hash   uint64
	id     uint32
	clears int // of the store, when it was created

	// mu guards the rest. It is held while bytes are copied, never for I/O.
	mu     sync.RWMutex
	key    []byte
	head   *store.Head
	runs   []run
	mem    []byte  // the body's bytes, if they are not in a file: where runs are
	own    bool    // mem is nobody else's
	buf    *buffer // key and mem are parts of it, if the entry was opened
	body   *body   // the file with the body's bytes, or nil
	fresh  bool    // it was never committed, and may be
	spilt  bool    // body was not committed
	closed bool
	failed error  // of the write that failed
	one    [1]run // most bodies have one

	part   part   // the chunk that was read last
	gather gather // the bytes that were written last
}

// load opens the entry whose record a slot tells of. The error is errOther if it has
// another key, and otherwise what is wrong with it.
func (s *Store) load(found *slot, key []byte) (*entry, error) {
	rec, buf, err := s.read(found)
	if err != nil {
		return nil, err
	}
	e := &entry{store: s, hash: found.hash, id: found.id, key: rec.key, mem: rec.data, buf: buf}
	if err := e.open(&rec, key); err != nil {
		buf.put()
		return nil, err
	}
	return e, nil
}

func (e *entry) open(rec *record, key []byte) (err error) {
	if !bytes.Equal(rec.key, key) {
		return errOther
	}
	if e.head, err = store.ParseHead(rec.head); err != nil {
		return errDamaged
	}
	if e.runs, err = rec.parseRuns(e.one[:0]); err != nil {
		return err
	}
	if rec.kind != kindBody {
		return nil
	}
	k := bodyKey{rec.hash, rec.id}
	e.body, err = e.store.bodies.use(k, rec.body)
	switch {
	case isNotExist(err):
		return errDamaged
	case err == nil && !e.store.hasBody(k): // the file may be another's by now
		e.store.bodies.release(e.body)
		e.body = nil
		return errDamaged
	}
	return err
}

var errOther = errors.New("another key has this hash")

// read reads the record of an entry, in a buffer that the caller puts back.
func (s *Store) read(found *slot) (record, *buffer, error) {
	seg := s.log.find(found.at.segment())
	if seg == nil {
		return record{}, nil, errDamaged
	}
	buf := getBuffer(int(found.size))
	n, err := seg.file.ReadAt(buf.b, int64(found.at.offset()))
	if n < len(buf.b) {
		if isEOF(err) {
			err = errDamaged
		}
		buf.put()
		return record{}, nil, err
	}
	rec, err := s.secret.parse(buf.b, found.at)
	if err == nil && (rec.hash != found.hash || rec.id != found.id || rec.kind != kindInline && rec.kind != kindBody) {
		err = errDamaged
	}
	if err != nil {
		buf.put()
		return record{}, nil, err
	}
	return rec, buf, nil
}

// miss is what Open says of an entry that could not be loaded. One that is damaged is
// deleted: it would be no better the next time.
func (s *Store) miss(found *slot, err error) error {
	switch {
	case errors.Is(err, errOther):
		return store.ErrMiss
	case errors.Is(err, errDamaged):
		s.remove(found.hash, found)
		return store.ErrMiss
	case s.closed.Load():
		return errClosed
	}
	return &neterr.Error{Code: store.ErrMiss, Op: "read a cache entry", Err: err}
}

func (e *entry) Head() *store.Head {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.head
}

func (e *entry) SetHead(h *store.Head) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = h
}

func (e *entry) Extents(to []store.Extent) []store.Extent {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return extents(to, e.runs)
}

func (e *entry) Delete(context.Context) error {
	e.mu.Lock()
	err := e.usable()
	fresh := e.fresh
	e.fresh = false
	e.mu.Unlock()
	if err != nil || fresh {
		return err
	}
	return e.store.remove(e.hash, &slot{id: e.id})
}

func (e *entry) Close() error {
	e.mu.Lock()
	body, buf, spilt := e.body, e.buf, e.spilt
	e.closed, e.runs, e.key, e.mem, e.body, e.buf = true, nil, nil, nil, nil, nil
	e.mu.Unlock()
	e.part.free()
	e.gather.close(&e.store.bodies)
	if buf != nil {
		buf.put()
	}
	switch {
	case body == nil:
	case spilt && !e.store.hasBody(body.key):
		e.store.bodies.discard(body)
	default:
		e.store.bodies.release(body)
	}
	return nil
}

// usable is called with the lock held.
func (e *entry) usable() error {
	if e.store.closed.Load() {
		return errClosed
	}
	if e.closed {
		return errEntryClosed
	}
	return nil
}

var errEntryClosed = &neterr.Error{Code: neterr.CacheOperationNotSupported, Op: "use a closed cache entry"}
