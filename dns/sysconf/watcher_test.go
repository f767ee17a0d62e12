package sysconf_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns/sysconf"
	"github.com/kaon-net/kaon/net/neterr"
)

// settings are files that a test writes and a Watcher follows.
type settings struct {
	sysconf.Paths
	mod time.Time
}

func newSettings(t *testing.T) *settings {
	t.Helper()
	t.Setenv("LOCALDOMAIN", ".") // or the machine's name would tell
	t.Setenv("RES_OPTIONS", "")
	dir := t.TempDir()
	return &settings{
		Paths: sysconf.Paths{ResolvConf: filepath.Join(dir, "resolv.conf"), NSSwitch: filepath.Join(dir, "nsswitch.conf")},
		mod:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// write writes a file, each later than the one before.
func (s *settings) write(t *testing.T, path, text string) {
	t.Helper()
	s.mod = s.mod.Add(time.Minute)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, s.mod, s.mod); err != nil {
		t.Fatal(err)
	}
}

func TestWatcher(t *testing.T) {
	files := newSettings(t)
	synctest.Test(t, func(t *testing.T) {
		w := sysconf.NewWatcher(files.Paths)
		last := w.Config()
		// want checks what is known a second later, and that the pointer tells of
		// changes.
		want := func(step, text string, changed bool) {
			t.Helper()
			if now := w.Config(); now != last {
				t.Errorf("%s: noticed within the second in which nobody looks", step)
			}
			time.Sleep(time.Second)
			now := w.Config()
			if got := describe(now); got != text {
				t.Errorf("%s: got %q, want %q", step, got, text)
			}
			if (now != last) != changed {
				t.Errorf("%s: a new Config: %v, want %v", step, now != last, changed)
			}
			last = now
		}
		want("no files", "", false)
		files.write(t, files.ResolvConf, "nameserver 192.0.2.1\n")
		want("resolv.conf comes", "192.0.2.1:53", true)
		files.write(t, files.ResolvConf, "nameserver 192.0.2.2\n")
		want("it changes", "192.0.2.2:53", true)
		files.write(t, files.ResolvConf, "nameserver 192.0.2.2 # the same\n")
		want("it says the same in other words", "192.0.2.2:53", false)
		files.write(t, files.NSSwitch, "hosts: files resolve dns\n")
		want("nsswitch.conf comes", "192.0.2.2:53, unhandled: nsswitch: resolve", true)
		files.write(t, files.NSSwitch, "hosts: files dns\n")
		want("it changes", "192.0.2.2:53", true)

		if err := os.Remove(files.ResolvConf); err != nil {
			t.Fatal(err)
		}
		want("resolv.conf goes", "", true)
		if err := os.Mkdir(files.ResolvConf, 0o700); err != nil {
			t.Fatal(err)
		}
		want("a directory", "unhandled: resolv.conf: "+neterr.InvalidArgument.Error(), true)
		if err := os.Remove(files.ResolvConf); err != nil {
			t.Fatal(err)
		}
		files.write(t, files.ResolvConf, strings.Repeat("x", sysconf.MaxConfigSize+1))
		want("too large", "unhandled: resolv.conf: "+neterr.FileTooBig.Error(), true)
	})
}

// Network managers write another file and rename it: that counts even if time and
// size are the same.
func TestWatcherReplacedFile(t *testing.T) {
	files := newSettings(t)
	other := files.ResolvConf + ".new"
	files.write(t, files.ResolvConf, "nameserver 192.0.2.1\n")
	files.mod = files.mod.Add(-time.Minute)
	files.write(t, other, "nameserver 192.0.2.2\n")
	synctest.Test(t, func(t *testing.T) {
		w := sysconf.NewWatcher(files.Paths)
		w.Config()
		if err := os.Rename(other, files.ResolvConf); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got, want := describe(w.Config()), "192.0.2.2:53"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWatcherEnvironment(t *testing.T) {
	files := newSettings(t)
	files.write(t, files.ResolvConf, "search a.test\noptions ndots:2\n")
	t.Setenv("LOCALDOMAIN", "b.test c.test")
	t.Setenv("RES_OPTIONS", "ndots:3 use-vc")
	got, want := describe(sysconf.NewWatcher(files.Paths).Config()), "search b.test, search c.test, ndots 3, use-vc, unhandled: use-vc"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The machine's own settings can be read, whatever they are.
func TestWatcherOfTheSystem(t *testing.T) {
	c := sysconf.NewWatcher(sysconf.Paths{}).Config()
	if len(c.Nameservers) == 0 || c.Attempts < 1 || c.Timeout < time.Second {
		t.Errorf("got %+v, want something to ask", c)
	}
	if runtime.GOOS == "windows" && len(c.Unhandled) == 0 {
		t.Error("Windows: want a reason to leave it to the system")
	}
}

// Of callers that come at once to a new Watcher several may read: they must agree on one
// Config all the same, or one of them seems to have seen a change.
func TestWatcherConcurrently(t *testing.T) {
	files := newSettings(t)
	files.write(t, files.ResolvConf, "nameserver 192.0.2.1\n")
	for range 200 {
		w := sysconf.NewWatcher(files.Paths)
		var got [8]*sysconf.Config
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = w.Config() })
		}
		wg.Wait()
		for _, c := range got {
			if c != got[0] || describe(c) != "192.0.2.1:53" {
				t.Fatalf("got %p %q beside %p", c, describe(c), got[0])
			}
		}
	}
}

func TestConfigIsFree(t *testing.T) {
	w := sysconf.NewWatcher(newSettings(t).Paths)
	w.Config()
	if n := testing.AllocsPerRun(1000, func() { w.Config() }); n >= 1 {
		t.Errorf("got %v allocations a call, want none but once a second", n)
	}
}
