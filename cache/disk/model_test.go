package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestModel does anything that can be done, in any order, with a store whose file system
// fails and loses what was not synced, and compares what is found with a map.
func TestModel(t *testing.T) {
	steps := times(4000, *long*1_000_000)
	for _, tt := range []struct {
		name string
		size int64
	}{
		{"nothing evicted", 16 << 20},
		{"full", 1 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &model{T: t, r: rand.New(rand.NewPCG(uint64(tt.size), 1)), fs: newMemFS(), size: tt.size, lossy: tt.size == 1<<20}
			m.versions = make([]version, 1) // none has the number 0
			for i := range m.keys {
				m.keys[i] = state{now: []int{0}, kill: []int{0}, power: []int{0}}
			}
			for m.steps < steps && !t.Failed() {
				m.life(20 + m.r.IntN(300))
			}
			t.Logf("%d steps, %d lives, %d versions; %d hits, %d misses, %d failures", m.steps, m.lives, len(m.versions), m.hits, m.misses, m.failures)
			if m.hits < m.steps/10 || m.failures == 0 {
				t.Error("that was no test")
			}
		})
	}
}

// A model is what a store may have.
type model struct {
	*testing.T
	r     *rand.Rand
	fs    *memFS
	size  int64
	lossy bool // entries may go at any time
	store *disk.Store

	keys     [30]state
	versions []version
	readers  []reader
	faulty   bool // operations of the file system fail now and then
	blind    bool // reading does, too: then anything may be taken for damaged

	steps, lives, hits, misses, failures int
}

// A state is which versions a key may have, 0 being none: now, after the process was
// killed, and after the power failed.
type state struct {
	now, kill, power []int
}

// A version is what was put in at once. Its number is the head's name.
type version struct {
	seed    uint64
	extents []store.Extent
}

// A reader has an entry open, whatever becomes of it.
type reader struct {
	entry   store.Entry
	version int
}

func (st *state) set(v int) {
	st.now, st.kill = []int{v}, []int{v}
	st.power = also(st.power, v)
}

// miss notes that the key may have nothing any more.
func (st *state) miss() {
	st.now, st.kill, st.power = also(st.now, 0), also(st.kill, 0), also(st.power, 0)
}

func also(set []int, v int) []int {
	if slices.Contains(set, v) {
		return set
	}
	return append(slices.Clone(set), v)
}

// life opens the store, uses it, and ends in one of the ways there are.
func (m *model) life(steps int) {
	m.lives++
	s, err := disk.OpenFS(disk.Config{Dir: "/cache", Size: m.size}, m.fs)
	if err != nil {
		m.Fatalf("open: %v", err)
	}
	m.store = s
	if m.r.IntN(3) > 0 {
		wantReady(m, s)
		m.checkAll()
	}
	if m.r.IntN(3) == 0 {
		m.fs.mu.Lock()
		m.faulty = true
		m.blind = m.r.IntN(2) == 0
		m.fs.fail = m.fault(m.r.Uint64(), m.blind)
		m.fs.mu.Unlock()
	}
	for range steps {
		m.steps++
		m.step()
	}
	m.end()
}

// fault makes one of fifty operations fail, reading too if blind is true.
func (m *model) fault(seed uint64, blind bool) func(op, name string) error {
	r := rand.New(rand.NewPCG(seed, 1))
	return func(op, name string) error {
		reads := op == "read" || op == "open" || op == "size" || op == "list"
		if reads && !blind || r.IntN(50) > 0 {
			return nil
		}
		if strings.HasSuffix(op, "write") && r.IntN(2) == 0 {
			return errShort
		}
		return &iofs.PathError{Op: op, Path: name, Err: errors.New("injected")}
	}
}

func (m *model) end() {
	for _, r := range m.readers {
		r.entry.Close()
	}
	m.readers = nil
	if m.blind {
		for i := range m.keys {
			m.keys[i].miss()
		}
	}
	how := m.r.IntN(3)
	if how == 0 {
		wantReady(m, m.store)
		err := m.store.Close()
		for i := range m.keys {
			st := &m.keys[i]
			st.now = st.kill
			if err == nil {
				st.power = st.kill
			}
		}
		m.failed(err)
	}
	dead := m.fs
	m.fs = dead.crash(m.r, how == 2)
	dead.mu.Lock()
	dead.fail = func(op, name string) error {
		return &iofs.PathError{Op: op, Path: name, Err: errors.New("the process is dead")}
	}
	dead.mu.Unlock()
	m.store.Close() // for its goroutine
	m.faulty, m.blind = false, false
	for i := range m.keys {
		st := &m.keys[i]
		if how == 2 {
			st.kill = st.power
		}
		st.now = st.kill
	}
}

