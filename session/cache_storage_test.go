package session_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/session/storage"
)

// cacheSize is what the session's cache takes.
func cacheSize(t *testing.T, s *session.Session) int64 {
	t.Helper()
	n, err := s.CacheSize(t.Context())
	if err != nil {
		t.Error(err)
	}
	return n
}

// isCached reports whether the session has a response to url stored.
func isCached(t *testing.T, s *session.Session, url string) bool {
	t.Helper()
	a := doors[0].do(t.Context(), s, call{url: url, flags: exchange.SkipCacheValidation | exchange.OnlyFromCache})
	if a.err != nil && neterr.CodeOf(a.err) != neterr.CacheMiss {
		t.Errorf("%s: %v", url, a.err)
	}
	return a.err == nil
}

// places are where a session's cache may be.
func places(t *testing.T, cfg session.Config) map[string]session.Config {
	onDisk := cfg
	onDisk.Path = t.TempDir()
	return map[string]session.Config{"memory": cfg, "disk": onDisk}
}

// TestClearCache: what is cleared is not found again, though who reads it reads on, be it
// from the cache or from the network.
func TestClearCache(t *testing.T) {
	w := newWeb(t)
	stored := pageURL("https://a.test", fresh)
	for name, cfg := range places(t, w.cfg) {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, cfg)
			if n := cacheSize(t, s); n != 0 {
				t.Errorf("a new cache takes %d bytes", n)
			}
			wantCache(t, w, s, doors[0], call{url: stored}, "fwd=uri-miss; stored")
			if n := cacheSize(t, s); n < int64(len(page)) {
				t.Errorf("the cache takes %d bytes, and has a page of %d", n, len(page))
			}
			half, rest := make(chan struct{}), make(chan struct{})
			coming := nettest.NewServer(t, func(c *nettest.Conn) {
				for {
					if _, err := c.ReadHead(); err != nil {
						return
					}
					c.Print("HTTP/1.1 200 OK\r\n" + fresh + "\r\nContent-Length: 9\r\n\r\nhalf")
					half <- struct{}{}
					<-rest
					c.Print(" rest")
				}
			})
			reading, err := s.Fetch(t.Context(), stored, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer reading.Body.Close()
			if err := readPart(reading.Body, page[:10]); err != nil {
				t.Fatal(err)
			}
			answers := make(chan answer, 1)
			go func() { answers <- doors[1].do(t.Context(), s, call{url: coming.URL()}) }()
			<-half
			if err := s.ClearCache(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := cacheSize(t, s); n != 0 || isCached(t, s, stored) {
				t.Errorf("after ClearCache it takes %d bytes, has the page: %t", n, isCached(t, s, stored))
			}
			if b, err := io.ReadAll(reading.Body); err != nil || !bytes.Equal(b, page[10:]) {
				t.Errorf("who was reading got %d bytes more, %v", len(b), err)
			}
			close(rest)
			if a := <-answers; a.err != nil || a.body != "half rest" {
				t.Errorf("what was coming: got %q, %v", a.body, a.err)
			}
			if isCached(t, s, coming.URL()) {
				t.Error("what was coming when the cache was cleared was stored")
			}
			wantCache(t, w, s, doors[0], call{url: stored}, "fwd=uri-miss; stored")
		})
	}
}

func TestClearDataCache(t *testing.T) {
	w := newWeb(t)
	cache := []storage.DataType{storage.Cache}
	clear := func(o *storage.ClearDataOptions) func(*session.Session) error {
		return func(s *session.Session) error { return s.ClearData(t.Context(), o) }
	}
	for place, cfg := range places(t, w.cfg) {
		s := newSession(t, cfg)
		for _, tt := range []struct {
			name  string
			clear func(*session.Session) error
			left  string
		}{
			{"all", clear(nil), ""},
			{"cache", clear(&storage.ClearDataOptions{DataTypes: cache}), ""},
			{"of an origin", clear(&storage.ClearDataOptions{DataTypes: cache, Origins: []string{"https://a.test"}}), "https://www.a.test http://a.test https://b.test"},
			{"of two", clear(&storage.ClearDataOptions{DataTypes: cache, Origins: []string{"https://b.test", "http://a.test"}}), "https://a.test https://www.a.test"},
			{"of all but one", clear(&storage.ClearDataOptions{DataTypes: cache, ExcludeOrigins: []string{"https://a.test"}}), "https://a.test"},
			{"of none", clear(&storage.ClearDataOptions{DataTypes: cache, Origins: []string{}}), "https://a.test https://www.a.test http://a.test https://b.test"},
			{"other data", clear(&storage.ClearDataOptions{DataTypes: []storage.DataType{storage.Cookies}}), "https://a.test https://www.a.test http://a.test https://b.test"},
			{"ClearStorageData", func(s *session.Session) error { return s.ClearStorageData(t.Context(), nil) }, "https://a.test https://www.a.test http://a.test https://b.test"},
			{"ClearCache", func(s *session.Session) error { return s.ClearCache(t.Context()) }, ""},
		} {
			all := []string{"https://a.test", "https://www.a.test", "http://a.test", "https://b.test"}
			for _, at := range all {
				if a := doors[0].do(t.Context(), s, call{url: pageURL(at, fresh)}); a.err != nil {
					t.Fatal(a.err)
				}
			}
			if err := tt.clear(s); err != nil {
				t.Errorf("%s, %s: %v", place, tt.name, err)
			}
			var left []string
			for _, at := range all {
				if isCached(t, s, pageURL(at, fresh)) {
					left = append(left, at)
				}
			}
			if got := strings.Join(left, " "); got != tt.left {
				t.Errorf("%s, %s: got %q left, want %q", place, tt.name, got, tt.left)
			}
		}
	}
}

