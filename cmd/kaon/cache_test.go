package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	netorigin "github.com/kaon-net/kaon/net/origin"
)

func TestCache(t *testing.T) {
	dir := t.TempDir()
	fillCache(t, dir)
	site := "https://a.test/"
	spaces := regexp.MustCompile(" +")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		out    []string // what is printed, in any order
		err    string
	}{
		{"ls", []string{"ls", dir}, statusOK, []string{" 1m0s 200 https://a.test/\n", " 404, cut off https://a.test/gone\n", " variants https://a.test/v\n", " 200 https://a.test/v variant 7 for https://b.test https://b.test\n", "/ctl?\n"}, ""},
		{"stat", []string{"stat", dir}, statusOK, []string{"entries 5\n", "used "}, ""},
		{"get", []string{"get", dir, site}, statusOK, []string{"hello hello "}, ""},
		{"get with head", []string{"get", "-v", dir, site}, statusOK, []string{"hello"}, "HTTP/1.1 200 OK\nContent-Type: text/plain\n\n"},
		{"get variant", []string{"get", dir, site + "v"}, statusOK, []string{"variant"}, ""},
		{"get a part", []string{"get", dir, site + "gone"}, statusFailed, []string{"part"}, "only the first 4 bytes"},
		{"get nothing", []string{"get", dir, site + "none"}, statusFailed, nil, "nothing is stored for this URL"},
		{"verify", []string{"verify", dir}, statusOK, []string{"5 entries, all well\n"}, ""},
		{"rm", []string{"rm", dir, site + "v"}, statusOK, []string{"2 deleted\n"}, ""},
		{"rm again", []string{"rm", dir, site + "v"}, statusFailed, nil, "nothing is stored for this URL"},
		{"no store", []string{"ls", filepath.Join(dir, "none")}, statusFailed, nil, "ERR_FILE_NOT_FOUND"},
		{"no command", nil, statusUsage, nil, "no command given"},
		{"unknown", []string{"mv", dir}, statusUsage, nil, `no command "mv"`},
		{"no directory", []string{"ls"}, statusUsage, nil, "ls takes DIR"},
		{"no URL", []string{"get", dir}, statusUsage, nil, "get takes DIR and URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := kaon(t, "", append([]string{"cache"}, c.args...)...)
			if r.status != c.status || !strings.Contains(r.err, c.err) {
				t.Errorf("got status %d and %q, want %d and %q", r.status, r.err, c.status, c.err)
			}
			out := spaces.ReplaceAllString(r.out, " ")
			for _, want := range c.out {
				if !strings.Contains(out, want) {
					t.Errorf("got %.500q, want %q in it", out, want)
				}
			}
		})
	}
}

// TestCacheDamaged flips a byte of a body.
func TestCacheDamaged(t *testing.T) {
	dir := t.TempDir()
	fillCache(t, dir)
	bodies, err := filepath.Glob(filepath.Join(dir, "bodies.kaon", "*"))
	if err != nil || len(bodies) != 1 {
		t.Fatalf("got %v, %v; want one body file", bodies, err)
	}
	b, err := os.ReadFile(bodies[0])
	if err != nil {
		t.Fatal(err)
	}
	b[100_000] ^= 1
	if err := os.WriteFile(bodies[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	r := kaon(t, "", "cache", "verify", dir)
	if r.status != statusFailed || !strings.Contains(r.out, "https://a.test/: net::ERR_CACHE_CHECKSUM_MISMATCH") || !strings.Contains(r.err, "1 of 5 entries were damaged") {
		t.Errorf("got %+v", r)
	}
	if r = kaon(t, "", "cache", "verify", dir); r.status != statusOK || r.out != "4 entries, all well\n" {
		t.Errorf("again: got %+v", r)
	}
}

// fillCache makes a store with five entries.
func fillCache(t *testing.T, dir string) {
	t.Helper()
	s, err := disk.Open(disk.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	b := netorigin.Site{Scheme: "https", Domain: "b.test"}
	put := func(key store.Key, h store.Head, body string) {
		t.Helper()
		h.Proto, h.ResponseTime = "HTTP/1.1", time.Now().Add(-time.Minute)
		h.Length = int64(len(body))
		h.Header = exchange.FieldsOf("Content-Type", "text/plain")
		e, err := s.Create(context.Background(), &key)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		e.SetHead(&h)
		if _, err := e.WriteAt([]byte(body), 0); err != nil {
			t.Fatal(err)
		}
		if err := e.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	put(store.Key{URL: "https://a.test/"}, store.Head{Status: 200, StatusText: "OK"}, strings.Repeat("hello ", 20_000))
	put(store.Key{URL: "https://a.test/gone"}, store.Head{Status: 404, State: store.Truncated}, "part")
	put(store.Key{URL: "https://a.test/v"}, store.Head{State: store.Variants}, "")
	put(store.Key{URL: "https://a.test/v", Variant: 7, Partition: netorigin.NewKey(b, b)}, store.Head{Status: 200}, "variant")
	put(store.Key{URL: "https://a.test/ctl\x1b"}, store.Head{Status: 200}, "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
