package cookiejar_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/origin"
)

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func receive(t testing.TB, jar *cookiejar.Jar, r *cookiejar.Request, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := jar.Receive(r, line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// filled returns a jar with 180 cookies of one domain, and a request for them all.
func filled(t testing.TB) (*cookiejar.Jar, *cookiejar.Request) {
	jar := cookiejar.New(cookiejar.Config{})
	r := &cookiejar.Request{URL: parse(t, "https://www.example.com/a/b")}
	for i := range 180 {
		receive(t, jar, r, fmt.Sprintf("name%d=value%d; Domain=example.com; Path=%s", i, i, []string{"/", "/a", "/a/b"}[i%3]))
	}
	return jar, r
}

func TestHeaderAllocations(t *testing.T) {
	jar, r := filled(t)
	receive(t, jar, &cookiejar.Request{URL: r.URL, SiteForCookies: origin.Site{Scheme: "https", Domain: "page.test"}, Key: pageKey},
		"partitioned=1; Secure; SameSite=None; Partitioned")
	framed := &cookiejar.Request{
		URL: r.URL, Key: pageKey,
		SiteForCookies: origin.Site{Scheme: "https", Domain: "page.test"},
		Initiator:      origin.Site{Scheme: "https", Domain: "page.test"},
	}
	if got := jar.Header(framed); got != "partitioned=1" {
		t.Fatalf("got %q", got)
	}
	buf := make([]byte, 0, 8<<10)
	for _, tt := range []struct {
		name string
		want float64
		f    func()
	}{
		{"append", 0, func() { buf = jar.AppendHeader(buf[:0], r) }},
		{"append framed", 0, func() { buf = jar.AppendHeader(buf[:0], framed) }},
		{"string", 1, func() { jar.Header(r) }},
		{"std", 3, func() { jar.Cookies(r.URL) }}, // the request, the cookies, the list
	} {
		if got := testing.AllocsPerRun(50, tt.f); got > tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.want)
		}
	}
	if n := strings.Count(jar.Header(r), "; ") + 1; n != 180 {
		t.Errorf("got %d cookies, want 180", n)
	}
}

var pageKey = origin.NewKey(origin.Site{Scheme: "https", Domain: "page.test"}, origin.Site{Scheme: "https", Domain: "example.com"})

// TestClient holds the whole way through http.Client, with a redirect that sets.
func TestClient(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path+": "+r.Header.Get("Cookie"))
		if r.URL.Path == "/sign-in" {
			w.Header()["Set-Cookie"] = []string{
				`id="a b"; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Priority=High`,
				"secure=1; Secure; Path=/",
				"past=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
				"later=1; Expires=Fri, 31-Dec-2999 00:00:00 GMT",
				"session=1; SameSite=Lax",
				"bad=1; SameSite=None",
				"bad=2; Domain=com",
			}
			http.Redirect(w, r, "/home", http.StatusFound)
		}
	}))
	defer server.Close()
	jar := cookiejar.New(cookiejar.Config{})
	client := &http.Client{Jar: jar}
	resp, err := client.Get(server.URL + "/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := []string{"/sign-in: ", `/home: id="a b"; secure=1; later=1; session=1`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c := jar.Get(cookiejar.Filter{Name: new("id")})
	if len(c) != 1 || !c[0].HTTPOnly || c[0].SameSite != cookiejar.Strict || c[0].Priority != cookiejar.High || c[0].IsSession() || c[0].Value != `"a b"` {
		t.Errorf("got %+v", c)
	}
	if jar.Cookies(&url.URL{}) != nil {
		t.Error("a URL without a host has cookies")
	}
}

