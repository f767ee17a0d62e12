package session_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session"
)

// freshProfiles gives the test a program that has not used a profile yet. Such
// tests do not run in parallel: there is one default profile.
func freshProfiles(t *testing.T) {
	t.Helper()
	session.ForgetProfiles()
	t.Cleanup(session.ForgetProfiles)
}

func openProfile(t *testing.T, dir string) *session.Profile {
	t.Helper()
	p, err := session.OpenProfile(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("close the profile: %v", err)
		}
	})
	return p
}

type opener func(name string, opts *session.Options) (*session.Session, error)

func open(t *testing.T, from opener, name string) *session.Session {
	t.Helper()
	s, err := from(name, nil)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// wantError checks an error's code and that its text has the words.
func wantError(t *testing.T, err error, code neterr.Code, words ...string) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("got %v, want %v", err, code)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestFromPartition(t *testing.T) {
	freshProfiles(t)
	def := open(t, session.FromPartition, "")
	if again := open(t, session.FromPartition, ""); again != def {
		t.Error(`"" is not the same session twice`)
	}
	if bare := open(t, session.FromPartition, "persist:"); bare != def {
		t.Error(`"persist:" is not the default session`)
	}
	seen := map[*session.Session]string{def: ""}
	for _, name := range []string{"mail", "Mail", "PERSIST:mail", " ", "../x", "persist"} {
		s := open(t, session.FromPartition, name)
		if other, ok := seen[s]; ok {
			t.Errorf("%q and %q are one session", name, other)
		}
		seen[s] = name
		if again := open(t, session.FromPartition, name); again != s {
			t.Errorf("%q: two sessions", name)
		}
		if s.IsPersistent() || s.StoragePath() != "" {
			t.Errorf("%q: persistent %v in %q, want in memory", name, s.IsPersistent(), s.StoragePath())
		}
	}
}

// TestPersistNeedsProfile: nothing is written to a disk that nobody offered.
func TestPersistNeedsProfile(t *testing.T) {
	freshProfiles(t)
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := session.FromPartition("persist:mail", nil)
	wantError(t, err, neterr.InvalidArgument, "persist:mail", "OpenProfile")
	if got := entries(t, dir); got != nil {
		t.Errorf("it wrote %v", got)
	}
	dir = filepath.Join(dir, "profile")
	openProfile(t, dir)
	if s := open(t, session.FromPartition, "persist:mail"); s.StoragePath() != filepath.Join(dir, "Partitions", "mail") {
		t.Errorf("after OpenProfile it is in %q", s.StoragePath())
	}
}

func TestPartitionDirectories(t *testing.T) {
	freshProfiles(t)
	root := t.TempDir()
	p := openProfile(t, root)
	if def := open(t, p.FromPartition, ""); def.StoragePath() != root || !def.IsPersistent() {
		t.Errorf("default session: %q, persistent %v; want %q", def.StoragePath(), def.IsPersistent(), root)
	}
	for _, tt := range []struct{ name, dir string }{
		{"mail", "mail"},
		{"Upper", "upper"},
		{"a.b-c_d", "a.b-c_d"},
		{"../../x", "%2E.%2F..%2Fx"},
		{"..", "%2E%2E"},
		{"/etc", "%2Fetc"},
		{`C:\x`, "c%3A%5Cx"},
		{"con", "%63on"},
		{"NUL.txt", "%6Eul.txt"},
		{"console", "console"},
		{"trailing.", "trailing%2E"},
		{"nul\x00l", "nul%00l"},
		{"%41", "%2541"},
		{"ünï", "%C3%BCn%C3%AF"},
	} {
		s := open(t, p.FromPartition, "persist:"+tt.name)
		if want := filepath.Join(root, "Partitions", tt.dir); s.StoragePath() != want {
			t.Errorf("%q: got %q, want %q", tt.name, s.StoragePath(), want)
		}
		if fi, err := os.Stat(s.StoragePath()); err != nil || !fi.IsDir() {
			t.Errorf("%q: %v", tt.name, err)
		}
		if !s.IsPersistent() {
			t.Errorf("%q is not persistent", tt.name)
		}
	}
	_, err := p.FromPartition("persist:"+strings.Repeat("x", 5000), nil)
	if err == nil || neterr.CodeOf(err) == 0 {
		t.Errorf("a name of 5000 bytes: %v, want an error with a code", err)
	}
	if got := entries(t, filepath.Dir(root)); len(got) != 1 {
		t.Errorf("beside the profile there are %v", got)
	}
}

func TestSharedDirectoryRefused(t *testing.T) {
	freshProfiles(t)
	root := t.TempDir()
	p := openProfile(t, root)
	upper := open(t, p.FromPartition, "persist:A")
	_, err := p.FromPartition("persist:a", nil)
	wantError(t, err, neterr.FileExists, `"persist:a"`, `"persist:A"`)
	_, err = p.FromPath(upper.StoragePath(), nil)
	wantError(t, err, neterr.FileExists, `"persist:A"`)

	open(t, p.FromPath, filepath.Join(root, "Partitions", "b"))
	_, err = p.FromPartition("persist:b", nil)
	wantError(t, err, neterr.FileExists, "path ")

	if err := upper.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lower := open(t, p.FromPartition, "persist:a"); lower.StoragePath() != upper.StoragePath() {
		t.Errorf("got %q, want the directory that was freed, %q", lower.StoragePath(), upper.StoragePath())
	}
}

func TestFromPath(t *testing.T) {
	freshProfiles(t)
	for _, tt := range []struct{ path, text string }{
		{"", "An empty path was specified"},
		{"relative", "An absolute path was not provided"},
		{"./x", "An absolute path was not provided"},
	} {
		_, err := session.FromPath(tt.path, nil)
		wantError(t, err, neterr.InvalidArgument, tt.text)
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, session.FromPath, dir)
	if s.StoragePath() != dir || !s.IsPersistent() {
		t.Errorf("path %q, persistent %v; want %q", s.StoragePath(), s.IsPersistent(), dir)
	}
	sep := string(filepath.Separator)
	for _, spelling := range []string{dir, dir + sep, dir + sep + ".", filepath.Dir(dir) + sep + "c" + sep + ".." + sep + "b"} {
		if got := open(t, session.FromPath, spelling); got != s {
			t.Errorf("%q is another session", spelling)
		}
	}
	if named := open(t, session.FromPartition, dir); named == s {
		t.Error("a partition and a path with the same text are one session")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := session.FromPath(file, nil); err == nil || neterr.CodeOf(err) == 0 {
		t.Errorf("a file: %v, want an error with a code", err)
	}
	_, err := session.New(session.Config{Path: "relative"})
	wantError(t, err, neterr.InvalidArgument, "An absolute path was not provided")
}

func TestOpenProfile(t *testing.T) {
	freshProfiles(t)
	_, err := session.OpenProfile("")
	wantError(t, err, neterr.InvalidArgument, "An empty path was specified")
	_, err = session.OpenProfile("relative")
	wantError(t, err, neterr.InvalidArgument, "An absolute path was not provided")

	early := open(t, session.FromPartition, "early") // in memory: no reason to refuse
	base := t.TempDir()
	first := openProfile(t, filepath.Join(base, "first"))
	if again := openProfile(t, filepath.Join(base, "x", "..", "first")); again != first {
		t.Error("the same directory is another profile")
	}
	if open(t, session.FromPartition, "") != open(t, first.FromPartition, "") {
		t.Error("the first profile opened is not the default one")
	}
	if open(t, session.FromPartition, "early") != early {
		t.Error("a session of before OpenProfile lost its name")
	}

	second := openProfile(t, filepath.Join(base, "second"))
	if second == first || openProfile(t, filepath.Join(base, "second")) != second {
		t.Error("a second directory is not one profile of its own")
	}
	if s := open(t, second.FromPartition, ""); s.StoragePath() != filepath.Join(base, "second") || s == open(t, first.FromPartition, "") {
		t.Errorf("the second's default session is in %q", s.StoragePath())
	}
}

func TestOpenProfileTooLate(t *testing.T) {
	freshProfiles(t)
	def := open(t, session.FromPartition, "")
	dir := filepath.Join(t.TempDir(), "profile")
	_, err := session.OpenProfile(dir)
	wantError(t, err, neterr.Unexpected, "call OpenProfile before", `FromPartition("")`)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made all the same: %v", err)
	}
	def.Close(t.Context())
	openProfile(t, dir)
	if s := open(t, session.FromPartition, ""); s.StoragePath() != dir {
		t.Errorf("after the session was closed: in %q, want %q", s.StoragePath(), dir)
	}
}

func TestOptionsCountOnce(t *testing.T) {
	freshProfiles(t)
	with := func(ua string) *session.Options {
		return &session.Options{Config: session.Config{UserAgent: ua, Path: "ignored"}}
	}
	s, err := session.FromPartition("x", with("first"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := session.FromPartition("x", with("second"))
	if err != nil || again != s || again.UserAgent() != "first" || again.StoragePath() != "" {
		t.Errorf("got %q in %q, %v; want the first one's", again.UserAgent(), again.StoragePath(), err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	anew, err := session.FromPartition("x", with("third"))
	if err != nil || anew == s || anew.UserAgent() != "third" {
		t.Errorf("after Close: got %q, %v; want a new one", anew.UserAgent(), err)
	}
	if s.Close(t.Context()); open(t, session.FromPartition, "x") != anew {
		t.Error("closing the old session again took the name from the new one")
	}
}

func TestProfileClose(t *testing.T) {
	freshProfiles(t)
	dir := t.TempDir()
	p := openProfile(t, dir)
	all := []*session.Session{open(t, p.FromPartition, ""), open(t, p.FromPartition, "x"), open(t, p.FromPartition, "persist:y")}
	for range 2 {
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range all {
		_, err := s.Fetch(t.Context(), "http://127.0.0.1:1024/", nil)
		if !errors.Is(err, neterr.ContextShutDown) {
			t.Errorf("session %d: got %v, want %v", i, err, neterr.ContextShutDown)
		}
	}
	_, err := p.FromPartition("x", nil)
	wantError(t, err, neterr.ContextShutDown)
	if s := open(t, session.FromPartition, "x"); s.IsPersistent() {
		t.Error("the program's next default profile is not in memory")
	}
	if again := openProfile(t, dir); again == p {
		t.Error("OpenProfile returned the closed profile")
	}
}

func TestProfileConcurrency(t *testing.T) {
	freshProfiles(t)
	root := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]map[*session.Session]bool{}
	profiles := map[*session.Profile]bool{}
	for i := range 16 {
		wg.Go(func() {
			p, err := session.OpenProfile(root)
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 4 {
				name := fmt.Sprintf("persist:%d", (i+j)%4)
				s, err := p.FromPartition(name, nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				profiles[p] = true
				if got[name] == nil {
					got[name] = map[*session.Session]bool{}
				}
				got[name][s] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(profiles) != 1 || len(got) != 4 {
		t.Errorf("%d profiles, %d names; want 1, 4", len(profiles), len(got))
	}
	for name, sessions := range got {
		if len(sessions) != 1 {
			t.Errorf("%s: %d sessions", name, len(sessions))
		}
	}
	openProfile(t, root)
}
