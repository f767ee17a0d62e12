package disk_test

import (
	"errors"
	"io"
	iofs "io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/kaon-net/kaon/cache/disk"
)

// A memFS is a file system in memory that can lose what was not synced, and fail.
type memFS struct {
	mu      sync.Mutex
	names   map[string]*memNode // as they are
	durable map[string]*memNode // as they were at the last sync of their directory
	locks   map[string]bool
	free    int64

	// fail is asked before each operation, by its name in lower case; what it returns
	// is what the operation fails with. A write that fails with errShort has happened by
	// half.
	fail func(op, name string) error
}

var errShort = &iofs.PathError{Op: "write", Path: "…", Err: errors.New("only a part was written")}

// A memNode is a file: what is synced and what was written since.
type memNode struct {
	data   []byte
	synced []byte
	since  []memWrite
}

// A memWrite is a part of a write, or the new size.
type memWrite struct {
	off      int64
	data     []byte
	truncate bool
}

func newMemFS() *memFS {
	return &memFS{names: map[string]*memNode{}, durable: map[string]*memNode{}, locks: map[string]bool{}, free: 1 << 40}
}

// crash is what is there after the process ended, and the machine too if power is true:
// then anything that was not synced may be lost, each page and each name for itself.
func (m *memFS) crash(r *rand.Rand, power bool) *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := newMemFS()
	after.free = m.free
	nodes := map[*memNode]*memNode{}
	if !power {
		for name, node := range m.names {
			after.names[name] = node.copy(nodes)
		}
		for name, node := range m.durable {
			after.durable[name] = node.copy(nodes)
		}
		return after
	}
	all := maps.Clone(m.durable)
	maps.Copy(all, m.names)
	lose := r.IntN(4) // nothing, all, or some
	for _, name := range slices.Sorted(maps.Keys(all)) {
		node := m.names[name]
		if old := m.durable[name]; old != node && (lose == 1 || lose > 1 && r.IntN(2) == 0) {
			node = old
		}
		if node == nil {
			continue
		}
		if nodes[node] == nil {
			nodes[node] = node.crash(r, lose)
		}
		after.names[name] = nodes[node]
	}
	after.durable = maps.Clone(after.names)
	return after
}

// copy is n for another file system: who still uses the old one has no part in it. It is
// in copies, once for each node.
func (n *memNode) copy(copies map[*memNode]*memNode) *memNode {
	if copies[n] == nil {
		copies[n] = &memNode{slices.Clone(n.data), slices.Clone(n.synced), slices.Clone(n.since)}
	}
	return copies[n]
}

func (n *memNode) crash(r *rand.Rand, lose int) *memNode {
	after := &memNode{data: slices.Clone(n.synced)}
	for _, w := range n.since {
		if lose == 0 || lose > 1 && r.IntN(2) == 0 {
			after.data = w.apply(after.data)
		}
	}
	after.synced = slices.Clone(after.data)
	return after
}

func (w *memWrite) apply(b []byte) []byte {
	end := w.off + int64(len(w.data))
	if w.truncate && int64(len(b)) > end {
		return b[:end]
	}
	if n := end - int64(len(b)); n > 0 {
		b = append(b, make([]byte, n)...)
	}
	copy(b[w.off:], w.data)
	return b
}

// write does it in pages.
func (n *memNode) write(p []byte, off int64) {
	const page = 4096
	for len(p) > 0 {
		k := min(int64(len(p)), page-off%page)
		w := memWrite{off: off, data: slices.Clone(p[:k])}
		n.data = w.apply(n.data)
		n.since = append(n.since, w)
		p, off = p[k:], off+k
	}
}

func (m *memFS) check(op, name string) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(op, filepath.Base(name))
}

func (m *memFS) MkdirAll(string) error { return nil }

func (m *memFS) List(dir string) (names []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check("list", dir); err != nil {
		return nil, err
	}
	for name := range m.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	return names, nil
}

func (m *memFS) Create(name string) (disk.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check("create", name); err != nil {
		return nil, err
	}
	if m.names[name] != nil {
		return nil, &iofs.PathError{Op: "create", Path: name, Err: iofs.ErrExist}
	}
	m.names[name] = &memNode{}
	return &memFile{fs: m, name: name, node: m.names[name]}, nil
}

func (m *memFS) Open(name string) (disk.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check("open", name); err != nil {
		return nil, err
	}
	if m.names[name] == nil {
		return nil, &iofs.PathError{Op: "open", Path: name, Err: iofs.ErrNotExist}
	}
	return &memFile{fs: m, name: name, node: m.names[name]}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check("rename", from); err != nil {
		return err
	}
	m.names[to] = m.names[from]
	delete(m.names, from)
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check("remove", name); err != nil {
		return err
	}
	if m.names[name] == nil {
		return &iofs.PathError{Op: "remove", Path: name, Err: iofs.ErrNotExist}
	}
	delete(m.names, name)
	return nil
}

func (m *memFS) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check("syncdir", dir); err != nil {
		return err
	}
	within := func(name string, _ *memNode) bool { return filepath.Dir(name) == filepath.Clean(dir) }
	maps.DeleteFunc(m.durable, within)
	for name, node := range m.names {
		if within(name, node) {
			m.durable[name] = node
		}
	}
	return nil
}

func (m *memFS) Free(string) (int64, error) { return m.free, nil }

func (m *memFS) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name] {
		return nil, disk.ErrLocked
	}
	m.locks[name] = true
	return closer(func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locks, name)
		return nil
	}), nil
}

type closer func() error

func (c closer) Close() error { return c() }

// A memFile is one that is open.
type memFile struct {
	fs     *memFS
	name   string
	node   *memNode
	closed bool
}

func (f *memFile) check(op string) error {
	if f.closed {
		return &iofs.PathError{Op: op, Path: f.name, Err: os.ErrClosed}
	}
	return f.fs.check(op, f.name)
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("read"); err != nil {
		return 0, err
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	op := "write"
	if off+int64(len(p)) <= int64(len(f.node.data)) {
		op = "overwrite" // for which there is always space
	}
	if err := f.check(op); err != nil {
		n := 0
		if errors.Is(err, errShort) {
			n = len(p) / 2
			f.node.write(p[:n], off)
		}
		return n, err
	}
	f.node.write(p, off)
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("truncate"); err != nil {
		return err
	}
	w := memWrite{off: size, truncate: true}
	f.node.data = w.apply(f.node.data)
	f.node.since = append(f.node.since, w)
	return nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("sync"); err != nil {
		return err
	}
	for _, w := range f.node.since {
		f.node.synced = w.apply(f.node.synced)
	}
	f.node.since = nil
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), f.check("size")
}

func (f *memFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.closed = true
	return nil
}