// TestCacheLasts: a session with a Path keeps its cache in it.
func TestCacheLasts(t *testing.T) {
	w := newWeb(t)
	dir, url := t.TempDir(), pageURL("https://a.test", fresh)
	for _, want := range []string{"fwd=uri-miss; stored", "hit", "hit"} {
		s := newKeeper(t, dir, w.cfg)
		if a := wantCache(t, w, s, doors[1], call{url: url}, want); a.body != string(page) {
			t.Errorf("got %d bytes", len(a.body))
		}
		closeSession(t, s)
	}
	folder := filepath.Join(dir, storage.CacheDir)
	if _, err := os.Stat(folder); err != nil {
		t.Error(err)
	}
	s := newKeeper(t, dir, w.cfg)
	if err := s.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the cache's folder after Delete: %v", err)
	}
}

func TestDisableCache(t *testing.T) {
	w := newWeb(t)
	for place, cfg := range places(t, straight(w.cfg)) {
		s := newSession(t, cfg)
		for _, d := range doors {
			for range 2 {
				wantCache(t, w, s, d, call{url: pageURL("https://a.test", fresh)}, "")
			}
		}
		if err := s.ClearCache(t.Context()); err != nil || cacheSize(t, s) != 0 {
			t.Errorf("%s: ClearCache: %v, CacheSize: %d", place, err, cacheSize(t, s))
		}
		if err := s.ClearData(t.Context(), nil); err != nil {
			t.Errorf("%s: ClearData: %v", place, err)
		}
		if _, err := os.Stat(filepath.Join(cfg.Path, storage.CacheDir)); cfg.Path != "" && !os.IsNotExist(err) {
			t.Errorf("%s: there is a folder: %v", place, err)
		}
	}
}

// TestCacheStore: sessions may share a store, which is the program's.
func TestCacheStore(t *testing.T) {
	w := newWeb(t)
	cfg, url := w.cfg, pageURL("https://a.test", fresh)
	shared := mem.New(mem.Config{})
	defer shared.Close()
	cfg.CacheStore = shared
	cfg.Path = t.TempDir()
	first := newKeeper(t, cfg.Path, cfg)
	wantCache(t, w, first, doors[0], call{url: url}, "fwd=uri-miss; stored")
	if _, err := os.Stat(filepath.Join(cfg.Path, storage.CacheDir)); !os.IsNotExist(err) {
		t.Errorf("there is a folder all the same: %v", err)
	}
	closeSession(t, first)
	cfg.Path = ""
	second, third := newSession(t, cfg), newSession(t, cfg)
	wantCache(t, w, second, doors[1], call{url: url}, "hit")
	closeSession(t, second)
	if n := cacheSize(t, third); n < int64(len(page)) {
		t.Errorf("the third session's cache takes %d bytes", n)
	}
	wantCache(t, w, third, doors[0], call{url: url}, "hit")
}

// TestCacheCannotOpen: where no cache can be, everything else is.
func TestCacheCannotOpen(t *testing.T) {
	w := newWeb(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, storage.CacheDir), []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cfg := w.cfg
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	for range 2 {
		log.Reset()
		s := newKeeper(t, dir, cfg)
		wantCache(t, w, s, doors[0], call{url: pageURL("https://a.test", fresh)}, "")
		if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "HTTP cache") || strings.Count(got, "\n") != 1 {
			t.Errorf("logged %q, want one warning of the cache", got)
		}
		if err := s.ClearCache(t.Context()); err != nil || cacheSize(t, s) != 0 {
			t.Errorf("ClearCache: %v, CacheSize: %d", err, cacheSize(t, s))
		}
		keep(t, s, "kept", "1")
		closeSession(t, s)
	}
	s := newKeeper(t, dir, cfg)
	defer closeSession(t, s)
	if got := cookies(s); len(got) != 1 {
		t.Errorf("got the cookies %q, want what was kept", got)
	}
}
