package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/session"
)

// sample is the file of a session with so many cookies, and what they are.
func sample(t *testing.T, n int) (file []byte, want []string) {
	t.Helper()
	dir := t.TempDir()
	s := newKeeper(t, dir, session.Config{})
	for i := range n {
		keep(t, s, fmt.Sprintf("name%03d", i), fmt.Sprintf("a value, number %d", i))
	}
	want = cookies(s)
	closeSession(t, s)
	file, err := os.ReadFile(state(dir))
	if err != nil {
		t.Fatal(err)
	}
	return file, want
}

// damage opens a session that finds file, and returns what is left of its cookies, what
// was set aside, and the warnings. Opened again, all must be well.
func damage(t *testing.T, file []byte) (left []string, aside []byte, warnings string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(state(dir)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state(dir), file, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := newKeeper(t, dir, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	left = cookies(s)
	keep(t, s, "new", "1")
	closeSession(t, s)
	warnings = log.String()
	if list, _ := filepath.Glob(state(dir) + ".damaged-*"); len(list) > 0 {
		var err error
		if aside, err = os.ReadFile(list[0]); err != nil || len(list) > 1 {
			t.Fatalf("set aside: %q, %v", list, err)
		}
	}
	log.Reset()
	s = newKeeper(t, dir, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	again := slices.DeleteFunc(cookies(s), func(c string) bool { return c == "new=1" })
	if len(again) != s.Cookies().Len()-1 || !slices.Equal(again, left) || log.Len() > 0 {
		t.Fatalf("opened again: got %q and the log %s, want %q and a new one", cookies(s), &log, left)
	}
	closeSession(t, s)
	return left, aside, warnings
}

// A byte that goes bad loses the cookie that it is in, or has the whole file set aside
// where it is not in a cookie.
func TestFlippedState(t *testing.T) {
	for _, n := range []int{3, 200} { // in one page, and in many
		file, want := sample(t, n)
		used := len(bytes.TrimRight(file, "\x00"))
		lost, aside, harmless := 0, 0, 0
		for at := 0; at < used; at += times(1+used/150, 1) {
			bad := slices.Clone(file)
			bad[at] ^= 1 << (at % 8)
			left, set, warnings := damage(t, bad)
			for _, c := range left {
				if !slices.Contains(want, c) {
					t.Fatalf("byte %d: got %q, which nobody set", at, c)
				}
			}
			switch {
			case set != nil:
				aside++
				if !bytes.Equal(set, bad) || !strings.Contains(warnings, "damaged-") {
					t.Fatalf("byte %d: set aside, with the warnings %q", at, warnings)
				}
			case len(left) == len(want)-1:
				lost++
				if !strings.Contains(warnings, "lost") {
					t.Fatalf("byte %d: a cookie is lost, with the warnings %q", at, warnings)
				}
			case len(left) < len(want):
				t.Fatalf("byte %d: got %d cookies of %d, and nothing was set aside", at, len(left), len(want))
			default:
				harmless++
			}
		}
		t.Logf("%d cookies, %d bytes: %d flips lost a cookie, %d the file, %d nothing", n, used, lost, aside, harmless)
	}
}

func TestCutState(t *testing.T) {
	file, want := sample(t, 200)
	for n := 0; n < len(file); n += times(1+len(file)/40, 61) {
		left, set, _ := damage(t, file[:n])
		if set == nil && len(left) != len(want) || set != nil && (left != nil || !bytes.Equal(set, file[:n])) {
			t.Fatalf("cut to %d bytes: got %d cookies, %d bytes set aside", n, len(left), len(set))
		}
	}
}

// What cannot be read, though it may be good, stays where it is.
func TestUnreadableState(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(state(dir), 0o700); err != nil { // a folder, since tests may run as root
		t.Fatal(err)
	}
	s, err := session.New(session.Config{Path: dir})
	if err == nil {
		closeSession(t, s)
		t.Fatal("got a session")
	}
	if info, err := os.Stat(state(dir)); errors.Is(err, fs.ErrNotExist) || !info.IsDir() {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(state(dir)); err != nil {
		t.Fatal(err)
	}
	closeSession(t, newKeeper(t, dir, session.Config{})) // it is nobody's after an error
}

// The file is damaged while the session runs: the next write has everything.
func TestDamagedMeanwhile(t *testing.T) {
	for _, bad := range [][]byte{[]byte("overwritten"), nil} {
		dir := t.TempDir()
		var log bytes.Buffer
		s := newKeeper(t, dir, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		keep(t, s, "a", "1")
		if err := s.FlushStorageData(t.Context()); err != nil {
			t.Fatal(err)
		}
		if bad == nil {
			if err := os.Remove(state(dir)); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(state(dir), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		keep(t, s, "b", "1")
		closeSession(t, s)
		if got := strings.Contains(log.String(), "set aside"); got != (bad != nil) {
			t.Errorf("got the log %q", &log)
		}
		s = newKeeper(t, dir, session.Config{})
		if got := cookies(s); !slices.Equal(got, []string{"a=1", "b=1"}) {
			t.Errorf("got %q", got)
		}
		closeSession(t, s)
	}
}
