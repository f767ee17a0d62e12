package disk_test

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
)

// bodyOps counts what is done with body files, by operation, and fails the syncs of the
// log if that is asked for.
type bodyOps struct {
	counts map[string]int
	noSync bool
}

func (o *bodyOps) on(op, name string) error {
	switch {
	case len(name) == 25:
		o.counts[op]++
	case o.noSync && op == "sync" && strings.HasPrefix(name, "log-"):
		return &iofs.PathError{Op: op, Path: name, Err: syscall.EIO}
	}
	return nil
}

func sizeOf(i int) int { return 40_000 + i%7*20_000 }

// TestSpares fills a store and goes on: from then on the files of evicted bodies are
// written over, none is made, and none is larger than its body.
func TestSpares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newMemFS()
		ops := &bodyOps{counts: map[string]int{}}
		fs.fail = ops.on
		s, err := disk.OpenFS(disk.Config{Dir: "/cache", Size: 16 << 20}, fs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 600 {
			mustPut(t, s, key(fmt.Sprint(i)), uint64(i), sizeOf(i))
			synctest.Wait()
			if i == 400 {
				clear(ops.counts)
			}
		}
		if got := ops.counts; got["rename"] < 190 || got["create"] > 9 {
			t.Errorf("got %v, want nothing but renamed files", got)
		}
		for i := range 600 {
			if got, err := get(s, key(fmt.Sprint(i))); !errors.Is(err, store.ErrMiss) && (err != nil || got != uint64(i)) {
				t.Errorf("%d: got %d, %v", i, got, err)
			}
		}
		size, err := s.Size(ctx)
		if err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
		if got := bodyBytes(fs); got > size {
			t.Errorf("the files have %d bytes, the entries %d", got, size)
		}
	})
}

// bodyBytes is what all body files take.
func bodyBytes(fs *memFS) (n int64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for name, node := range fs.names {
		if filepath.Base(filepath.Dir(name)) == "bodies.kaon" {
			n += int64(len(node.data))
		}
	}
	return n
}

// TestSparesUnsynced cannot sync the log, which then may come to say again whose the
// bodies are: they are not written over.
func TestSparesUnsynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newMemFS()
		ops := &bodyOps{counts: map[string]int{}, noSync: true}
		fs.fail = ops.on
		s, err := disk.OpenFS(disk.Config{Dir: "/cache", Size: 4 << 20}, fs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			mustPut(t, s, key(fmt.Sprint(i)), uint64(i), sizeOf(i))
			synctest.Wait()
			if got := bodyBytes(fs); got > 5<<20 {
				t.Fatalf("after %d: the files have %d bytes", i, got)
			}
		}
		if ops.counts["rename"] > 0 || ops.counts["remove"] == 0 {
			t.Errorf("got %v, want no file renamed", ops.counts)
		}
		s.Close()
	})
}

// TestSparesCleared deletes what was evicted along with what is deleted.
func TestSparesCleared(t *testing.T) {
	for name, match := range map[string]func(*store.Info) bool{
		"all":      nil,
		"matching": func(*store.Info) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			fs := newMemFS()
			s, err := disk.OpenFS(disk.Config{Dir: "/cache", Size: 4 << 20}, fs)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i := range 100 {
				mustPut(t, s, key(fmt.Sprint(i)), uint64(i), sizeOf(i))
			}
			if err := s.Clear(ctx, match); err != nil {
				t.Fatal(err)
			}
			if got := bodyBytes(fs); got != 0 {
				t.Errorf("the files have %d bytes", got)
			}
		})
	}
}

// TestSparesRaced opens entries while their files become those of others. Who finds an
// entry has its body, to the end.
func TestSparesRaced(t *testing.T) {
	s := openStore(t, disk.Config{Dir: t.TempDir(), Size: 2 << 20})
	var wg sync.WaitGroup
	for w := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(w, 1))
			for range times(500, 20_000) {
				i := r.IntN(40)
				if w == 0 {
					if err := put(s, key(fmt.Sprint(i)), uint64(i), sizeOf(i)); err != nil {
						t.Errorf("put %d: %v", i, err)
					}
				} else if got, err := get(s, key(fmt.Sprint(i))); !errors.Is(err, store.ErrMiss) && (err != nil || got != uint64(i)) {
					t.Errorf("%d: got %d, %v", i, got, err)
				}
			}
		})
	}
	wg.Wait()
}
