package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/session/storage"
)

// keep has s set a cookie that lasts a day.
func keep(t testing.TB, s *session.Session, name, value string) {
	t.Helper()
	if err := s.Cookies().Set(cookiejar.Details{
		URL: "https://www.example/", Name: name, Value: value, Expires: time.Now().Add(24 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
}

// cookies are those of s: "name=value", by name.
func cookies(s *session.Session) []string {
	var list []string
	for c := range s.Cookies().All(cookiejar.Filter{}) {
		list = append(list, c.Name+"="+c.Value)
	}
	slices.Sort(list)
	return list
}

// state is the file that a session in dir keeps its data in.
func state(dir string) string { return filepath.Join(dir, "Network", "state.db") }

// newKeeper opens dir for a session that is closed by the test.
func newKeeper(t testing.TB, dir string, cfg session.Config) *session.Session {
	t.Helper()
	cfg.Path = dir
	s, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeSession(t testing.TB, s *session.Session) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSessionRemembers(t *testing.T) {
	freshProfiles(t)
	root := t.TempDir()
	ways := []struct {
		name string
		from func(*session.Profile, *session.Options) (*session.Session, error)
	}{
		{"default", func(p *session.Profile, o *session.Options) (*session.Session, error) { return p.FromPartition("", o) }},
		{"partition", func(p *session.Profile, o *session.Options) (*session.Session, error) {
			return p.FromPartition("persist:mail", o)
		}},
		{"path", func(p *session.Profile, o *session.Options) (*session.Session, error) {
			return p.FromPath(filepath.Join(root, "elsewhere"), o)
		}},
	}
	for round := range 2 {
		p, err := session.OpenProfile(filepath.Join(root, "profile"))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range ways {
			s, err := w.from(p, &session.Options{Config: session.Config{DNS: dns.Config{System: everyName{}, DisableHosts: true}}})
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				keep(t, s, "where", w.name)
				if _, err := s.ResolveHost(t.Context(), "www.test", dns.Options{Source: dns.SourceSystem}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if got, want := cookies(s), []string{"where=" + w.name}; !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", w.name, got, want)
			}
			res, err := s.ResolveHost(t.Context(), "www.test", dns.Options{CacheUsage: dns.CacheStaleAllowed, Source: dns.SourceSystem})
			if err != nil || !res.Cached || !res.Stale {
				t.Errorf("%s: got %+v, %v, want the address of before", w.name, res, err)
			}
		}
		memory, err := p.FromPartition("memory", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := cookies(memory); got != nil {
			t.Errorf("in memory: got %q", got)
		}
		keep(t, memory, "c", "1")
		if err := errors.Join(memory.FlushStorageData(t.Context()), p.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSessionDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	s := newKeeper(t, dir, session.Config{})
	_, err := session.New(session.Config{Path: dir})
	wantError(t, err, neterr.FileExists, dir, "in use")
	freshProfiles(t)
	_, err = session.FromPath(dir, nil)
	wantError(t, err, neterr.FileExists, dir, "in use")
	closeSession(t, s)
	again, err := session.FromPath(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	closeSession(t, again)
}

func TestSessionDelete(t *testing.T) {
	t.Run("a partition", func(t *testing.T) {
		freshProfiles(t)
		p := openProfile(t, t.TempDir())
		def := open(t, p.FromPartition, "")
		s := open(t, p.FromPartition, "persist:a")
		for _, s := range []*session.Session{s, def} {
			keep(t, s, "c", "1")
			if err := s.FlushStorageData(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		dir := s.StoragePath()
		if err := s.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory is there: %v", err)
		}
		if s = open(t, p.FromPartition, "persist:a"); s.Cookies().Len() != 0 {
			t.Errorf("got %q", cookies(s))
		}
		// The default session's directory has those of others in it.
		keep(t, s, "c", "2")
		root := def.StoragePath()
		if err := def.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, root); !slices.Equal(got, []string{"Partitions"}) {
			t.Errorf("got %q left", got)
		}
		if err := s.FlushStorageData(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("in memory", func(t *testing.T) {
		s := newSession(t, session.Config{})
		if err := s.Delete(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("taken by another", func(t *testing.T) {
		dir := t.TempDir()
		s := newKeeper(t, dir, session.Config{})
		closeSession(t, s)
		other := newKeeper(t, dir, session.Config{})
		defer closeSession(t, other)
		keep(t, other, "c", "1")
		if err := s.Delete(t.Context()); !errors.Is(err, storage.ErrInUse) {
			t.Errorf("got %v, want ErrInUse", err)
		}
	})
	t.Run("too slow", func(t *testing.T) {
		dir := t.TempDir()
		s := newKeeper(t, dir, session.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Delete(ctx); err != nil && !errors.Is(err, neterr.Aborted) {
			t.Errorf("got %v", err)
		}
		if err := s.Delete(t.Context()); err != nil && !errors.Is(err, storage.ErrNoSession) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("later: got %v", err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory is there: %v", err)
		}
	})
}

// What is cleared is gone from memory and from the disk when the call returns.
func TestSessionClears(t *testing.T) {
	dir := t.TempDir()
	s := newKeeper(t, dir, session.Config{})
	onDisk := func(text string) bool {
		b, err := os.ReadFile(state(dir))
		return err == nil && bytes.Contains(b, []byte(text))
	}
	clears := []struct {
		name  string
		clear func() error
	}{
		{"ClearStorageData", func() error { return s.ClearStorageData(t.Context(), nil) }},
		{"ClearData", func() error { return s.ClearData(t.Context(), nil) }},
		{"ClearData of one type", func() error {
			return s.ClearData(t.Context(), &storage.ClearDataOptions{DataTypes: []storage.DataType{storage.Cookies}})
		}},
	}
	for i, c := range clears {
		t.Run(c.name, func(t *testing.T) {
			value := fmt.Sprintf("value %d to be cleared", i)
			keep(t, s, "c", value)
			if err := s.FlushStorageData(t.Context()); err != nil || !onDisk(value) {
				t.Fatalf("it was not written: %v", err)
			}
			if err := c.clear(); err != nil {
				t.Fatal(err)
			}
			if s.Cookies().Len() != 0 || onDisk(value) {
				t.Errorf("got %q, on disk: %v", cookies(s), onDisk(value))
			}
		})
	}
	t.Run("ClearHostResolverCache", func(t *testing.T) {
		dir := t.TempDir()
		s := newKeeper(t, dir, session.Config{DNS: dns.Config{System: everyName{}, DisableHosts: true}})
		defer closeSession(t, s)
		keep(t, s, "c", "1")
		_, err := s.ResolveHost(t.Context(), "www.secret.test", dns.Options{Source: dns.SourceSystem})
		if err := errors.Join(err, s.FlushStorageData(t.Context())); err != nil {
			t.Fatal(err)
		}
		answers := func() bool {
			b, err := os.ReadFile(state(dir))
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Contains(b, []byte("www.secret.test"))
		}
		if !answers() {
			t.Error("the answer was not written")
		}
		s.ClearHostResolverCache()
		if answers() || s.Cookies().Len() != 1 {
			t.Errorf("the answer is on disk: %t; %d cookies", answers(), s.Cookies().Len())
		}
	})
	t.Run("unknown names", func(t *testing.T) {
		keep(t, s, "c", "1")
		wantError(t, s.ClearStorageData(t.Context(), &storage.ClearStorageOptions{Storages: []string{"typo"}}), neterr.InvalidArgument, "typo")
		wantError(t, s.ClearData(t.Context(), &storage.ClearDataOptions{DataTypes: []storage.DataType{"typo"}}), neterr.InvalidArgument, "typo")
		if s.Cookies().Len() != 1 {
			t.Error("something was cleared")
		}
	})
	t.Run("at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.ClearData(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	closeSession(t, s)
	t.Run("closed", func(t *testing.T) {
		if err := s.ClearData(t.Context(), nil); !errors.Is(err, neterr.ContextShutDown) {
			t.Errorf("got %v", err)
		}
	})
}

// A fakeRing is a keyring of one secret.
type fakeRing struct {
	secret string
	err    error
}

func (r *fakeRing) Get(service, name string) (string, error) {
	if r.err == nil && r.secret == "" {
		return "", storage.ErrNoSecret
	}
	return r.secret, r.err
}

func (r *fakeRing) Set(service, name, secret string) error {
	if service != "kaon" || !filepath.IsAbs(name) {
		return fmt.Errorf("got a secret for %q of %q", name, service)
	}
	r.secret = secret
	return nil
}

func TestSessionKeyring(t *testing.T) {
	dir, ring := t.TempDir(), &fakeRing{}
	var log bytes.Buffer
	cfg := session.Config{Keyring: ring, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	s := newKeeper(t, dir, cfg)
	keep(t, s, "c", "a secret value")
	closeSession(t, s)
	if b, err := os.ReadFile(state(dir)); err != nil || bytes.Contains(b, []byte("a secret value")) {
		t.Errorf("the value is on disk, or nothing is: %v", err)
	}
	s = newKeeper(t, dir, cfg)
	if got := cookies(s); !slices.Equal(got, []string{"c=a secret value"}) {
		t.Errorf("got %q", got)
	}
	closeSession(t, s)

	ring.err = errors.New("locked")
	s = newKeeper(t, dir, cfg)
	if got := cookies(s); got != nil {
		t.Errorf("got %q without the key", got)
	}
	keep(t, s, "new", "never written")
	closeSession(t, s)
	if b, err := os.ReadFile(state(dir)); err != nil || bytes.Contains(b, []byte("never written")) {
		t.Errorf("a value was written without its key, or all is gone: %v", err)
	}
	if !strings.Contains(log.String(), "locked") || strings.Contains(log.String(), ring.secret) {
		t.Errorf("got the log %s", &log)
	}
	ring.err = nil
	s = newKeeper(t, dir, cfg)
	if got := cookies(s); !slices.Equal(got, []string{"c=a secret value"}) {
		t.Errorf("later: got %q", got)
	}
	closeSession(t, s)

	_, err := session.New(session.Config{Path: dir, Keyring: ring, CookieKey: make([]byte, storage.KeySize)})
	wantError(t, err, neterr.InvalidArgument, "Keyring")
	_, err = session.New(session.Config{Path: dir, CookieKey: []byte("short")})
	wantError(t, err, neterr.InvalidArgument, "32")
}

func BenchmarkOpenSession(b *testing.B) {
	for _, where := range []string{"", b.TempDir()} {
		name := "in=memory"
		if where != "" {
			name = "in=directory"
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				closeSession(b, newKeeper(b, where, session.Config{}))
			}
		})
	}
}