func (m *model) step() {
	i := m.r.IntN(len(m.keys))
	k, st := key(strconv.Itoa(i)), &m.keys[i]
	switch n := m.r.IntN(1000); {
	case n < 400:
		m.get(k, st)
	case n < 700:
		m.put(k, st)
	case n < 800:
		m.update(k, st)
	case n < 850:
		m.delete(st, m.store.Delete(ctx, k))
	case n < 890:
		m.read()
	case n < 950:
		m.flush()
	case n < 951:
		m.clear()
	case n < 960:
		m.clearOne(k, st)
	default:
		m.open(k, st)
	}
}

// failed notes an error that only faults explain.
func (m *model) failed(err error) {
	if err == nil {
		return
	}
	m.failures++
	if !m.faulty {
		m.Helper()
		m.Errorf("step %d: %v", m.steps, err)
	}
}

func (m *model) length() int {
	switch m.r.IntN(10) {
	case 0:
		return 0
	case 1:
		return m.r.IntN(300_000)
	case 2, 3:
		return m.r.IntN(40_000)
	}
	return m.r.IntN(3_000)
}

func (m *model) put(k *store.Key, st *state) {
	e, err := m.store.Create(ctx, k)
	if err != nil {
		m.failed(err)
		return
	}
	defer e.Close()
	v := len(m.versions)
	m.versions = append(m.versions, version{seed: uint64(v)})
	n := m.length()
	h := head(strconv.Itoa(v), int64(n))
	h.State = store.State(m.r.IntN(3))
	e.SetHead(h)
	if !m.write(e, v, 0, n) || m.r.IntN(10) == 0 {
		return // it is not committed
	}
	if m.commit(e, st, v) && m.r.IntN(20) == 0 {
		m.delete(st, e.Delete(ctx))
	}
}

// write adds a piece to a version, in pieces.
func (m *model) write(e store.Entry, v int, off int64, n int) bool {
	b := make([]byte, n)
	pattern(b, m.versions[v].seed, off)
	for len(b) > 0 {
		piece := b[:min(len(b), 1+m.r.IntN(100_000))]
		if k, err := e.WriteAt(piece, off); err != nil || k != len(piece) {
			m.failed(err)
			return false
		}
		off += int64(len(piece))
		b = b[len(piece):]
	}
	m.versions[v].extents = e.Extents(nil)
	return true
}

func (m *model) commit(e store.Entry, st *state, v int) bool {
	if err := e.Commit(ctx); err != nil {
		m.failed(err)
		return false
	}
	st.set(v)
	return true
}

// update gives an entry another head and perhaps more of its body.
func (m *model) update(k *store.Key, st *state) {
	e, old := m.find(k, st)
	if e == nil {
		return
	}
	defer e.Close()
	v := len(m.versions)
	m.versions = append(m.versions, version{seed: m.versions[old].seed, extents: m.versions[old].extents})
	h := *e.Head()
	h.Header = h.Header.Clone()
	h.Header.Set("X-Name", strconv.Itoa(v))
	if m.r.IntN(2) == 0 {
		off := int64(m.r.IntN(10_000))
		if x := m.versions[v].extents; len(x) > 0 {
			off += x[len(x)-1].End() - int64(m.r.IntN(2))*off // often without a gap
		}
		if !m.write(e, v, off, m.length()) {
			return
		}
	}
	e.SetHead(&h)
	m.commit(e, st, v)
}

func (m *model) get(k *store.Key, st *state) {
	if e, _ := m.find(k, st); e != nil {
		e.Close()
	}
}

// find opens an entry, and checks that it is one there may be, and whole.
func (m *model) find(k *store.Key, st *state) (store.Entry, int) {
	e, v := m.look(k, st)
	if e == nil || m.same(e, v) {
		return e, v
	}
	e.Close()
	if _, err := m.store.Open(ctx, k); errors.Is(err, store.ErrMiss) && (m.lossy || slices.Contains(st.power, 0)) {
		// Its body was not synced when the power failed.
		st.miss()
	} else {
		m.Errorf("step %d: %s is not what was put in as %d", m.steps, k.URL, v)
	}
	return nil, 0
}

