package session_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

const (
	fresh = "Cache-Control: max-age=600"
	aged  = "Cache-Control: max-age=0"
	etag  = `ETag: "1"`
)

// clock is what of a CacheInfo's words is of the time.
var clock = regexp.MustCompile(`; ttl=-?\d+`)

// wantCache makes one request and checks what the cache did, in the words of its Info, and
// that a server was asked unless it was a hit.
func wantCache(t *testing.T, w *web, s *session.Session, d door, c call, want string) answer {
	t.Helper()
	w.take()
	a := d.do(t.Context(), s, c)
	if got := clock.ReplaceAllString(a.cache, ""); a.err != nil || got != want {
		t.Errorf("%s: got %q, %v, want %q", d.name, got, a.err, want)
	}
	if asked := w.take(); (len(asked) == 0) != (want == "hit") {
		t.Errorf("%s: %q, and the servers saw %q", d.name, want, asked)
	}
	return a
}

// TestCacheModes: what each cache mode of Fetch does, and the load flags that stand for it
// for everybody else.
func TestCacheModes(t *testing.T) {
	const (
		miss      = "fwd=uri-miss; stored"
		hit       = "hit"
		renewed   = "fwd=stale; fwd-status=304; stored"
		validated = "fwd=request; fwd-status=304; stored"
		replaced  = "fwd=request; stored"
		past      = `fwd=bypass; detail="disabled"`
	)
	w := newWeb(t)
	pages := map[string]string{
		"none":  pageURL("https://a.test", fresh, etag, "X: 1"),
		"fresh": pageURL("https://a.test", fresh, etag),
		"stale": pageURL("https://a.test", aged, etag),
	}
	for _, tt := range []struct {
		mode  fetch.CacheMode
		flags exchange.LoadFlags
		want  map[string]string // by what is stored; "" is an error
	}{
		{fetch.CacheDefault, 0, map[string]string{"none": miss, "fresh": hit, "stale": renewed}},
		{fetch.CacheNoStore, exchange.DisableCache, map[string]string{"none": past, "fresh": past, "stale": past}},
		{fetch.CacheReload, exchange.BypassCache, map[string]string{"none": replaced, "fresh": replaced, "stale": replaced}},
		{fetch.CacheNoCache, exchange.ValidateCache, map[string]string{"none": miss, "fresh": validated, "stale": validated}},
		{fetch.CacheForceCache, exchange.SkipCacheValidation, map[string]string{"none": miss, "fresh": hit, "stale": hit}},
		{fetch.CacheOnlyIfCached, exchange.SkipCacheValidation | exchange.OnlyFromCache, map[string]string{"none": "", "fresh": hit, "stale": hit}},
	} {
		for _, d := range doors {
			t.Run(fmt.Sprintf("%d %s", tt.mode, d.name), func(t *testing.T) {
				s := newSession(t, w.cfg)
				for _, state := range []string{"fresh", "stale"} {
					wantCache(t, w, s, d, call{url: pages[state]}, miss)
				}
				for state, want := range tt.want {
					c := call{url: pages[state], mode: tt.mode}
					if d.name != "Fetch" {
						c = call{url: pages[state], flags: tt.flags}
					}
					if want == "" {
						if a := d.do(t.Context(), s, c); neterr.CodeOf(a.err) != neterr.CacheMiss {
							t.Errorf("%s: got %v, want %v", state, a.err, neterr.CacheMiss)
						}
						continue
					}
					a := wantCache(t, w, s, d, c, want)
					if a.status != 200 || a.body != string(page) {
						t.Errorf("%s: got status %d, %d bytes", state, a.status, len(a.body))
					}
					if want == hit && a.field("Age") == "" {
						t.Errorf("%s: a hit has no Age", state)
					}
				}
			})
		}
	}
}

// TestCacheDoors: what one door stores, the other gives out.
func TestCacheDoors(t *testing.T) {
	w := newWeb(t)
	for i, d := range doors {
		s := newSession(t, w.cfg)
		wantCache(t, w, s, d, call{url: pageURL("https://a.test", fresh)}, "fwd=uri-miss; stored")
		a := wantCache(t, w, s, doors[1-i], call{url: pageURL("https://a.test", fresh)}, "hit")
		if a.body != string(page) {
			t.Errorf("stored by %s: got %d bytes", d.name, len(a.body))
		}
	}
}

// TestCacheCookies: the Cookie field is there before the cache is asked, so that Vary sees
// it, and what a stored response set is not set again.
func TestCacheCookies(t *testing.T) {
	w := newWeb(t)
	url := pageURL("https://a.test", fresh, "Vary: Cookie", "Set-Cookie: id=1")
	for _, d := range doors {
		s := newSession(t, w.cfg)
		wantCache(t, w, s, d, call{url: url}, "fwd=uri-miss; stored")
		if got := cookies(s); len(got) != 1 {
			t.Errorf("%s: got the cookies %q, want one", d.name, got)
		}
		wantCache(t, w, s, d, call{url: url}, "fwd=vary-miss; stored")
		if a := wantCache(t, w, s, d, call{url: url}, "hit"); a.field("Set-Cookie") != "" {
			t.Errorf("%s: a hit has Set-Cookie", d.name)
		}
		s.Cookies().RemoveFunc(func(*cookiejar.Cookie) bool { return true })
		wantCache(t, w, s, d, call{url: url}, "hit")
		if got := cookies(s); len(got) != 0 {
			t.Errorf("%s: a hit set %q", d.name, got)
		}
	}
}

