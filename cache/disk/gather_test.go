package disk_test

import (
	"bytes"
	iofs "io/fs"
	"sync"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
)

// TestGather counts how often a body file is written to.
func TestGather(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		piece, length, want int
	}{
		{32 << 10, mib, 4},
		{30_000, mib, 5},
		{mib, mib, 1},
		{50_000, 100_000, 1},
	} {
		fs := newMemFS()
		ops := &bodyOps{counts: map[string]int{}}
		fs.fail = ops.on
		s, err := disk.OpenFS(disk.Config{Dir: "/cache", Size: 16 * mib}, fs)
		if err != nil {
			t.Fatal(err)
		}
		e := begin(t, s, tt.length, tt.piece)
		if err := e.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if got := ops.counts["write"]; got != tt.want {
			t.Errorf("%d bytes in pieces of %d: got %d writes, want %d", tt.length, tt.piece, got, tt.want)
		}
		e.Close()
		wantEntry(t, s, key("a"), 1)
		closeStore(t, s)
	}
}

// begin writes an entry in pieces and does not commit it.
func begin(t *testing.T, s *disk.Store, length, piece int) store.Entry {
	t.Helper()
	e, err := s.Create(ctx, key("a"))
	if err != nil {
		t.Fatal(err)
	}
	e.SetHead(head("1", int64(length)))
	b := bodyOf(1, length)
	for off := 0; off < length; off += piece {
		if _, err := e.WriteAt(b[off:min(off+piece, length)], int64(off)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// TestGatherRead reads what was just written, on other goroutines while one writes on.
func TestGatherRead(t *testing.T) {
	const length, piece = 2 << 20, 30_000
	s := openStore(t, disk.Config{Dir: t.TempDir()})
	want := bodyOf(1, length)
	e := begin(t, s, 0, piece)
	e.SetHead(head("1", length))
	defer e.Close()
	var wg sync.WaitGroup
	written := make(chan int, 2*length/piece)
	for range 2 {
		wg.Go(func() {
			p := make([]byte, piece)
			for off := range written {
				n := min(piece, length-off)
				if k, err := e.ReadAt(p[:n], int64(off)); k != n || !bytes.Equal(p[:n], want[off:off+n]) {
					t.Errorf("read at %d: got %d, %v", off, k, err)
				}
			}
		})
	}
	for off := 0; off < length; off += piece {
		if _, err := e.WriteAt(want[off:min(off+piece, length)], int64(off)); err != nil {
			t.Error(err)
			break
		}
		written <- off
		written <- off / 2 / piece * piece
	}
	close(written)
	wg.Wait()
	if err := e.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	wantEntry(t, s, key("a"), 1)
}

// TestGatherFails has the disk full when the last bytes are written: nothing is stored.
func TestGatherFails(t *testing.T) {
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := begin(t, s, 100_000, 10_000)
	defer e.Close()
	fs.mu.Lock()
	fs.fail = func(op, name string) error {
		if op == "write" && len(name) == 25 {
			return &iofs.PathError{Op: op, Path: name, Err: syscall.ENOSPC}
		}
		return nil
	}
	fs.mu.Unlock()
	for i := range 2 {
		if err := e.Commit(ctx); err == nil {
			t.Fatalf("committed what was not written, try %d", i)
		}
	}
	wantMiss(t, s, key("a"))
}

// TestGatherMany begins more entries than there are buffers for.
func TestGatherMany(t *testing.T) {
	s := openStore(t, disk.Config{Dir: t.TempDir()})
	for round := range 2 {
		var all []store.Entry
		for range 100 {
			all = append(all, begin(t, s, 40_000, 10_000))
		}
		if got, want := s.Gathering(), int64(disk.MaxGathers); got != want {
			t.Errorf("got %d that gather, want %d", got, want)
		}
		for _, e := range all {
			if round == 0 {
				if err := e.Commit(ctx); err != nil {
					t.Fatal(err)
				}
			}
			e.Close()
		}
		if got := s.Gathering(); got != 0 {
			t.Errorf("got %d that gather still", got)
		}
	}
	wantEntry(t, s, key("a"), 1)
}
