package disk_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b") // made as far as it is not there
	for round := range uint64(3) {
		s := openStore(t, disk.Config{Dir: dir})
		if round > 0 {
			wantEntry(t, s, key("small"), round-1)
			wantEntry(t, s, key("large"), round-1)
			wantMiss(t, s, key("gone"))
		}
		mustPut(t, s, key("small"), round, 100)
		mustPut(t, s, key("large"), round, 100_000)
		mustPut(t, s, key("gone"), round, 100)
		if err := s.Delete(ctx, key("gone")); err != nil {
			t.Error(err)
		}
		e, err := s.Create(ctx, key("never committed"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.WriteAt(make([]byte, 100_000), 0); err != nil {
			t.Error(err)
		}
		closeStore(t, s)
		e.Close()
		// Nothing is left of what was replaced or not committed.
		if bodies, _ := filepath.Glob(filepath.Join(dir, "bodies.kaon", "*")); len(bodies) != 1 {
			t.Errorf("got body files %v, want one", bodies)
		}
	}
}

// TestVersion opens what another version wrote: it is deleted, and nothing else is.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, disk.Config{Dir: dir})
	mustPut(t, s, key("a"), 1, 100_000)
	closeStore(t, s)
	foreign := []string{"log-00000001.txt", "log-1.kaon", "index", "format.kaon.bak", "bodies.kaon/readme", "bodies.kaon/0123456789abcdef-0123456"}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, "format.kaon")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[8]++
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[:32], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := disk.Open(disk.Config{Dir: dir, Existing: true}); !errors.Is(err, neterr.CacheOpenFailure) || !strings.Contains(err.Error(), "another version") {
		t.Errorf("with Existing: got %v", err)
	}
	s = openStore(t, disk.Config{Dir: dir})
	wantMiss(t, s, key("a"))
	mustPut(t, s, key("a"), 2, 100)
	closeStore(t, s)
	for _, name := range foreign {
		if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != "mine" {
			t.Errorf("%s: got %q, %v", name, b, err)
		}
	}
	if bodies, _ := filepath.Glob(filepath.Join(dir, "bodies.kaon", "*-????????")); len(bodies) != 0 {
		t.Errorf("got %v of the old store", bodies)
	}
}

func TestExisting(t *testing.T) {
	dir := t.TempDir()
	for _, dir := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := disk.Open(disk.Config{Dir: dir, Existing: true}); !errors.Is(err, neterr.FileNotFound) {
			t.Errorf("%s: got %v, want that there is none", dir, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) > 0 {
		t.Errorf("got %v in a directory that was only looked at", files)
	}
	closeStore(t, openStore(t, disk.Config{Dir: dir}))
	closeStore(t, openStore(t, disk.Config{Dir: dir, Existing: true}))
}

func TestOpenFailure(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, filepath.Join(file, "below")} {
		if _, err := disk.Open(disk.Config{Dir: dir}); err == nil || neterr.CodeOf(err) == neterr.OK {
			t.Errorf("%q: got %v, want an error with a code", dir, err)
		}
	}
}

// TestRebuild looks at a store while its index is made: what is not there yet is a miss,
// and what is there is the last that was stored.
func TestRebuild(t *testing.T) {
	fs := newMemFS()
	cfg := disk.Config{Dir: "/cache", Size: 16 << 20}
	s, err := disk.OpenFS(cfg, fs)
	if err != nil {
		t.Fatal(err)
	}
	for round := range uint64(3) { // in several segments
		for i := range 100 {
			mustPut(t, s, numbered(i), round, 10_000)
		}
	}
	if err := s.Delete(ctx, numbered(0)); err != nil {
		t.Fatal(err)
	}
	fs = fs.crash(nil, false)
	closeStore(t, s)
	// One read at a time, when the test says so.
	gate := make(chan bool)
	fs.fail = func(op, name string) error {
		if op == "read" && strings.HasPrefix(name, "log-0000000") {
			fs.mu.Unlock() // others go on meanwhile
			<-gate
			fs.mu.Lock()
		}
		return nil
	}
	released := make(chan bool)
	go func() {
		defer close(released)
		for range 3 {
			gate <- true
		}
	}()
	if s, err = disk.OpenFS(cfg, fs); err != nil {
		t.Fatal(err)
	}
	<-released
	if err := s.Delete(ctx, numbered(1)); err != nil { // found or not
		t.Error(err)
	}
	if err := put(s, numbered(2), 9, 10); err != nil {
		t.Error(err)
	}
	close(gate)
	wantReady(t, s)
	defer s.Close()
	wantMiss(t, s, numbered(0))
	wantMiss(t, s, numbered(1))
	wantEntry(t, s, numbered(2), 9)
	for i := 3; i < 100; i++ {
		wantEntry(t, s, numbered(i), 2)
	}
}

// TestLastUsed survives closing.
func TestLastUsed(t *testing.T) {
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, key("a"), 1, 10)
	s.SetUsed(func(int64) uint32 { return 1_000_000_000 })
	closeStore(t, s)
	if s, err = disk.OpenFS(sampleConfig, fs); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for info, err := range s.All(ctx) {
		if err != nil || info.LastUsed.Unix() != 1_000_000_000 {
			t.Errorf("got %+v, %v", info, err)
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(fs.locks)), []string{"/cache/lock.kaon"}) {
		t.Errorf("got locks %v", fs.locks)
	}
}

func TestDefaultSize(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct{ free, unix, windows int64 }{
		{-1, 320, 80},
		{0, 0, 0},
		{50, 40, 40},
		{99, 79, 79},
		{100, 80, 80},
		{500, 100, 80},
		{1000, 200, 100},
		{1999, 399, 199},
		{2000, 400, 200},
		{10_000, 800, 200},
		{20_000, 800, 200},
		{30_000, 1200, 300},
		{100_000, 1280, 320},
	} {
		free := tt.free * mib
		if tt.free < 0 {
			free = -1
		}
		for windows, want := range map[bool]int64{false: tt.unix, true: tt.windows} {
			if got := disk.DefaultSize(free, windows) / mib; got != want {
				t.Errorf("%d MiB free, windows %v: got %d MiB, want %d", tt.free, windows, got, want)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	fs := newMemFS()
	s, err := disk.OpenFS(sampleConfig, fs)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustPut(t, s, key("a"), 1, 100)
	mustPut(t, s, key("b"), 2, 100_000)
	mustPut(t, s, key("c"), 3, 100)
	fs.mu.Lock()
	for name, node := range fs.names {
		if strings.Contains(name, "bodies") {
			node.data[70_000] ^= 1
		}
	}
	fs.mu.Unlock()
	for round, bad := range []int{1, 0} {
		good, damaged := 0, 0
		err := s.Verify(ctx, func(info *store.Info, damage error) {
			if damage == nil {
				good++
			} else if damaged++; info.Key != *key("b") || !errors.Is(damage, neterr.CacheChecksumMismatch) {
				t.Errorf("%s: %v", info.Key.URL, damage)
			}
		})
		if err != nil || good != 2 || damaged != bad {
			t.Errorf("round %d: got %d good ones, %d damaged, %v; want 2, %d", round, good, damaged, err, bad)
		}
	}
}
