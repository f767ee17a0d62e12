package disk

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/neterr"
)

// maxIdle is how many body files stay open that nobody uses.
const maxIdle = 64

// Bodies are the body files. One is appended to and read, never written over while an
// entry has it: any number of those that are open may share it.
type bodies struct {
	fs     fileSystem
	dir    string
	spares spares

	gathers atomic.Int64 // how many have a buffer

	mu      sync.Mutex
	open    map[bodyKey]*body
	idle    []*body // of those, the ones that nobody uses, longest first
	dirty   map[bodyKey]struct{}
	created bool // files whose names may not be durable

	syncing sync.Mutex // held while files are synced: who comes later waits for it, too
}

// A bodyKey names a body file: the hash of the entry's key and the entry's number.
type bodyKey struct {
	hash uint64
	id   uint32
}

func (k bodyKey) String() string { return fmt.Sprintf("%016x-%08x", k.hash, k.id) }

func parseBodyName(name string) (k bodyKey, ok bool) {
	if len(name) != 25 {
		return k, false
	}
	hash, err1 := strconv.ParseUint(name[:16], 16, 64)
	id, err2 := strconv.ParseUint(name[17:], 16, 32)
	k = bodyKey{hash, uint32(id)}
	return k, err1 == nil && err2 == nil && name == k.String()
}

// A body is a body file that is open.
type body struct {
	key      bodyKey
	file     file
	end      atomic.Int64 // where the next bytes go
	stale    int64        // how far there are bytes of another body; for who created it
	unsynced atomic.Bool

	users  int   // under the mu of bodies
	doomed bool  // it goes when nobody uses it; likewise
	spare  int64 // its size if it becomes a spare then, or 0; likewise
}

func (b *bodies) name(k bodyKey) string { return filepath.Join(b.dir, k.String()) }

// create makes a file that the caller uses. One that is there is as good: what others
// wrote to it stays. There is none if the file is an entry's first.
func (b *bodies) create(k bodyKey, first bool) (*body, error) {
	if f, ok := b.reuse(k); ok {
		return f, nil
	}
	f := &body{key: k, users: 1}
	b.mu.Lock()
	if b.open[k] == nil {
		b.open[k] = f // before it is there: sweep must know it
	}
	b.created = true
	b.mu.Unlock()

	var file file
	var err error
	if first {
		file = b.recycle(f)
	}
	if file == nil {
		file, err = b.fs.Create(b.name(k))
	}
	b.mu.Lock()
	if b.open[k] == f {
		if f.file = file; err != nil {
			delete(b.open, k)
		}
	} else if err == nil { // there was one that is doomed
		file.Close()
		err = iofs.ErrNotExist
	}
	b.mu.Unlock()
	if errors.Is(err, iofs.ErrExist) {
		f, err = b.use(k, 0)
	}
	if err != nil {
		return nil, neterr.FromOp("create a cache file", err)
	}
	return f, nil
}

// recycle makes a spare file the one of f, or returns nil.
func (b *bodies) recycle(f *body) file {
	old, ok := b.spares.take()
	if !ok {
		return nil
	}
	name := b.name(f.key)
	if b.fs.Rename(b.name(old), name) != nil {
		b.fs.Remove(b.name(old))
		return nil
	}
	file, err := b.fs.Open(name)
	if err == nil {
		if f.stale, err = file.Size(); err == nil {
			return file
		}
		file.Close()
	}
	b.fs.Remove(name)
	return nil
}

// cut cuts off what a file has of another body, when its first entry has all it gets. If
// that fails the file is only larger than it should be.
func (f *body) cut() {
	if end := f.end.Load(); f.stale > end {
		f.file.Truncate(end)
	}
	f.stale = 0
}

// discard ends the use of a file that no entry got.
func (b *bodies) discard(f *body) {
	b.mu.Lock()
	f.doomed = true
	b.mu.Unlock()
	b.release(f)
}

// use opens a file, which must have least bytes, until release.
func (b *bodies) use(k bodyKey, least int64) (*body, error) {
	f, ok := b.reuse(k)
	if !ok {
		file, err := b.fs.Open(b.name(k))
		if err != nil {
			return nil, err
		}
		size, err := file.Size()
		if err != nil {
			file.Close()
			return nil, err
		}
		opened := &body{key: k, file: file, users: 1}
		opened.end.Store(size)
		if f = b.share(opened); f != opened {
			file.Close()
		}
	}
	if f.end.Load() < least {
		b.release(f)
		return nil, errDamaged
	}
	return f, nil
}

func (b *bodies) reuse(k bodyKey) (*body, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.open[k]
	if !ok || f.doomed || f.file == nil {
		return nil, false
	}
	b.take(f)
	return f, true
}

// take counts a user. The caller holds mu.
func (b *bodies) take(f *body) {
	if f.users++; f.users == 1 {
		i := slices.Index(b.idle, f)
		b.idle = slices.Delete(b.idle, i, i+1)
	}
}

// share returns f, or who was faster to open the same file.
func (b *bodies) share(f *body) *body {
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, ok := b.open[f.key]; ok && other.file != nil {
		b.take(other)
		return other
	}
	_, dirty := b.dirty[f.key]
	f.unsynced.Store(dirty)
	b.open[f.key] = f
	return f
}

// release ends a use.
func (b *bodies) release(f *body) {
	b.mu.Lock()
	f.users--
	switch {
	case f.users > 0:
		f = nil
	case f.doomed:
		b.forget(f)
	default:
		b.idle = append(b.idle, f)
		f = nil
		if len(b.idle) > maxIdle {
			f = b.idle[0]
			b.idle = slices.Delete(b.idle, 0, 1)
			delete(b.open, f.key)
		}
	}
	b.mu.Unlock()
	if f != nil {
		b.end(f)
	}
}