// TestSetCookies holds what of an http.Cookie counts.
func TestSetCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := parse(t, "https://example.com/")
		tests := []struct {
			name string
			in   http.Cookie
			want string
		}{
			{"fields", http.Cookie{Name: "a", Value: "1", Path: "/x", Domain: "example.com", Secure: true}, "a=1 .example.com/x secure"},
			{"age", http.Cookie{Name: "a", Value: "1", MaxAge: 60, Expires: time.Now()}, "a=1 example.com/ until 2000-01-01T00:01:00"},
			{"expires", http.Cookie{Name: "a", Value: "1", Expires: time.Now().Add(time.Hour)}, "a=1 example.com/ until 2000-01-01T01:00:00"},
			{"deleted", http.Cookie{Name: "a", Value: "1", MaxAge: -1}, ""},
			{"none", http.Cookie{Name: "a", Value: "1", SameSite: http.SameSiteNoneMode, Secure: true}, "a=1 example.com/ secure no_restriction"},
			{"lax", http.Cookie{Name: "a", Value: "1", SameSite: http.SameSiteLaxMode}, "a=1 example.com/ lax"},
			{"default", http.Cookie{Name: "a", Value: "1", SameSite: http.SameSiteDefaultMode}, "a=1 example.com/"},
			{"priority", http.Cookie{Name: "a", Value: "1", Unparsed: []string{"x", "Priority = Low"}}, "a=1 example.com/ low"},
			{"injected value", http.Cookie{Name: "a", Value: "1; Domain=example.com"}, ""},
			{"injected name", http.Cookie{Name: "a\n", Value: "1"}, ""},
			{"injected path", http.Cookie{Name: "a", Value: "1", Path: "/;x"}, ""},
			{"large path", http.Cookie{Name: "a", Value: "1", Path: "/" + strings.Repeat("x", 1024)}, "a=1 example.com/"},
			{"large value", http.Cookie{Name: "a", Value: strings.Repeat("x", 4096)}, ""},
			{"nothing", http.Cookie{}, ""},
		}
		for _, tt := range tests {
			jar := cookiejar.New(cookiejar.Config{})
			jar.SetCookies(u, []*http.Cookie{&tt.in})
			var got strings.Builder
			for c := range jar.All(cookiejar.Filter{}) {
				got.WriteString(show(c))
			}
			if got.String() != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got.String(), tt.want)
			}
		}
	})
}

func TestRequestWithoutURL(t *testing.T) {
	jar := cookiejar.New(cookiejar.Config{Policy: cookiejar.BlockThirdParty})
	for _, r := range []*cookiejar.Request{
		{},
		{URL: &url.URL{Scheme: "https"}},
		{URL: &url.URL{Scheme: "https", Host: strings.Repeat("a.", 1<<20)}},
		{URL: &url.URL{Scheme: "https", Host: "a b"}},
	} {
		if err := jar.Receive(r, "a=b"); !errors.Is(err, cookiejar.ReasonInvalidDomain) {
			t.Errorf("got %v", err)
		}
		if got := jar.Header(r); got != "" {
			t.Errorf("got %q", got)
		}
	}
	if cookiejar.BlockThirdParty(&cookiejar.Request{SiteForCookies: origin.Site{Scheme: "https", Domain: "a"}}) != cookiejar.Allow {
		t.Error("a request without a URL is blocked")
	}
}

func TestAllStops(t *testing.T) {
	jar, _ := filled(t)
	n := 0
	for range jar.All(cookiejar.Filter{}) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("got %d cookies, want 2", n)
	}
}

func TestSetBadURL(t *testing.T) {
	err := cookiejar.New(cookiejar.Config{}).Set(cookiejar.Details{URL: "https://a.test:x/", Name: "a", Value: "1"})
	if !errors.Is(err, cookiejar.ReasonInvalidDomain) {
		t.Errorf("got %v, want %v", err, cookiejar.ReasonInvalidDomain)
	}
}

func TestSnapshotKeepsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar, r := filled(t)
		receive(t, jar, &cookiejar.Request{URL: r.URL, Key: pageKey, SiteForCookies: pageKey.Top()},
			"__Host-p=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=100; Priority=Low")
		receive(t, jar, &cookiejar.Request{URL: parse(t, "http://localhost:8080/")}, "s=1; Secure")
		time.Sleep(time.Minute)
		jar.Header(r) // the cookies are used a minute after they were made
		want := jar.Snapshot()
		other := cookiejar.New(cookiejar.Config{})
		if left := other.Restore(want); left != 0 {
			t.Errorf("%d are left out", left)
		}
		if got := other.Snapshot(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got, want := other.Header(r), jar.Header(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if left := other.Restore(want); left != len(want) {
			t.Errorf("twice: %d are left out, want %d", left, len(want))
		}
		last := want[len(want)-1]
		if last.SourceScheme != cookiejar.SourceSecure || last.SourcePort != 8080 || !want[0].Accessed.After(want[0].Created) {
			t.Errorf("got %+v and %+v", last, want[0])
		}
	})
}

