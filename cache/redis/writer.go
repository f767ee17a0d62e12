package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// A writer is what only the one who writes an entry has to know.
type writer struct {
	next   fieldName // of its next piece; zero before the first
	added  []string  // names of the pieces that were not committed
	failed error     // of the call that failed
}

func (e *entry) WriteAt(p []byte, off int64) (int, error) {
	const op = "write a cache entry"
	if err := e.writable(); err != nil || len(p) == 0 {
		return 0, err
	}
	err := &neterr.Error{Op: op}
	switch {
	case off < 0:
		err.Code = neterr.InvalidArgument
	case off > e.store.maxSize-int64(len(p)):
		err.Code = neterr.FileTooBig
	case !e.free(off, len(p)):
		err.Code, err.Err = neterr.InvalidArgument, errors.New("something is there")
	}
	if err.Code != neterr.OK {
		e.writer.failed = err
		return 0, err
	}
	n := 0
	for n < len(p) {
		k, err := e.add(p[n:], off)
		if err != nil {
			e.writer.failed = err
			return n, err
		}
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// add takes some of p into the tail, for which another one may have to make way.
func (e *entry) add(p []byte, off int64) (int, error) {
	if len(e.tail.data) > 0 && (e.tail.end() != off || len(e.tail.data) == maxPiece) {
		if err := e.flush(context.Background()); err != nil {
			return 0, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.tail.data) == 0 {
		e.tail = tail{off: off}
	}
	p = p[:min(len(p), maxPiece-len(e.tail.data))]
	e.tail.data = append(e.tail.data, p...)
	return len(p), nil
}

// flush makes the tail a piece. What is sent has a time to live at once: nobody may come
// back for it.
func (e *entry) flush(ctx context.Context) error {
	const op = "write a cache entry"
	if len(e.pieces) == maxPieces {
		return &neterr.Error{Code: neterr.FileTooBig, Op: op, Err: errors.New("it has too many pieces")}
	}
	name := e.writer.name()
	err := e.store.call(ctx, op, func(ctx context.Context) error {
		_, err := e.store.client.TxPipelined(ctx, func(pipe goredis.Pipeliner) error {
			pipe.HSet(ctx, e.bodyName(), string(name[:]), e.tail.data)
			pipe.PExpire(ctx, e.bodyName(), e.store.ttl)
			return nil
		})
		return err
	})
	if err != nil {
		return failure(ctx, neterr.CacheWriteFailure, op, err)
	}
	e.writer.added = append(e.writer.added, string(name[:]))
	e.mu.Lock()
	defer e.mu.Unlock()
	p := piece{off: e.tail.off, len: len(e.tail.data), sum: checksum(e.tail.data), name: name}
	e.pieces = slices.Insert(e.pieces, e.find(p.off), p)
	e.keep(name, e.tail.data)
	e.tail = tail{}
	return nil
}

// name is a name that nobody else has.
func (w *writer) name() fieldName {
	if w.next == (fieldName{}) {
		rand.Read(w.next[:8])
	}
	name := w.next
	binary.BigEndian.PutUint32(w.next[8:], binary.BigEndian.Uint32(w.next[8:])+1)
	return name
}

func (e *entry) SetHead(h *store.Head) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = h
}

func (e *entry) Commit(ctx context.Context) error {
	if err := e.writable(); err != nil {
		return err
	}
	if e.head == nil {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "commit a cache entry without a head"}
	}
	if e.gone {
		return nil
	}
	err := e.commit(ctx)
	if err != nil {
		e.writer.failed = err
	}
	return err
}

func (e *entry) commit(ctx context.Context) error {
	const op = "commit a cache entry"
	if len(e.tail.data) > maxTail {
		if err := e.flush(ctx); err != nil {
			return err
		}
	}
	var replaced string
	if !e.fresh {
		replaced = e.ident()
	}
	text := e.append(nil)
	var old string
	err := e.store.call(ctx, op, func(ctx context.Context) (err error) {
		old, err = publish.Run(ctx, e.store.client, []string{e.name, e.bodyName()},
			text, e.store.ttl.Milliseconds(), len(e.pieces), identSize, replaced).Text()
		return err
	})
	switch {
	case errors.Is(err, goredis.Nil) && e.fresh:
		return &neterr.Error{Code: neterr.CacheWriteFailure, Op: op, Err: errors.New("the server has lost a part")}
	case errors.Is(err, goredis.Nil):
		e.set(&e.gone)
		return nil
	case err != nil:
		return failure(ctx, neterr.CacheWriteFailure, op, err)
	}
	e.writer.added = nil
	if !e.fresh {
		return nil
	}
	e.mu.Lock()
	e.fresh = false
	e.mu.Unlock()
	if old != e.ident() { // else it was sent twice
		if err := e.store.leave(ctx, e.name, old); err != nil {
			return failure(ctx, neterr.CacheWriteFailure, op, err)
		}
	}
	epoch, err := e.store.readEpoch(ctx)
	if err != nil {
		return failure(ctx, neterr.CacheWriteFailure, op, err)
	}
	if *epoch != e.epoch {
		return e.Delete(ctx)
	}
	return nil
}

func (e *entry) Delete(ctx context.Context) error {
	e.mu.Lock()
	err, stored := e.usable(), !e.fresh && !e.gone
	e.mu.Unlock()
	if err != nil {
		return err
	}
	if stored {
		if err := e.store.delete(ctx, e.name, e.ident()); err != nil {
			return err
		}
	}
	e.set(&e.gone)
	return nil
}

// Close takes back what was sent and not committed, if the server can be asked. Else it
// expires.
func (e *entry) Close() error {
	e.mu.Lock()
	done := e.closed
	e.closed = true
	e.loaded = [len(e.loaded)]loaded{}
	added, fresh := e.writer.added, e.fresh
	e.mu.Unlock()
	if done || len(added) == 0 {
		return nil
	}
	e.store.call(context.Background(), "close a cache entry", func(ctx context.Context) error {
		if fresh {
			return e.store.client.Unlink(ctx, e.bodyName()).Err()
		}
		return e.store.client.HDel(ctx, e.bodyName(), added...).Err()
	})
	return nil
}

func (e *entry) writable() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	return e.writer.failed
}

func (e *entry) set(state *bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*state = true
}
