package redis

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// An entry is a record with what is added to it.
type entry struct {
	store *Store
	name  string // of the record
	epoch string // when it was created

	writer writer

	// mu guards the rest, but for the record's generation and key, which stay. The one
	// that writes reads it without; nobody holds it while the server is asked.
	mu sync.Mutex
	record
	fresh, gone, closed bool // not committed yet; not under its key any more; closed

	// loaded are pieces that were read or written lately: for readers at a few places,
	// who ask for much less than a piece.
	loaded  [4]loaded
	oldest  int       // of loaded
	renewed time.Time // when the body was last told that somebody reads it
}

// A loaded is the bytes of a piece. Nobody changes them.
type loaded struct {
	name fieldName
	data []byte
}

func (e *entry) bodyName() string { return bodyName(e.name, e.gen) }

func (e *entry) Head() *store.Head {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.head
}

func (e *entry) Extents(to []store.Extent) []store.Extent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.extents(to)
}

func (e *entry) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, &neterr.Error{Code: neterr.InvalidArgument, Op: "read a cache entry before its begin"}
	}
	for n < len(p) {
		k, missing, err := e.readHere(p[n:], off)
		if err != nil {
			return n, err
		}
		if k == 0 {
			data, err := e.load(missing)
			if err != nil {
				return n, err
			}
			k = copy(p[n:], data[off-missing.off:])
		}
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// readHere copies what there is of the body here, at least one byte, or says which piece
// has it.
func (e *entry) readHere(p []byte, off int64) (n int, missing piece, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return 0, piece{}, err
	}
	if e.tail.off <= off && off < e.tail.end() {
		return copy(p, e.tail.data[off-e.tail.off:]), piece{}, nil
	}
	i := e.find(off)
	switch {
	case off >= e.end():
		return 0, piece{}, io.EOF
	case i == len(e.pieces) || e.pieces[i].off > off:
		return 0, piece{}, &neterr.Error{Code: neterr.CacheReadFailure, Op: "read a part of a cache entry that is not there"}
	}
	for j := range e.loaded {
		if l := &e.loaded[j]; l.data != nil && l.name == e.pieces[i].name {
			return copy(p, l.data[off-e.pieces[i].off:]), piece{}, nil
		}
	}
	return 0, e.pieces[i], nil
}

// load asks the server for a piece.
func (e *entry) load(p piece) ([]byte, error) {
	const op = "read a cache entry"
	ctx := context.Background() // readers have none
	renew := e.mustRenew()
	var data []byte
	err := e.store.call(ctx, op, func(ctx context.Context) error {
		if !renew {
			var err error
			data, err = e.store.client.HGet(ctx, e.bodyName(), string(p.name[:])).Bytes()
			return err
		}
		var got *goredis.StringCmd
		_, err := e.store.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			got = pipe.HGet(ctx, e.bodyName(), string(p.name[:]))
			pipe.Do(ctx, "PEXPIRE", e.bodyName(), min(linger, e.store.ttl).Milliseconds(), "GT")
			return nil
		})
		if err != nil {
			return err
		}
		data, err = got.Bytes()
		return err
	})
	if errors.Is(err, goredis.Nil) {
		err = errors.New("the server has lost a part")
	}
	if err != nil {
		return nil, failure(ctx, neterr.CacheReadFailure, op, err)
	}
	if len(data) != p.len || checksum(data) != p.sum {
		return nil, &neterr.Error{Code: neterr.CacheChecksumMismatch, Op: op}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keep(p.name, data)
	return data, nil
}

// mustRenew reports whether it is time that the server hears of a reader.
func (e *entry) mustRenew() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if now.Sub(e.renewed) < min(linger, e.store.ttl)/4 {
		return false
	}
	e.renewed = now
	return true
}

// keep has a piece in memory in place of another. It is called with the lock held.
func (e *entry) keep(name fieldName, data []byte) {
	e.loaded[e.oldest] = loaded{name, data}
	e.oldest = (e.oldest + 1) % len(e.loaded)
}

// usable is called with the lock held.
func (e *entry) usable() error {
	if e.store.closed.Load() {
		return errClosed
	}
	if e.closed {
		return errClosedEntry
	}
	return nil
}

var errClosedEntry = &neterr.Error{Code: neterr.CacheOperationNotSupported, Op: "use a closed cache entry", Err: errors.New("it is closed")}