func TestRestoreRefuses(t *testing.T) {
	now := time.Now()
	good := cookiejar.Cookie{Name: "a", Value: "1", Domain: "example.com", Path: "/", Created: now, Accessed: now}
	tests := []struct {
		name   string
		change func(*cookiejar.Cookie)
	}{
		{"no domain", func(c *cookiejar.Cookie) { c.Domain = "" }},
		{"dot", func(c *cookiejar.Cookie) { c.Domain = ".example.com" }},
		{"upper case", func(c *cookiejar.Cookie) { c.Domain = "Example.com" }},
		{"long domain", func(c *cookiejar.Cookie) { c.Domain = strings.Repeat("a.", 200) }},
		{"no path", func(c *cookiejar.Cookie) { c.Path = "" }},
		{"relative path", func(c *cookiejar.Cookie) { c.Path = "x" }},
		{"control in path", func(c *cookiejar.Cookie) { c.Path = "/\n" }},
		{"control in name", func(c *cookiejar.Cookie) { c.Name = "a\r\n" }},
		{"tab in value", func(c *cookiejar.Cookie) { c.Value = "a\tb" }},
		{"too large", func(c *cookiejar.Cookie) { c.Value = strings.Repeat("x", 4096) }},
		{"nothing", func(c *cookiejar.Cookie) { c.Name, c.Value = "", "" }},
		{"expired", func(c *cookiejar.Cookie) { c.Expires = now.Add(-time.Second) }},
		{"prefix", func(c *cookiejar.Cookie) { c.Name = "__Host-a" }},
		{"SameSite", func(c *cookiejar.Cookie) { c.SameSite = 9 }},
		{"priority", func(c *cookiejar.Cookie) { c.Priority = 9 }},
	}
	for _, tt := range tests {
		c := good
		tt.change(&c)
		jar := cookiejar.New(cookiejar.Config{})
		if left := jar.Restore([]cookiejar.Cookie{c, good}); left != 1 || jar.Len() != 1 {
			t.Errorf("%s: %d left out, %d stored", tt.name, left, jar.Len())
		}
	}
	// What is only improbable is put right.
	odd := good
	odd.Created, odd.Accessed, odd.Expires = now.Add(time.Hour), now.Add(2*time.Hour), now.Add(1e5*time.Hour)
	older := good
	older.Value, older.Created = "older", now.Add(-time.Hour)
	jar := cookiejar.New(cookiejar.Config{})
	if left := jar.Restore([]cookiejar.Cookie{older, odd}); left != 1 {
		t.Errorf("%d left out, want the older of two", left)
	}
	c := jar.Snapshot()[0]
	if c.Value != "1" || c.Created.After(time.Now()) || !c.Accessed.Equal(c.Created) || c.Expires.After(time.Now().Add(401*24*time.Hour)) {
		t.Errorf("got %+v", c)
	}
	// A store with more than fits is cut down.
	var many []cookiejar.Cookie
	for i := range 300 {
		c := good
		c.Name = fmt.Sprint(i)
		many = append(many, c)
	}
	jar = cookiejar.New(cookiejar.Config{})
	if left := jar.Restore(many); left != 0 || jar.Len() != 150 {
		t.Errorf("%d left out, %d stored; want 0, 150", left, jar.Len())
	}
}

func TestChangedMayUseTheJar(t *testing.T) {
	jar := cookiejar.New(cookiejar.Config{})
	r := &cookiejar.Request{URL: parse(t, "https://a.test/")}
	var got []string
	stop := jar.Changed(func(c cookiejar.Change) {
		got = append(got, c.Cause.String()+" "+c.Cookie.Name)
		if c.Cookie.Name == "a" && !c.Removed() {
			receive(t, jar, r, "b=1")
			jar.Remove(r.URL, "a")
		}
	})
	receive(t, jar, r, "a=1")
	stop()
	stop()
	receive(t, jar, r, "c=1")
	if want := []string{"inserted a", "inserted b", "explicit a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChangedPanics(t *testing.T) {
	jar := cookiejar.New(cookiejar.Config{})
	r := &cookiejar.Request{URL: parse(t, "https://a.test/")}
	stop := jar.Changed(func(cookiejar.Change) { panic("listener") })
	func() {
		defer func() { _ = recover() }()
		_ = jar.Receive(r, "a=1")
	}()
	stop()
	told := 0
	defer jar.Changed(func(cookiejar.Change) { told++ })()
	receive(t, jar, r, "b=1")
	if told != 1 {
		t.Errorf("told of %d changes after a panic, want 1", told)
	}
}

// TestConcurrentUse lets readers, writers and listeners meet; changes must add up.
func TestConcurrentUse(t *testing.T) {
	jar := cookiejar.New(cookiejar.Config{})
	balance := 0 // listeners are called one at a time
	stop := jar.Changed(func(c cookiejar.Change) {
		if c.Removed() {
			balance--
		} else {
			balance++
		}
	})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := &cookiejar.Request{URL: parse(t, fmt.Sprintf("https://h%d.test/", g%2))}
			for i := range 300 {
				_ = jar.Receive(r, fmt.Sprintf("c%d=%d; Max-Age=%d", i%200, i, i%3))
				jar.Header(r)
				if i%50 == 0 {
					jar.RemoveFunc(func(c *cookiejar.Cookie) bool { return c.Name == "c1" })
					jar.Snapshot()
				}
			}
		})
	}
	wg.Wait()
	receive(t, jar, &cookiejar.Request{URL: parse(t, "https://last.test/")}, "last=1")
	if balance != jar.Len() {
		t.Errorf("changes add up to %d cookies, there are %d", balance, jar.Len())
	}
	stop()
}
