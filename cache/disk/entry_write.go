package disk

import (
	"context"
	"math"
	"slices"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

func (e *entry) WriteAt(p []byte, off int64) (int, error) {
	err := e.write(p, off)
	if err != nil {
		e.mu.Lock()
		e.failed = err
		e.mu.Unlock()
		return 0, err
	}
	return len(p), nil
}

// write is for the one caller that writes. What only it changes it reads without a lock.
func (e *entry) write(p []byte, off int64) error {
	e.mu.RLock()
	err := e.usable()
	e.mu.RUnlock()
	if err != nil {
		return err
	}
	switch {
	case e.failed != nil:
		return e.failed
	case off < 0:
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "write a cache entry before its begin"}
	case off > e.store.MaxEntrySize()-int64(len(p)), len(e.runs) >= maxRuns:
		return &neterr.Error{Code: neterr.FileTooBig, Op: "write a cache entry"}
	case len(p) == 0:
		return nil
	}
	if i := findRun(e.runs, off); i < len(e.runs) && e.runs[i].off < off+int64(len(p)) {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "write a cache entry where something is"}
	}
	if e.body == nil && !e.isLarge(len(p)) {
		e.keep(p, off)
		return nil
	}
	if e.body == nil {
		if err := e.spill(); err != nil {
			return err
		}
	}
	where, err := e.gather.write(&e.store.bodies, e.body, p)
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.add(p, off, where).grow(p)
	e.mu.Unlock()
	return nil
}

// isLarge reports whether the body does not fit in a record with n bytes more.
func (e *entry) isLarge(n int) bool {
	return len(e.mem)+n > inlineBody || e.head != nil && e.head.State == store.Complete && e.head.Length > inlineBody
}

// keep writes to memory.
func (e *entry) keep(p []byte, off int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.own {
		room := len(e.mem) + len(p)
		if e.head != nil {
			room = max(room, int(min(e.head.Length, inlineBody)))
		}
		e.mem = append(make([]byte, 0, room), e.mem...)
		e.own = true
	}
	where := int64(len(e.mem))
	e.mem = append(e.mem, p...)
	e.add(p, off, where).len += int64(len(p))
}

// add returns the run that p belongs to, the one before or a new one, as it was without
// p. The caller holds the lock.
func (e *entry) add(p []byte, off, where int64) *run {
	i := findRun(e.runs, off)
	if i > 0 {
		if before := &e.runs[i-1]; before.end() == off && before.at+before.len == where {
			return before
		}
	}
	e.runs = slices.Insert(e.runs, i, run{off: off, at: where})
	return &e.runs[i]
}

// spill writes what is in memory to a file, where the body goes on.
func (e *entry) spill() error {
	f, err := e.store.bodies.create(bodyKey{e.hash, e.id}, e.fresh)
	if err != nil {
		return err
	}
	runs := slices.Clone(e.runs)
	if len(e.mem) > 0 {
		where, err := e.gather.write(&e.store.bodies, f, e.mem)
		if err != nil {
			e.store.bodies.discard(f)
			return err
		}
		for i := range runs {
			r := &runs[i]
			bytes := e.mem[r.at : r.at+r.len]
			r.at, r.len = r.at+where, 0
			r.grow(bytes)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		e.store.bodies.discard(f)
		return e.usable()
	}
	e.runs, e.mem, e.body, e.spilt = runs, nil, f, true
	return nil
}

func (e *entry) Commit(ctx context.Context) error {
	if err := neterr.FromContext(ctx); err != nil {
		return err
	}
	buf := getBuffer(largeBuffer)
	defer buf.put()
	e.mu.RLock()
	next, rec, err := e.record(buf.b[:0])
	body := e.body
	e.mu.RUnlock()
	if err != nil {
		return err
	}
	if body != nil {
		if err := e.gather.flush(&e.store.bodies, body, math.MaxInt64); err != nil {
			return err
		}
		if e.spilt && e.fresh {
			body.cut()
		}
	}
	if err := e.store.commit(ctx, e, body, next, rec); err != nil {
		return err
	}
	e.store.tidy(next.totalSize())
	return nil
}

// record appends the record of what the entry is now, and returns its slot. It is called
// with the lock held.
func (e *entry) record(b []byte) (slot, []byte, error) {
	if err := e.usable(); err != nil {
		return slot{}, nil, err
	}
	if e.failed != nil {
		return slot{}, nil, e.failed
	}
	if e.head == nil {
		return slot{}, nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "commit a cache entry without a head"}
	}
	r := record{kind: kindInline, hash: e.hash, id: e.id, time: now()}
	if e.body != nil {
		r.kind, r.body = kindBody, fileEnd(e.runs)
	}
	b = append(r.begin(b), e.key...)
	head := len(b)
	b = e.head.AppendBinary(b)
	runs := len(b)
	b = appendRuns(b, e.runs, r.kind)
	data := len(b)
	b = append(b, e.mem...)
	if runs-head > store.MaxHead || len(b) > maxRecord-trailerSize-8 {
		return slot{}, nil, &neterr.Error{Code: neterr.FileTooBig, Op: "commit a cache entry"}
	}
	b = finish(b, len(e.key), runs-head, data-runs, len(b)-data)
	r.size = uint32(len(b))
	return r.slot(0), b, nil
}