// TestCacheHSTS: a host that wants https gets it before the cache is asked.
func TestCacheHSTS(t *testing.T) {
	w := newWeb(t)
	url := pageURL("http://a.test", fresh)
	for _, d := range doors {
		s := newSession(t, w.cfg)
		wantCache(t, w, s, d, call{url: url}, "fwd=uri-miss; stored")
		if a := d.do(t.Context(), s, call{url: secured("https://a.test")}); a.err != nil {
			t.Fatal(a.err)
		}
		wantCache(t, w, s, d, call{url: url}, "fwd=uri-miss; stored")
		wantCache(t, w, s, d, call{url: url}, "hit")
		wantCache(t, w, s, d, call{url: strings.Replace(url, "http:", "https:", 1)}, "hit")
	}
}

// TestCacheCoded: bodies are stored as they came, and decoded for each who wants that.
func TestCacheCoded(t *testing.T) {
	w := newWeb(t)
	cfg := w.cfg
	cfg.CacheSize = 8 * (200 << 10) // an entry may have an eighth: the page coded, not the page
	coded := gzipped(page)
	url := pageURL("https://a.test", fresh, "Content-Encoding: gzip")
	for _, d := range doors {
		s := newSession(t, cfg)
		wantCache(t, w, s, d, call{url: pageURL("https://a.test", fresh)}, `fwd=uri-miss; detail="too large"`)
		for _, want := range []string{"fwd=uri-miss; stored", "hit"} {
			a := wantCache(t, w, s, d, call{url: url}, want)
			if a.body != string(page) {
				t.Errorf("%s, %s: got %d bytes, want them decoded", d.name, want, len(a.body))
			}
		}
		if n, err := s.CacheSize(t.Context()); err != nil || n < int64(len(coded)) || n > 200<<10 {
			t.Errorf("%s: the cache takes %d, %v, want a little more than %d", d.name, n, err, len(coded))
		}
		a := wantCache(t, w, s, doors[1], call{url: url, header: map[string]string{"Accept-Encoding": "gzip"}}, "hit")
		if a.body != string(coded) {
			t.Errorf("%s: who decodes for himself got %d bytes, want %d", d.name, len(a.body), len(coded))
		}
	}
}

// TestCacheRedirects: redirects are responses like others.
func TestCacheRedirects(t *testing.T) {
	w := newWeb(t)
	end := pageURL("https://b.test", fresh)
	for _, d := range doors {
		s := newSession(t, w.cfg)
		for _, tt := range []struct {
			name, url   string
			first, then int // requests
		}{
			{"permanent", via("https://a.test", end) + "&status=301", 2, 0},
			{"temporary", via("https://a.test", end), 1, 1},
			{"in a chain", via("https://www.a.test", via("https://a.test", end)+"&status=308") + "&status=308", 2, 0},
		} {
			for i, want := range []int{tt.first, tt.then} {
				w.take()
				a := d.do(t.Context(), s, call{url: tt.url})
				if got := w.take(); a.err != nil || a.body != string(page) || len(got) != want {
					t.Errorf("%s, %s, request %d: %d bytes, %v; the servers saw %q, want %d", d.name, tt.name, i, len(a.body), a.err, got, want)
				}
			}
		}
	}
}

// TestCacheRanges: a whole entry answers any range, and parts become a whole.
func TestCacheRanges(t *testing.T) {
	w := newWeb(t)
	total := strconv.Itoa(len(page))
	whole, pieces := pageURL("https://a.test", fresh, etag), pageURL("https://b.test", fresh, etag)
	for _, d := range doors {
		s := newSession(t, w.cfg)
		wantCache(t, w, s, d, call{url: whole}, "fwd=uri-miss; stored")
		for _, tt := range []struct {
			url, span, cache string
			from, to         int // of the page; none of it is status 416
		}{
			{whole, "10-19", "hit", 10, 20},
			{whole, "-8", "hit", len(page) - 8, len(page)},
			{whole, total + "-", "hit", 0, 0},
			{pieces, "0-99", "fwd=uri-miss; stored", 0, 100},
			{pieces, "0-99", "hit", 0, 100},
			{pieces, "50-149", "fwd=partial; fwd-status=206; stored", 50, 150},
			{pieces, "20-139", "hit", 20, 140},
		} {
			a := wantCache(t, w, s, d, call{url: tt.url, header: map[string]string{"Range": "bytes=" + tt.span}}, tt.cache)
			status, field := 206, fmt.Sprintf("bytes %d-%d/%s", tt.from, tt.to-1, total)
			if tt.from == tt.to {
				status, field = 416, "bytes */"+total
			}
			if a.status != status || a.body != string(page[tt.from:tt.to]) || a.field("Content-Range") != field {
				t.Errorf("%s, %s: got status %d, %d bytes, %q", d.name, tt.span, a.status, len(a.body), a.field("Content-Range"))
			}
		}
		for _, want := range []string{"fwd=partial; fwd-status=206; stored", "hit"} {
			if a := wantCache(t, w, s, d, call{url: pieces}, want); a.status != 200 || a.body != string(page) {
				t.Errorf("%s, all of it, %s: got status %d, %d bytes", d.name, want, a.status, len(a.body))
			}
		}
	}
}

