package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOutput(t *testing.T) {
	o, _ := testOrigin(t)
	tests := []struct {
		name   string
		old    string // what the file holds before; empty is no file
		path   string
		status int
		want   string // what it holds after; empty is no file
	}{
		{"new", "", "/hello", 0, "GET /hello"},
		{"replaced", "old", "/hello", 0, "GET /hello"},
		{"cut, new", "", "/short", 1, ""},
		{"cut, old one stays", "old", "/cut", 1, "old"},
		{"no response, old one stays", "old", "/empty", 1, "old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "body")
			if tt.old != "" {
				writeFile(t, file, tt.old)
			}
			got := kaon(t, "", "fetch", "-o", file, o.http+tt.path)
			if got.status != tt.status || got.out != "" {
				t.Errorf("got %+v, want status %d", got, tt.status)
			}
			wantFolder(t, file, tt.want)
		})
	}
}

// wantFolder fails unless file holds want and is alone in its folder; if want is
// empty, nothing is there.
func wantFolder(t *testing.T, file, want string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want == "" {
		if len(names) != 0 {
			t.Errorf("left %q behind", names)
		}
		return
	}
	if len(names) != 1 || names[0] != filepath.Base(file) {
		t.Errorf("the folder has %q, want %q alone", names, filepath.Base(file))
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != want {
		t.Errorf("got %q (%v), want %q", b, err, want)
	}
}

// TestOutputRefused: what cannot be written is known before the request is sent.
func TestOutputRefused(t *testing.T) {
	o, _ := testOrigin(t)
	for name, file := range map[string]string{
		"no such folder": t.TempDir() + "/none/body",
		"a folder":       t.TempDir(),
	} {
		got := kaon(t, "", "fetch", "-o", file, o.http)
		if got.status != 1 {
			t.Errorf("%s: got %+v, want status 1", name, got)
		}
		wantPart(t, name, got.err, "kaon fetch: --output: open ")
	}
	if n := o.conns.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestOutputPartWhileUnderWay(t *testing.T) {
	dir := t.TempDir()
	out, err := openOutput(dir+"/body", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer out.discard()
	if m, err := filepath.Glob(dir + "/body.*.part"); err != nil || len(m) != 1 {
		t.Errorf("got parts %q (%v), want one", m, err)
	}
	if _, err := os.Stat(dir + "/body"); !os.IsNotExist(err) {
		t.Errorf("the file is there before its body is whole: %v", err)
	}
	if _, err := out.Write([]byte("whole")); err != nil {
		t.Error(err)
	}
	if err := out.commit(); err != nil {
		t.Error(err)
	}
	out.discard() // nothing any more
	wantFolder(t, dir+"/body", "whole")
}

// TestOutputLink: a link stays one, and what it leads to keeps its mode.
func TestOutputLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and modes are different on Windows")
	}
	o, _ := testOrigin(t)
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(t.TempDir(), "link")
	writeFile(t, target, "old")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if got := kaon(t, "", "fetch", "-o", link, o.http+"/hello"); got != (result{}) {
		t.Errorf("got %+v", got)
	}
	if to, err := os.Readlink(link); err != nil || to != target {
		t.Errorf("the link leads to %q (%v), want %q", to, err, target)
	}
	wantFolder(t, target, "GET /hello")
	if st, err := os.Stat(target); err != nil || st.Mode() != 0o600 {
		t.Errorf("got %v (%v), want mode -rw-------", st, err)
	}
}