// end closes a file that is not in the table any more.
func (b *bodies) end(f *body) {
	f.file.Close()
	if f.doomed {
		b.dispose(f.key, f.spare)
	}
}

// dispose deletes a file, or keeps it as a spare one if it has a size.
func (b *bodies) dispose(k bodyKey, size int64) {
	if !b.spares.add(spare{k, size}) {
		b.fs.Remove(b.name(k))
	}
}

// trim deletes the spare files for which there is no room.
func (b *bodies) trim(room int64) { b.remove(b.spares.trim(room)) }

// dropSpares deletes all of them.
func (b *bodies) dropSpares() { b.remove(b.spares.drop()) }

func (b *bodies) remove(files []spare) {
	for _, f := range files {
		b.fs.Remove(b.name(f.key))
	}
}

// forget takes f out of the table. The caller holds mu.
func (b *bodies) forget(f *body) {
	delete(b.open, f.key)
	delete(b.dirty, f.key)
}

// doom deletes a file, once nobody uses it.
func (b *bodies) doom(k bodyKey) { b.retire(k, 0) }

// retire is doom for a file that may be of use as a spare one, if it has a size.
func (b *bodies) retire(k bodyKey, size int64) {
	b.mu.Lock()
	f, ok := b.open[k]
	delete(b.dirty, k)
	if ok {
		f.doomed, f.spare = true, size
		if f.users > 0 {
			b.mu.Unlock()
			return
		}
		i := slices.Index(b.idle, f)
		b.idle = slices.Delete(b.idle, i, i+1)
		b.forget(f)
	}
	b.mu.Unlock()
	if ok {
		b.end(f)
	} else {
		b.dispose(k, size)
	}
}

// doomOpen marks those that are open now, and deletes the spare ones.
func (b *bodies) doomOpen() {
	b.mu.Lock()
	idle := b.idle
	b.idle = nil
	for _, f := range b.open {
		f.doomed, f.spare = true, 0
	}
	for _, f := range idle {
		b.forget(f)
	}
	clear(b.dirty)
	b.mu.Unlock()
	for _, f := range idle {
		b.end(f)
	}
	b.dropSpares()
}

// sweep deletes the files that no entry has.
func (b *bodies) sweep(ctx context.Context, has func(bodyKey) bool) {
	names, _ := b.fs.List(b.dir)
	for _, name := range names {
		if ctx.Err() != nil {
			return
		}
		k, ok := parseBodyName(name)
		if !ok {
			continue
		}
		// In this order: a file that is not open any more has its entry by now.
		b.mu.Lock()
		_, open := b.open[k]
		b.mu.Unlock()
		if !open && !has(k) {
			b.fs.Remove(b.name(k))
		}
	}
}

// reserve makes room for n bytes at the end of a file and returns where that is.
func (f *body) reserve(n int) (at int64) { return f.end.Add(int64(n)) - int64(n) }

// write fills what was reserved.
func (b *bodies) write(f *body, p []byte, at int64) error {
	if _, err := f.file.WriteAt(p, at); err != nil {
		return neterr.FromOp("write to the cache", err)
	}
	if !f.unsynced.Load() { // asked behind the writing: else sync could come in between
		b.soil(f.key)
	}
	return nil
}

// soil notes that a file is to be synced.
func (b *bodies) soil(k bodyKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, open := b.open[k]
	if open && f.doomed {
		return
	}
	if open {
		f.unsynced.Store(true)
	}
	b.dirty[k] = struct{}{}
}

// sync makes durable what was written to any of the files.
func (b *bodies) sync(ctx context.Context) error {
	b.syncing.Lock()
	defer b.syncing.Unlock()
	b.mu.Lock()
	dirty := make([]bodyKey, 0, len(b.dirty))
	for k := range b.dirty {
		dirty = append(dirty, k)
	}
	b.mu.Unlock()
	for _, k := range dirty {
		if err := neterr.FromContext(ctx); err != nil {
			return err
		}
		if err := b.syncFile(k); err != nil {
			return err
		}
	}
	return b.syncNames()
}

// syncOne makes one file durable.
func (b *bodies) syncOne(k bodyKey) error {
	b.syncing.Lock()
	defer b.syncing.Unlock()
	if err := b.syncFile(k); err != nil {
		return err
	}
	return b.syncNames()
}

func (b *bodies) syncFile(k bodyKey) error {
	b.mu.Lock()
	if _, dirty := b.dirty[k]; !dirty {
		b.mu.Unlock()
		return nil
	}
	delete(b.dirty, k)
	if f, open := b.open[k]; open {
		f.unsynced.Store(false)
	}
	b.mu.Unlock()

	f, err := b.use(k, 0)
	if isNotExist(err) {
		return nil // deleted, by us or others
	}
	if err == nil {
		err = f.file.Sync()
		b.release(f)
	}
	if err != nil {
		b.soil(k)
	}
	return neterr.FromOp("sync the cache", err)
}

func (b *bodies) syncNames() error {
	b.mu.Lock()
	created := b.created
	b.created = false
	b.mu.Unlock()
	if !created {
		return nil
	}
	err := b.fs.SyncDir(b.dir)
	if err != nil {
		b.mu.Lock()
		b.created = true
		b.mu.Unlock()
	}
	return neterr.FromOp("sync the cache", err)
}

// free closes the files, and deletes those that no entry has.
func (b *bodies) free(has func(bodyKey) bool) {
	b.remove(b.spares.close())
	b.mu.Lock()
	var all []*body
	for _, f := range b.open {
		f.doomed = f.doomed || !has(f.key)
		if f.file != nil {
			all = append(all, f)
		}
	}
	clear(b.open)
	b.idle = nil
	b.mu.Unlock()
	for _, f := range all {
		b.end(f)
	}
}
