package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session"
)

// On a full disk what was there stays, and what is new is written when there is room.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	var log bytes.Buffer
	path := filepath.Join(dir, "session")
	s := newKeeper(t, path, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	keep(t, s, "old", "1")
	if err := s.FlushStorageData(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(state(path))
	if err != nil {
		t.Fatal(err)
	}

	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
	for i := range 100 {
		keep(t, s, fmt.Sprintf("new%02d", i), strings.Repeat("x", 1000))
	}
	for range 3 {
		if err := s.FlushStorageData(t.Context()); !errors.Is(err, neterr.FileNoSpace) {
			t.Errorf("got %v, want FileNoSpace", err)
		}
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 1 {
		t.Errorf("got %d warnings, want 1: %s", got, &log)
	}
	now, err := os.ReadFile(state(path))
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write(state(copied), now)
	other := newKeeper(t, copied, session.Config{})
	if got := cookies(other); !slices.Equal(got, []string{"old=1"}) {
		t.Errorf("on the full disk: got %q, want what was there; %d bytes then, %d now", got, len(before), len(now))
	}
	closeSession(t, other)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := s.FlushStorageData(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := cookies(s)
	closeSession(t, s)
	s = newKeeper(t, path, session.Config{})
	if got := cookies(s); len(got) != 101 || !slices.Equal(got, want) {
		t.Errorf("got %d cookies, want 101", len(got))
	}

	// A session that ends on a full disk says so, and is closed all the same.
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
	for i := range 100 {
		keep(t, s, fmt.Sprintf("new%02d", i), strings.Repeat("y", 2000))
	}
	if err := s.Close(t.Context()); !errors.Is(err, neterr.FileNoSpace) {
		t.Errorf("close: got %v, want FileNoSpace", err)
	}
	s = newKeeper(t, path, session.Config{})
	if got := cookies(s); !slices.Equal(got, want) {
		t.Errorf("got %d cookies, want those of before", len(got))
	}
	closeSession(t, s)
}