// TestCacheResumes: of a body that nobody read to its end, the rest is asked for later.
func TestCacheResumes(t *testing.T) {
	w := newWeb(t)
	url := pageURL("https://a.test", fresh, etag)
	for _, d := range doors {
		s := newSession(t, w.cfg)
		resp, err := s.Client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if err := readPart(resp.Body, page[:100_000]); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if a := wantCache(t, w, s, d, call{url: url}, "fwd=partial; fwd-status=206; stored"); a.status != 200 || a.body != string(page) {
			t.Errorf("%s: got status %d, %d bytes", d.name, a.status, len(a.body))
		}
		wantCache(t, w, s, d, call{url: url}, "hit")
	}
}

// TestCacheShares: many who want the same at once have it from one answer.
func TestCacheShares(t *testing.T) {
	w := newWeb(t)
	s := newSession(t, w.cfg)
	parallel(16, func(i int) {
		if a := doors[i%2].do(t.Context(), s, call{url: pageURL("https://a.test", fresh)}); a.err != nil || a.body != string(page) {
			t.Errorf("got %d bytes, %v", len(a.body), a.err)
		}
	})
	if asked := w.take(); len(asked) != 1 {
		t.Errorf("the server saw %d requests, want 1", len(asked))
	}
}

// TestCacheNotInTurn: requests for what may not be stored wait for the first answer, which
// says so, and not one for the other.
func TestCacheNotInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		s := newSession(t, session.Config{Network: exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
			asked.Add(1)
			time.Sleep(time.Second)
			return &exchange.Response{
				Status: 200, Proto: "HTTP/1.1", Body: http.NoBody,
				Header: exchange.Fields{{Name: "Cache-Control", Value: "no-store"}},
			}, nil
		})})
		start := time.Now()
		parallel(16, func(i int) {
			if a := doors[i%2].do(t.Context(), s, call{url: "http://a.test/"}); a.err != nil {
				t.Error(a.err)
			}
		})
		if took := time.Since(start); took != 2*time.Second || asked.Load() != 16 {
			t.Errorf("%d requests took %v, want 16 in 2s", asked.Load(), took)
		}
	})
}

// TestCacheUntrusted: what came under a certificate that is not trusted is not stored, though
// somebody has let it through.
func TestCacheUntrusted(t *testing.T) {
	w := newWeb(t)
	url := pageURL("https://a.test", fresh)
	for _, d := range doors {
		cfg := trusting(nettest.NewCA())
		cfg.DNS.Rules = w.cfg.DNS.Rules
		s := newSession(t, cfg)
		s.SetCertificateErrorHandler((&clerk{accept: true}).decide)
		for range 2 {
			wantCache(t, w, s, d, call{url: url}, `fwd=uri-miss; detail="certificate"`)
		}
	}
}

// TestCacheRefreshEnds: a refresh behind ends with the session.
func TestCacheRefreshEnds(t *testing.T) {
	nettest.CheckGoroutines(t)
	refreshed := make(chan struct{}, 1)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 200 OK\r\nCache-Control: max-age=0, stale-while-revalidate=600\r\nContent-Length: 2\r\n\r\nok")
		c.ReadHead()
		refreshed <- struct{}{}
		c.WaitClose()
	})
	s, err := session.New(session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a := doors[0].do(t.Context(), s, call{url: srv.URL()}); a.err != nil || a.body != "ok" {
			t.Fatalf("got %q, %v", a.body, a.err)
		}
	}
	<-refreshed
	closeSession(t, s)
}

// TestCacheLog: a log tells what the cache did, in Chromium's words.
func TestCacheLog(t *testing.T) {
	w := newWeb(t)
	s := newSession(t, w.cfg)
	log := logOf(t, s, func() {
		for range 2 {
			doors[0].do(t.Context(), s, call{url: pageURL("https://a.test", fresh)})
		}
	})
	loadLog(t, []byte(log)).check(t, false)
	var got []string // reads and writes once, though they are many
	for _, e := range nettest.ReadNetLog(t, []byte(log)) {
		if name, ok := strings.CutPrefix(e.Name, "HTTP_CACHE_"); ok && e.Phase != "-" && (len(got) == 0 || got[len(got)-1] != name) {
			got = append(got, name)
		}
	}
	want := "CALLER_REQUEST_HEADERS GET_BACKEND OPEN_ENTRY WRITE_DATA WRITE_INFO CALLER_REQUEST_HEADERS GET_BACKEND OPEN_ENTRY READ_INFO READ_DATA"
	if strings.Join(got, " ") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, " "), want)
	}
}
