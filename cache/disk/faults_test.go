package disk_test

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

func isMismatch(err error) bool { return errors.Is(err, neterr.CacheChecksumMismatch) }

// TestDiskFull has no space from one write on, whichever it is. What was told to be
// stored is, what was told to have failed is as it was before.
func TestDiskFull(t *testing.T) {
	for n, full := 0, true; full; n++ {
		full = testDiskFull(t, n)
	}
}

func testDiskFull(t *testing.T, after int) (full bool) {
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, key("b"), 1, 100)
	fs.mu.Lock()
	fs.fail = func(op, name string) error {
		if op != "write" && op != "create" {
			return nil
		}
		if after--; after >= 0 {
			return nil
		}
		full = true
		return &iofs.PathError{Op: op, Path: name, Err: syscall.ENOSPC}
	}
	fs.mu.Unlock()

	want := map[string]uint64{"b": 1}
	for i, step := range []struct {
		name string
		size int
	}{
		{"a", 100},
		{"b", disk.InlineBody * 5},
		{"c", 1000},
		{"b", 10},
		{"c", -1}, // deleted, for which there is always space
		{"a", disk.InlineBody * 3},
		{"d", 100},
	} {
		seed := uint64(10 + i)
		if step.size < 0 {
			seed = 0
			if err = s.Delete(ctx, key(step.name)); err != nil {
				t.Errorf("write %d: delete: %v", after, err)
			}
		} else if err = put(s, key(step.name), seed, step.size); err != nil && !errors.Is(err, neterr.FileNoSpace) {
			t.Errorf("write %d: put: got %v, want that there is no space", after, err)
		}
		if err == nil {
			want[step.name] = seed
		}
	}
	check := func() {
		t.Helper()
		for name, seed := range want {
			if seed == 0 {
				wantMiss(t, s, key(name))
			} else {
				wantEntry(t, s, key(name), seed)
			}
		}
	}
	check()
	fs = fs.crash(nil, false)
	if s, err = disk.OpenFS(sampleConfig, fs); err != nil {
		t.Fatal(err)
	}
	wantReady(t, s)
	check()
	mustPut(t, s, key("e"), 100, 100)
	closeStore(t, s)
	return full
}

// TestFilesGone deletes each file of a store that is open.
func TestFilesGone(t *testing.T) {
	names := []string{"log-00000001.kaon", "format.kaon", "index.kaon", "bodies.kaon/*", "bodies.kaon", "*"}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, disk.Config{Dir: dir, Size: 64 << 20})
			mustPut(t, s, key("small"), 1, 100)
			mustPut(t, s, key("large"), 2, 200_000)
			closeStore(t, s)
			s = openStore(t, disk.Config{Dir: dir, Size: 64 << 20})
			mustPut(t, s, key("other"), 3, 100)
			found, err := filepath.Glob(filepath.Join(dir, name))
			if err != nil || len(found) == 0 {
				t.Fatalf("got %v, %v", found, err)
			}
			for _, name := range found {
				if err := os.RemoveAll(name); err != nil {
					t.Skip("this system does not delete what is open: ", err)
				}
			}
			for round := range 2 {
				for i, name := range []string{"small", "large", "other"} {
					got, err := get(s, key(name))
					if !(err == nil && got == uint64(i+1)) && !errors.Is(err, store.ErrMiss) {
						t.Errorf("round %d: %s: got %d, %v; want %d or a miss", round, name, got, err, i+1)
					}
				}
				if err := put(s, key("new"), 4, 100); err != nil {
					t.Errorf("round %d: put: %v", round, err)
				}
				if got, err := get(s, key("new")); err != nil || got != 4 {
					t.Errorf("round %d: what was just stored: got %d, %v", round, got, err)
				}
				if round == 0 {
					s.Close()
					s = openStore(t, disk.Config{Dir: dir, Size: 64 << 20})
				}
			}
		})
	}
}

