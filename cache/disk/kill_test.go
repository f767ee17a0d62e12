package disk_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// killDir tells this program to be the one that is killed, in that directory.
const killDir = "KAON_TEST_DISK_KILL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Println("failed:", writeUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Writers and the keys that each of them writes.
const (
	killWriters = 3
	killKeys    = 40
)

var killConfig = disk.Config{Size: 16 << 20}

// writeUntilKilled says on its output what it is about to do, and when it is done.
func writeUntilKilled(dir string) error {
	cfg := killConfig
	cfg.Dir = dir
	s, err := disk.Open(cfg)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range killWriters {
		go func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), uint64(w)))
			for {
				if err := writeOne(s, r, w); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

func writeOne(s *disk.Store, r *rand.Rand, w int) (err error) {
	name := strconv.Itoa(w*killKeys + r.IntN(killKeys))
	seed := r.Uint64()>>1 + 1
	if r.IntN(8) == 0 {
		seed = 0
	}
	os.Stdout.WriteString(fmt.Sprintf("%s %d\n", name, seed))
	switch {
	case seed == 0:
		err = s.Delete(ctx, key(name))
	case r.IntN(4) == 0:
		err = put(s, key(name), seed, r.IntN(200_000))
	default:
		err = put(s, key(name), seed, r.IntN(8_000))
	}
	if err == nil && r.IntN(20) == 0 {
		err = s.Flush(ctx)
	}
	os.Stdout.WriteString(fmt.Sprintf("%s done\n", name))
	return err
}

// TestKill kills a process that writes, again and again. All that it said was done is
// there, flushed or not: the machine did not stop. Of what it was about to do, there is
// nothing or all.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	may := make(map[string][]uint64) // what a key may have
	for i := range killWriters * killKeys {
		may[strconv.Itoa(i)] = []uint64{0}
	}
	kills, hits := times(10, 200), 0
	for round := range kills {
		killOnce(t, dir, may)
		if round%3 == 2 {
			continue // the next one finds what the killed one left
		}
		cfg := killConfig
		cfg.Dir = dir
		s := openStore(t, cfg)
		wantReady(t, s)
		for name, want := range may {
			got, err := get(s, key(name))
			if errors.Is(err, store.ErrMiss) {
				got, err = 0, nil
			}
			if err != nil || !slices.Contains(want, got) {
				t.Fatalf("kill %d: %s: got %d, %v; want one of %v", round, name, got, err, want)
			}
			may[name] = []uint64{got}
			if got != 0 {
				hits++
			}
		}
		if err := s.Verify(ctx, func(info *store.Info, damage error) {
			if damage != nil {
				t.Errorf("kill %d: %s: %v", round, info.Key.URL, damage)
			}
		}); err != nil {
			t.Error(err)
		}
		closeStore(t, s)
		if round%3 == 1 {
			if err := os.Remove(filepath.Join(dir, "index.kaon")); err != nil {
				t.Error(err)
			}
		}
	}
	if hits < kills*killKeys/2 {
		t.Errorf("got %d hits after %d kills: that was no test", hits, kills)
	}
	t.Logf("%d kills, %d entries found, none wrong, none lost", kills, hits)
}

// killOnce starts a writer and kills it somewhere.
func killOnce(t *testing.T, dir string, may map[string][]uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { cmd.Process.Kill() })
	defer kill()
	until := 1 + rand.IntN(2000)
	begun := make(map[string]uint64)
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == until/2 {
			if _, err := disk.Open(disk.Config{Dir: dir}); !errors.Is(err, neterr.CacheOpenFailure) {
				t.Errorf("open while another process has it: got %v", err)
			}
		}
		if n == until {
			kill() // what is in the pipe is still read
		}
		name, what, _ := strings.Cut(lines.Text(), " ")
		if what == "done" {
			may[name] = []uint64{begun[name]}
			continue
		}
		seed, err := strconv.ParseUint(what, 10, 64)
		if err != nil {
			t.Fatalf("the writer says %q", lines.Text())
		}
		begun[name] = seed
		may[name] = append(may[name], seed)
	}
	cmd.Wait()
}
