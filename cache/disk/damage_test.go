package disk_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
)

// A sample is a store with entries of all kinds, and what they are.
type sample struct {
	files map[string][]byte
	want  map[string]uint64   // by key; 0 is none
	ever  map[string][]uint64 // what they were at any time
}

const sampleDir = "/cache"

var sampleConfig = disk.Config{Dir: sampleDir, Size: 64 << 20}

// newSample makes one. It is closed, or as a process leaves it that is killed after a
// flush.
func newSample(t *testing.T, closed bool) *sample {
	t.Helper()
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	sm := &sample{files: map[string][]byte{}, want: map[string]uint64{}, ever: map[string][]uint64{}}
	seed := uint64(0)
	put := func(name string, n int) {
		seed++
		mustPut(t, s, key(name), seed, n)
		sm.want[name] = seed
		sm.ever[name] = append(sm.ever[name], seed)
	}
	put("empty", 0)
	put("replaced", 100)
	put("small", 300)
	put("replaced", 200)
	put("large", disk.InlineBody+40_000)
	put("deleted", 50)
	put("grown", 100)
	put("grown", disk.InlineBody+1)
	put("replaced", 100)
	if err := s.Delete(ctx, key("deleted")); err != nil {
		t.Fatal(err)
	}
	sm.want["deleted"] = 0
	put("last", 500)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if closed {
		closeStore(t, s)
	}
	fs.mu.Lock()
	for name, node := range fs.names {
		sm.files[name] = slices.Clone(node.data)
	}
	fs.mu.Unlock()
	closeStore(t, s)
	return sm
}

// with is a file system with the sample in it, one file of which is another.
func (sm *sample) with(name string, content []byte) *memFS {
	fs := newMemFS()
	for n, data := range sm.files {
		fs.names[n] = &memNode{data: slices.Clone(data)}
	}
	if fs.names[name].data = content; content == nil {
		delete(fs.names, name)
	}
	return fs
}

// check opens a store and reports what is wrong with it: an entry that is not as it
// should be, or more that are gone than may be.
func (sm *sample) check(fs *memFS, lost int, older bool) error {
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		return err
	}
	defer s.Close()
	<-s.Ready()
	var gone []string
	for name, want := range sm.want {
		got, err := get(s, key(name))
		switch {
		case err == nil && got == want:
		case err == nil && older && slices.Contains(sm.ever[name], got):
		case err == nil:
			return fmt.Errorf("%s is %d, want %d", name, got, want)
		case want == 0 && errors.Is(err, store.ErrMiss):
		case errors.Is(err, store.ErrMiss), isMismatch(err):
			gone = append(gone, name)
			if _, err := s.Open(ctx, key(name)); !errors.Is(err, store.ErrMiss) {
				return fmt.Errorf("%s is damaged and stays", name)
			}
		default:
			return err
		}
	}
	if len(gone) > lost {
		return fmt.Errorf("%v are gone, at most %d may", gone, lost)
	}
	if err := put(s, key("new"), 99, 100); err != nil {
		return err
	}
	if got, err := get(s, key("new")); err != nil || got != 99 {
		return fmt.Errorf("a new entry is %d, %w", got, err)
	}
	return nil
}

// TestFlipped flips every byte of a store; the short form some.
func TestFlipped(t *testing.T) {
	for _, closed := range []bool{true, false} {
		sm := newSample(t, closed)
		for _, name := range slices.Sorted(maps.Keys(sm.files)) {
			data := sm.files[name]
			step, lost := times(7, 1), 0
			switch {
			case strings.Contains(name, "bodies"):
				step, lost = times(997, 1), 1
			case strings.Contains(name, "log-"):
				lost = 1
			}
			for i := 0; i < len(data); i += step {
				b := slices.Clone(data)
				b[i] ^= byte(1 + i%255)
				if err := sm.check(sm.with(name, b), lost, false); err != nil {
					t.Errorf("closed %v, byte %d of %s flipped: %v", closed, i, filepath.Base(name), err)
				}
			}
		}
	}
}

// TestCut cuts the files of a store at every length, the short form at some, and takes them away. A log that was
// not closed is then an earlier one.
func TestCut(t *testing.T) {
	for _, closed := range []bool{true, false} {
		sm := newSample(t, closed)
		for _, name := range slices.Sorted(maps.Keys(sm.files)) {
			data := sm.files[name]
			isLog := strings.Contains(name, "log-")
			step, lost := times(7, 1), 0
			switch {
			case isLog:
				lost = len(sm.want)
			case strings.Contains(name, "bodies"):
				step, lost = times(997, 1), 1
			}
			for n := 0; n < len(data); n += step {
				if err := sm.check(sm.with(name, data[:n:n]), lost, isLog && !closed); err != nil {
					t.Errorf("closed %v, %s cut to %d bytes: %v", closed, filepath.Base(name), n, err)
				}
			}
			if err := sm.check(sm.with(name, nil), lost, false); err != nil {
				t.Errorf("closed %v, %s deleted: %v", closed, filepath.Base(name), err)
			}
		}
	}
}

// TestPlanted stores what looks like records, those of the log itself, as a body. They
// are never taken for records, not even when the one around them is damaged.
func TestPlanted(t *testing.T) {
	sm := newSample(t, false)
	const log = sampleDir + "/log-00000001.kaon"
	fs := sm.with(log, slices.Clone(sm.files[log]))
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	<-s.Ready()
	for name := range sm.want {
		if err := s.Delete(ctx, key(name)); err != nil {
			t.Fatal(err)
		}
	}
	// At each of the distances that records can have.
	for shift := range 8 {
		e, err := s.Create(ctx, key(fmt.Sprint(shift)))
		if err != nil {
			t.Fatal(err)
		}
		e.SetHead(head("1", -1))
		if _, err := e.WriteAt(append(make([]byte, shift), sm.files[log]...), 0); err != nil {
			t.Fatal(err)
		}
		if err := e.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		e.Close()
	}
	fs.mu.Lock()
	found := 0
	for name, node := range fs.names {
		for at := 40; strings.Contains(name, "log-00000002") && at < len(node.data); {
			size := int(node.data[at+16]) | int(node.data[at+17])<<8
			if size > len(sm.files[log]) {
				node.data[at+9] ^= 1 // the sum of its header
				found++
			}
			at += size
		}
	}
	fs.mu.Unlock()
	if found != 8 {
		t.Fatalf("damaged %d records, want 8", found)
	}
	fs = fs.crash(nil, false)
	s.Close()
	if s, err = disk.OpenFS(sampleConfig, fs); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for info, err := range s.All(ctx) {
		t.Errorf("got %v, %v, want nothing", info, err)
	}
}