func (m *model) look(k *store.Key, st *state) (store.Entry, int) {
	ready := true
	select {
	case <-m.store.Ready():
	default:
		ready = false
	}
	e, err := m.store.Open(ctx, k)
	if err != nil {
		m.misses++
		if !errors.Is(err, store.ErrMiss) {
			m.Errorf("step %d: open %s: got %v, want a miss", m.steps, k.URL, err)
		}
		switch {
		case !ready:
		case m.blind:
			st.miss()
		case slices.Contains(st.now, 0):
			st.now = []int{0}
		case m.lossy:
			st.set(0)
		default:
			m.Errorf("step %d: %s is lost: got a miss, want one of %v", m.steps, k.URL, st.now)
		}
		return nil, 0
	}
	m.hits++
	v, err := strconv.Atoi(e.Head().Header.Get("X-Name"))
	if err != nil || !slices.Contains(st.now, v) {
		m.Errorf("step %d: %s: got %d, %v, want one of %v", m.steps, k.URL, v, err, st.now)
		e.Close()
		return nil, 0
	}
	st.now = []int{v}
	if !m.faulty {
		st.kill = []int{v}
	}
	return e, v
}

// same reports whether all of an entry is right.
func (m *model) same(e store.Entry, v int) bool {
	want := &m.versions[v]
	if !slices.Equal(e.Extents(nil), want.extents) {
		return false
	}
	for _, x := range want.extents {
		if !m.sameAt(e, want, x.Off, int(x.Len)) {
			return false
		}
	}
	return true
}

func (m *model) sameAt(e store.Entry, want *version, off int64, n int) bool {
	got, right := make([]byte, n), make([]byte, n)
	pattern(right, want.seed, off)
	k, err := e.ReadAt(got, off)
	if errors.Is(err, neterr.CacheChecksumMismatch) {
		return false
	}
	if k < n {
		m.failed(fmt.Errorf("read %d of %d bytes: %w", k, n, err))
		return m.faulty && bytes.Equal(got[:k], right[:k])
	}
	return bytes.Equal(got, right) && (err == nil || errors.Is(err, io.EOF))
}

// open keeps a reader for later.
func (m *model) open(k *store.Key, st *state) {
	e, v := m.find(k, st)
	if e == nil {
		return
	}
	m.readers = append(m.readers, reader{e, v})
	if len(m.readers) > 5 {
		m.readers[0].entry.Close()
		m.readers = m.readers[1:]
	}
}

// read reads a part of what was opened long ago.
func (m *model) read() {
	if len(m.readers) == 0 {
		return
	}
	r := m.readers[m.r.IntN(len(m.readers))]
	want := &m.versions[r.version]
	if len(want.extents) == 0 {
		return
	}
	x := want.extents[m.r.IntN(len(want.extents))]
	off := m.r.Int64N(x.Len)
	n := 1 + m.r.IntN(int(x.Len-off))
	if !m.sameAt(r.entry, want, x.Off+off, n) {
		m.Errorf("step %d: an open entry is not %d any more", m.steps, r.version)
	}
}

func (m *model) delete(st *state, err error) {
	if err == nil {
		st.set(0)
		return
	}
	m.failed(err)
	st.now, st.kill, st.power = []int{0}, also(st.kill, 0), also(st.power, 0)
}

func (m *model) flush() {
	if err := m.store.Flush(ctx); err != nil {
		m.failed(err)
		return
	}
	for i := range m.keys {
		m.keys[i].power = m.keys[i].kill
	}
}

func (m *model) clear() {
	err := m.store.Clear(ctx, nil)
	for i := range m.keys {
		m.delete(&m.keys[i], err)
		if err == nil {
			m.keys[i].power = []int{0}
		}
	}
}

func (m *model) clearOne(k *store.Key, st *state) {
	found := false
	err := m.store.Clear(ctx, func(info *store.Info) bool {
		found = found || info.Key == *k
		return info.Key == *k
	})
	switch {
	case err != nil, found:
		m.delete(st, err)
	case m.blind:
		st.miss()
	case m.lossy, slices.Contains(st.now, 0):
		st.set(0)
	default:
		m.Errorf("step %d: nothing to clear for %s, want one of %v", m.steps, k.URL, st.now)
	}
}

func (m *model) checkAll() {
	for i := range m.keys {
		m.get(key(strconv.Itoa(i)), &m.keys[i])
	}
	size := int64(0)
	for info, err := range m.store.All(ctx) {
		if err != nil {
			m.Fatalf("all: %v", err)
		}
		size += info.Size
	}
	if got, err := m.store.Size(ctx); err != nil || got != size {
		m.Errorf("step %d: size: got %d, %v; entries take %d", m.steps, got, err, size)
	}
	if neterr.CodeOf(m.store.Flush(ctx)) != neterr.OK {
		m.Errorf("step %d: flush fails", m.steps)
	}
	for i := range m.keys {
		m.keys[i].power = m.keys[i].kill
	}
}
