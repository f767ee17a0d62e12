package storage_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/session/storage"
)

// A room is a store with what it keeps.
type room struct {
	*storage.Store
	reg  *storage.Registry
	jar  *cookiejar.Jar
	hsts *hsts.Store
	log  *logs
	dir  string
}

// open opens dir with an empty jar and no HSTS.
func open(t testing.TB, dir string, o storage.CookieOptions) *room {
	t.Helper()
	r, err := tryOpen(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func tryOpen(dir string, o storage.CookieOptions) (*room, error) {
	r := &room{jar: cookiejar.New(cookiejar.Config{}), hsts: hsts.New(hsts.Config{}), log: &logs{}, dir: dir}
	cookies, err := storage.CookieKind(r.jar, o)
	if err != nil {
		return nil, err
	}
	r.reg = storage.NewRegistry(cookies, storage.HSTSKind(r.hsts))
	r.Store, err = storage.Open(storage.Config{
		Dir: dir, Registry: r.reg, Logger: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	return r, err
}

// set has host set a cookie that lasts a day.
func (r *room) set(t testing.TB, host, name, value string) {
	t.Helper()
	err := r.jar.Set(cookiejar.Details{
		URL: "https://" + host + "/", Name: name, Value: value, Expires: time.Now().Add(24 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// has is what the jar has: "host name=value", sorted as sent.
func (r *room) has() string {
	var b strings.Builder
	for _, c := range r.jar.Snapshot() {
		fmt.Fprintf(&b, "%s %s=%s\n", c.Domain, c.Name, c.Value)
	}
	return b.String()
}

func (r *room) flush(t testing.TB) {
	t.Helper()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *room) close(t testing.TB) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// logs are the warnings given.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func size(t testing.TB, dir string) int64 {
	t.Helper()
	info, err := os.Stat(storage.StateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// asides are the files set aside.
func asides(t testing.TB, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(storage.StateFile(dir) + ".damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	return list
}
