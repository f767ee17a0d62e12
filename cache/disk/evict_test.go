package disk_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cache/disk"
)

// TestEvict fills a store, an entry a minute, and looks which are left: the ones that
// were used last, and small ones rather than large ones.
func TestEvict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10 << 20
		fs := newMemFS()
		s, err := disk.OpenFS(disk.Config{Dir: "/cache", Size: limit}, fs)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		mustPut(t, s, key("used"), 1, 100_000)
		mustPut(t, s, key("small"), 2, 100)
		mustPut(t, s, key("old"), 3, 100_000)
		for i := range 300 {
			time.Sleep(time.Minute)
			wantEntry(t, s, key("used"), 1)
			mustPut(t, s, key(fmt.Sprint(i)), uint64(i), 20_000+i%10*10_000)
			if size, err := s.Size(ctx); err != nil || size > limit/100*95+120_000 {
				t.Fatalf("entry %d: got a size of %d, %v; the limit is %d", i, size, err, limit)
			}
		}
		if size, _ := s.Size(ctx); size < limit/100*85 {
			t.Errorf("got a size of %d, which leaves more free than it should", size)
		}
		if size := s.DiskSize(); size > limit/100*95+limit/8+1<<20 {
			t.Errorf("the log has %d bytes", size)
		}
		wantEntry(t, s, key("used"), 1)
		wantEntry(t, s, key("small"), 2)
		wantEntry(t, s, key("299"), 299)
		wantMiss(t, s, key("old"))
		wantMiss(t, s, key("9"))
		fs.mu.Lock()
		defer fs.mu.Unlock()
		total := 0
		for _, node := range fs.names {
			total += len(node.data)
		}
		if total > limit+limit/4 {
			t.Errorf("the files have %d bytes, %d more than the limit", total, total-limit)
		}
	})
}

// TestShrink opens a store with a lower limit than it was filled with, and with the clock
// set back.
func TestShrink(t *testing.T) {
	fs := newMemFS()
	cfg := disk.Config{Dir: "/cache", Size: 8 << 20}
	s, err := disk.OpenFS(cfg, fs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		mustPut(t, s, key(fmt.Sprint(i)), uint64(i), 20_000)
	}
	// As if all of it had been used in the future.
	s.SetUsed(func(int64) uint32 { return uint32(time.Now().Add(time.Hour).Unix()) })
	closeStore(t, s)
	cfg.Size = 2 << 20
	if s, err = disk.OpenFS(cfg, fs); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 10 {
		mustPut(t, s, key(fmt.Sprint("new", i)), uint64(i), 1000)
	}
	if size, err := s.Size(ctx); err != nil || size > cfg.Size || size < cfg.Size/2 {
		t.Errorf("got a size of %d, %v; the limit is %d", size, err, cfg.Size)
	}
}
