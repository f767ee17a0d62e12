package fetch_test

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/profile"
)

// stateful returns a jar that has cookies for a.test and a store that has b.test.
func stateful(t testing.TB) (*cookiejar.Jar, *hsts.Store) {
	t.Helper()
	jar, store := cookiejar.New(cookiejar.Config{}), hsts.New(hsts.Config{})
	for i := range 3 {
		if err := jar.Receive(&cookiejar.Request{URL: mustParse("https://a.test/")}, fmt.Sprintf("c%d=%d", i, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Receive(mustParse("https://b.test/"), "max-age=60"); err != nil {
		t.Fatal(err)
	}
	return jar, store
}

// TestCookiePlace: Cookie stands where the profile has it.
func TestCookiePlace(t *testing.T) {
	jar, _ := stateful(t)
	go126 := profile.Go()
	for _, tt := range []struct {
		name    string
		profile *profile.Profile
		before  string // the field before it
		last    bool
	}{
		{"Chromium", profile.Chromium156(), "Range", true},
		{"Go", go126, "X", false},
	} {
		s := &server{}
		f := fetch.New(fetch.Config{Next: s, Profile: tt.profile, Cookies: jar})
		resp, err := f.Fetch(t.Context(), "https://a.test/", &fetch.Init{Header: exchange.FieldsOf("Connection", "close", "X", "y", "Range", "bytes=0-")})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		h := s.hops[0].Header
		at := slices.IndexFunc(h, func(f exchange.Field) bool { return f.Name == "Cookie" })
		if at < 1 || h[at].Value != "c0=0; c1=1; c2=2" || h[at-1].Name != tt.before || (at == len(h)-1) != tt.last || !s.hops[0].Close || h.Has("Connection") {
			t.Errorf("%s: got %v", tt.name, h)
		}
	}
}

// TestOddPath: a path that net/url cannot write has its cookies, too.
func TestOddPath(t *testing.T) {
	jar := cookiejar.New(cookiejar.Config{})
	s := &server{answer: func(int, *exchange.Request) *exchange.Response {
		return &exchange.Response{Status: 200, Header: exchange.FieldsOf("set-cookie", "a=1")}
	}}
	f := fetch.New(fetch.Config{Next: s, Cookies: jar})
	for range 2 {
		resp, err := f.Fetch(t.Context(), "https://a.test/%zz|/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if got := jar.Snapshot(); len(got) != 1 || got[0].Path != "/%zz|" || s.hops[1].Header.Get("Cookie") != "a=1" {
		t.Errorf("got %v, sent %q", got, s.hops[1].Header.Get("Cookie"))
	}
}

// TestCacheHit: what is taken from the cache was said long ago.
func TestCacheHit(t *testing.T) {
	for _, tt := range []struct {
		info exchange.CacheInfo
		want int
	}{
		{exchange.CacheInfo{}, 1},
		{exchange.CacheInfo{Hit: true}, 0},
		{exchange.CacheInfo{Hit: true, Forward: exchange.ForwardStale}, 1},
	} {
		jar := cookiejar.New(cookiejar.Config{})
		s := &server{answer: func(int, *exchange.Request) *exchange.Response {
			return &exchange.Response{Status: 200, Header: exchange.FieldsOf("Set-Cookie", "a=1"), Info: exchange.Info{Cache: tt.info}}
		}}
		resp, err := fetch.New(fetch.Config{Next: s, Cookies: jar}).Fetch(t.Context(), "https://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if jar.Len() != tt.want {
			t.Errorf("%+v: got %d cookies, want %d", tt.info, jar.Len(), tt.want)
		}
	}
}

// TestStateAllocs: cookies and HSTS cost a request nothing that has neither; a Cookie
// field costs its string.
func TestStateAllocs(t *testing.T) {
	jar, store := stateful(t)
	for _, tt := range []struct {
		name string
		cfg  fetch.Config
		url  string
		want float64
	}{
		{"empty", fetch.Config{Cookies: cookiejar.New(cookiejar.Config{}), HSTS: hsts.New(hsts.Config{})}, "http://c.test/", 0},
		{"other hosts'", fetch.Config{Cookies: jar, HSTS: store}, "http://c.test/", 0},
		{"cookies", fetch.Config{Cookies: jar, HSTS: store}, "http://a.test/", 1},
	} {
		answer := &exchange.Response{Status: 200, Header: exchange.FieldsOf("Date", "x", "Server", "y"), Body: io.NopCloser(strings.NewReader(""))}
		tt.cfg.Next = exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) { return answer, nil })
		f := fetch.New(tt.cfg)
		u, ctx := mustParse(tt.url), t.Context()
		var req exchange.Request
		var fields [8]exchange.Field
		got := testing.AllocsPerRun(100, func() {
			req = exchange.Request{URL: u, Header: fields[:0]}
			if _, err := f.RoundTrip(ctx, &req); err != nil {
				t.Fatal(err)
			}
		})
		if got > tt.want {
			t.Errorf("%s: got %v allocations, want %v", tt.name, got, tt.want)
		}
	}
}

func BenchmarkState(b *testing.B) {
	jar, store := stateful(b)
	answer := &exchange.Response{Status: 200, Body: io.NopCloser(strings.NewReader(""))}
	next := exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) { return answer, nil })
	for _, bb := range []struct {
		name string
		cfg  fetch.Config
		url  *url.URL
	}{
		{"without", fetch.Config{}, mustParse("http://c.test/")},
		{"empty", fetch.Config{Cookies: cookiejar.New(cookiejar.Config{}), HSTS: hsts.New(hsts.Config{})}, mustParse("http://c.test/")},
		{"others", fetch.Config{Cookies: jar, HSTS: store}, mustParse("http://c.test/")},
		{"cookies", fetch.Config{Cookies: jar, HSTS: store}, mustParse("http://a.test/")},
	} {
		b.Run("state="+bb.name, func(b *testing.B) {
			b.ReportAllocs()
			bb.cfg.Next = next
			f := fetch.New(bb.cfg)
			var req exchange.Request
			var fields [8]exchange.Field
			for b.Loop() {
				req = exchange.Request{URL: bb.url, Header: fields[:0]}
				if _, err := f.RoundTrip(context.Background(), &req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
