package disk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
)

// TestMillion fills a store with entries of 1 KB, and opens it as it was closed, as it
// was killed, and without its index. The long form has a million of them.
func TestMillion(t *testing.T) {
	n := times(20_000, 1_000_000)
	cfg := disk.Config{Dir: t.TempDir(), Size: 8 << 30}
	before := heap()
	s := openStore(t, cfg)
	var wg sync.WaitGroup
	start := time.Now()
	for w := range 4 {
		wg.Go(func() {
			for i := w; i < n; i += 4 {
				if err := putOne(s, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d entries stored in %v", n, time.Since(start))
	check := func(how string, ready bool) {
		t.Helper()
		if !ready {
			wantReady(t, s)
		}
		perEntry := float64(heap()-before) / float64(n)
		t.Logf("%s: %d entries, %.1f bytes of heap each", how, s.Len(), perEntry)
		if s.Len() != n {
			t.Errorf("%s: got %d entries, want %d", how, s.Len(), n)
		}
		if perEntry > 100 && n == 1_000_000 {
			t.Errorf("%s: %.1f bytes of heap for each entry, want less than 100", how, perEntry)
		}
		for i := 0; i < n; i += n / 1000 {
			wantEntry(t, s, numbered(i), uint64(i))
		}
	}
	check("filled", true)
	start = time.Now()
	closeStore(t, s)
	t.Logf("closed in %v", time.Since(start))

	open := func(how string, limit time.Duration) {
		t.Helper()
		s = nil
		start := time.Now()
		s = openStore(t, cfg)
		answers := time.Since(start)
		wantReady(t, s)
		complete := time.Since(start)
		t.Logf("%s: answers after %v, complete after %v", how, answers, complete)
		if answers > time.Second || complete > limit {
			t.Errorf("%s took too long", how)
		}
		check(how, false)
	}
	open("opened after closing", time.Second)
	closeStore(t, s)
	if err := os.Remove(filepath.Join(cfg.Dir, "index.kaon")); err != nil {
		t.Fatal(err)
	}
	open("opened after a kill", 10*time.Second)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func numbered(i int) *store.Key { return key(fmt.Sprintf("assets/%08d.js", i)) }

// putOne is put for those who have no time.
func putOne(s *disk.Store, i int) error {
	e, err := s.Create(ctx, numbered(i))
	if err != nil {
		return err
	}
	defer e.Close()
	e.SetHead(head(fmt.Sprint(i), 1024))
	var b [1024]byte
	pattern(b[:], uint64(i), 0)
	if _, err := e.WriteAt(b[:], 0); err != nil {
		return err
	}
	return e.Commit(ctx)
}