// TestReadFailure fails to read. It is a miss, and no more than that.
func TestReadFailure(t *testing.T) {
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustPut(t, s, key("a"), 1, 100)
	mustPut(t, s, key("b"), 2, 100_000)
	set := func(fail func(op, name string) error) {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.fail = fail
	}
	set(func(op, name string) error {
		if op == "read" && strings.HasPrefix(name, "log-") {
			return &iofs.PathError{Op: op, Path: name, Err: syscall.EIO}
		}
		return nil
	})
	if _, err := s.Open(ctx, key("a")); !errors.Is(err, store.ErrMiss) || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want a miss and why", err)
	}
	set(func(op, name string) error {
		if op == "read" && !strings.HasPrefix(name, "log-") {
			return &iofs.PathError{Op: op, Path: name, Err: syscall.EIO}
		}
		return nil
	})
	if _, err := get(s, key("b")); !errors.Is(err, neterr.CacheReadFailure) {
		t.Errorf("got %v, want that reading failed", err)
	}
	set(nil)
	wantEntry(t, s, key("a"), 1)
	wantEntry(t, s, key("b"), 2)
}

// TestLocked opens a store twice.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, disk.Config{Dir: dir})
	_, err := disk.Open(disk.Config{Dir: dir})
	want := fmt.Sprintf("net::ERR_CACHE_OPEN_FAILURE: open the cache in %s: another process has it open", dir)
	if !errors.Is(err, neterr.CacheOpenFailure) || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	mustPut(t, s, key("a"), 1, 10)
	closeStore(t, s)
	s = openStore(t, disk.Config{Dir: dir})
	wantEntry(t, s, key("a"), 1)
}

// TestReplaced replaces what is durable by what is not, and stops the machine. Either of
// them is there, though a process in between could not sync and cleaned up.
func TestReplaced(t *testing.T) {
	noSync := func(op, name string) error {
		if op == "sync" {
			return &iofs.PathError{Op: op, Path: name, Err: syscall.EIO}
		}
		return nil
	}
	for _, size := range []int{100, 100_000} {
		fs := newMemFS()
		s, err := disk.OpenFS(sampleConfig, fs)
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, key("a"), 1, 100_000)
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		reader, err := s.Open(ctx, key("a"))
		if err != nil {
			t.Fatal(err)
		}
		fs.mu.Lock()
		fs.fail = noSync
		fs.mu.Unlock()
		err = put(s, key("a"), 2, size)
		if stored := err == nil; stored != (size == 100) {
			t.Errorf("%d bytes in place of what is durable, and no sync: got %v", size, err)
		}
		reader.Close()
		fs = fs.crash(nil, false)
		s.Close()
		fs.fail = noSync
		if s, err = disk.OpenFS(sampleConfig, fs); err != nil {
			t.Fatal(err)
		}
		wantReady(t, s)
		for seed := range uint64(20) {
			after, err := disk.OpenFS(sampleConfig, fs.crash(rand.New(rand.NewPCG(seed, 1)), true))
			if err != nil {
				t.Fatal(err)
			}
			wantReady(t, after)
			if got, err := get(after, key("a")); err != nil || got != 1 && got != 2 {
				t.Errorf("%d bytes, seed %d: got %d, %v; want 1 or 2", size, seed, got, err)
			}
			closeStore(t, after)
		}
		s.Close()
	}
}

// TestTorn leaves half of a record at the end of the log, which cannot be cut off then,
// nor later. It does not come to look like a whole one that was damaged, and so hide what
// was there before.
func TestTorn(t *testing.T) {
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, key("a"), 1, 100)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	fs.mu.Lock()
	fs.fail = func(op, name string) error {
		if op == "write" || op == "truncate" {
			return errShort
		}
		return nil
	}
	fs.mu.Unlock()
	if err := put(s, key("a"), 2, 5000); err == nil {
		t.Fatal("stored half of a record")
	}
	for _, fail := range []string{"overwrite", "", ""} {
		old := s
		fs = fs.crash(nil, false)
		old.Close()
		fs.fail = func(op, name string) error {
			if op == fail {
				return &iofs.PathError{Op: op, Path: name, Err: syscall.EIO}
			}
			return nil
		}
		if s, err = disk.OpenFS(sampleConfig, fs); err != nil {
			t.Fatal(err)
		}
		wantReady(t, s)
		wantEntry(t, s, key("a"), 1)
		mustPut(t, s, key("b"), 3, 100)
		if err := s.Flush(ctx); err != nil {
			t.Error(err)
		}
	}
	closeStore(t, s)
}
