package session_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// TestCookies: both doors send the same cookies, on every hop of a chain.
func TestCookies(t *testing.T) {
	w := newWeb(t)
	const a, b, plainA = "https://a.test", "https://b.test", "http://a.test"
	fill := []string{
		set(a, "none=1; SameSite=None; Secure", "lax=1; SameSite=Lax", "strict=1; SameSite=Strict", "unsaid=1"),
		set("https://www.a.test", "domain=1; Domain=a.test; Path=/deep", "host=1"),
		set(b, "b=1"),
	}
	const all, none = "none=1; lax=1; strict=1; unsaid=1", "none=1"
	tests := []struct {
		name string
		url  string
		want []string // of each hop: host and cookies
	}{
		{"at once", a, []string{"a.test: " + all}},
		{"path and domain", a + "/deep/er", []string{"a.test: domain=1; " + all}},
		{"sub-domain", "https://www.a.test/deep", []string{"www.a.test: domain=1; host=1"}},
		{"unencrypted", plainA, []string{"a.test: lax=1; strict=1; unsaid=1"}},
		{"from another site", via(b, a+"/"), []string{"b.test: b=1", "a.test: " + none}},
		{"within the site", via("https://www.a.test", a+"/"), []string{"www.a.test: host=1", "a.test: " + all}},
		{"there and back", via(a, via(b, a+"/")), []string{"a.test: " + all, "b.test: ", "a.test: " + all}},
		{"from http to https", via(plainA, a+"/"), []string{"a.test: lax=1; strict=1; unsaid=1", "a.test: " + none}},
		{"set on the way", via(b, a+"/", "way=1; Path=/go"), []string{"b.test: b=1", "a.test: " + none}},
		{"set on the way, sent on it", via(a, "/go?to=/", "way=1; Path=/go"), []string{"a.test: " + all, "a.test: way=1; " + all, "a.test: " + all}},
	}
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			s := newSession(t, w.cfg)
			for _, u := range fill {
				if x := d.do(t.Context(), s, call{url: u}); x.err != nil {
					t.Fatal(x.err)
				}
			}
			w.take()
			for _, tt := range tests {
				x := d.do(t.Context(), s, call{url: tt.url})
				var got []string
				for _, line := range w.take() {
					at, cookies, _ := strings.Cut(line, ": ")
					u, _ := url.Parse(at)
					got = append(got, u.Host+": "+cookies)
				}
				if x.err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("%s: %v\n got %q\nwant %q", tt.name, x.err, got, tt.want)
				}
				s.Cookies().Remove(mustURL(t, "https://a.test/go"), "way")
				s.Cookies().Remove(mustURL(t, "https://b.test/go"), "way")
			}
			s.CloseAllConnections()
		})
	}
}

// TestCookieField: what the caller wrote is what the server sees, once.
func TestCookieField(t *testing.T) {
	w := newWeb(t)
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			s := newSession(t, w.cfg)
			ask := func(u string) []string {
				t.Helper()
				w.take()
				if x := d.do(t.Context(), s, call{url: u, header: map[string]string{"cookie": "mine=1"}}); x.err != nil {
					t.Fatal(x.err)
				}
				return w.take()
			}
			ask(set("https://a.test", "jar=1", "none=1; SameSite=None; Secure"))
			if s.Cookies().Len() != 2 {
				t.Errorf("got %d cookies stored, want 2", s.Cookies().Len())
			}
			for _, tt := range []struct {
				url  string
				want []string
			}{
				{"https://a.test/x", []string{"https://a.test/x: mine=1"}},
				{via("https://a.test", "/x"), []string{"https://a.test/go: mine=1", "https://a.test/x: mine=1"}},
				{via("https://b.test", "https://a.test/x"), []string{"https://b.test/go: mine=1", "https://a.test/x: none=1"}},
			} {
				if got := ask(tt.url); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// TestClientJar: a Jar that the program gives http.Client comes first.
func TestClientJar(t *testing.T) {
	w := newWeb(t)
	s := newSession(t, w.cfg)
	client := s.Client()
	jar := cookiejar.New(cookiejar.Config{})
	client.Jar = jar
	for _, u := range []string{set("https://a.test", "a=1"), "https://a.test/x"} {
		resp, err := client.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if got, want := w.take()[1], "https://a.test/x: a=1"; got != want || jar.Len() != 1 || s.Cookies().Len() != 1 {
		t.Errorf("got %q with %d and %d cookies, want %q, and one in each jar", got, jar.Len(), s.Cookies().Len(), want)
	}

	// And the jar serves any transport.
	for name, rt := range map[string]http.RoundTripper{"kaon": newSession(t, w.cfg).RoundTripper(), "net/http": w.https.Client().Transport} {
		if name == "net/http" {
			tr := rt.(*http.Transport).Clone()
			tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, w.https.Listener.Addr().String())
			}
			tr.TLSClientConfig.InsecureSkipVerify = true
			rt = tr
		}
		jar := cookiejar.New(cookiejar.Config{})
		client := &http.Client{Jar: jar, Transport: rt}
		for _, u := range []string{set("https://a.test", "a=1; Domain=a.test", "b=1; SameSite=Strict"), "https://www.a.test/x", via("https://a.test", "/y")} {
			resp, err := client.Get(u)
			if err != nil {
				t.Fatal(name, err)
			}
			resp.Body.Close()
		}
		want := []string{"https://a.test/set: ", "https://www.a.test/x: a=1", "https://a.test/go: a=1; b=1", "https://a.test/y: a=1; b=1"}
		if got := w.take(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		client.CloseIdleConnections()
	}
}

// TestCookieOptions holds what keeps cookies from a request and a response from the jar.
func TestCookieOptions(t *testing.T) {
	w := newWeb(t)
	a, b := origin.Of(mustURL(t, "https://a.test/")), origin.Of(mustURL(t, "https://b.test/"))
	framed := func(top, frame origin.Origin) origin.Key { return origin.NewKey(top.Site(), frame.Site()) }
	plain := func(init fetch.Init, policy func(*cookiejar.Request) cookiejar.Verdict) string {
		t.Helper()
		cfg := w.cfg
		cfg.Cookies.Policy = policy
		s := newSession(t, cfg)
		before := cookiejar.New(cookiejar.Config{}) // which nothing is blocked in
		for _, c := range []string{"none=1; SameSite=None; Secure", "lax=1; SameSite=Lax", "strict=1; SameSite=Strict", "unsaid=1"} {
			if err := before.Receive(&cookiejar.Request{URL: mustURL(t, "https://a.test/")}, c); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range before.Snapshot() {
			if err := s.Cookies().Put(c); err != nil {
				t.Fatal(err)
			}
		}
		w.take()
		resp, err := s.Fetch(t.Context(), set("https://a.test", "new=1", "newnone=1; SameSite=None; Secure", "part=1; SameSite=None; Secure; Partitioned"), &init)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		_, sent, _ := strings.Cut(w.take()[0], ": ")
		var stored []string
		for _, c := range s.Cookies().Snapshot()[4:] {
			stored = append(stored, c.Name)
		}
		return sent + " | " + strings.Join(stored, " ")
	}
	const all, none = "none=1; lax=1; strict=1; unsaid=1", "none=1"
	for _, tt := range []struct {
		name   string
		init   fetch.Init
		policy func(*cookiejar.Request) cookiejar.Verdict
		want   string
	}{
		{"nothing", fetch.Init{}, nil, all + " | new newnone part"},
		{"omit", fetch.Init{Credentials: exchange.Omit}, nil, " | "},
		{"do not save", fetch.Init{LoadFlags: exchange.DoNotSaveCookies}, nil, all + " | "},
		{"same origin", fetch.Init{Credentials: exchange.SameOrigin, Origin: a}, nil, all + " | new newnone part"},
		{"same origin from another", fetch.Init{Credentials: exchange.SameOrigin, Origin: b}, nil, " | "},
		{"own initiator", fetch.Init{Origin: a}, nil, all + " | new newnone part"},
		{"foreign initiator", fetch.Init{Origin: b}, nil, none + " | newnone part"},
		{"link from elsewhere", fetch.Init{Origin: b, Mode: fetch.ModeNavigate}, nil, "none=1; lax=1; unsaid=1 | new newnone part"},
		{"form from elsewhere", fetch.Init{Origin: b, Mode: fetch.ModeNavigate, Method: "POST"}, nil, "none=1; unsaid=1 | new newnone part"},
		{"frame from elsewhere", fetch.Init{Origin: b, Mode: fetch.ModeNavigate, Destination: "iframe", Key: framed(b, a)}, nil, none + " | newnone part"},
		{"own page", fetch.Init{Origin: a, Key: framed(a, a)}, nil, all + " | new newnone part"},
		{"page of another site", fetch.Init{Origin: b, Key: framed(b, b)}, nil, none + " | newnone part"},
		{"framed in a page of another site", fetch.Init{Origin: a, Key: framed(b, a)}, nil, none + " | newnone part"},
		{"framed without a site", fetch.Init{Origin: a, Key: framed(origin.Origin{}, a)}, nil, none + " | newnone part"},
		{"third-party blocked, own page", fetch.Init{Origin: a, Key: framed(a, a)}, cookiejar.BlockThirdParty, all + " | new newnone part"},
		{"third-party blocked", fetch.Init{Origin: b, Key: framed(b, b)}, cookiejar.BlockThirdParty, " | part"},
		{"all blocked", fetch.Init{}, func(*cookiejar.Request) cookiejar.Verdict { return cookiejar.Block }, " | "},
	} {
		if got := plain(tt.init, tt.policy); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}

	// SameOrigin without a page ends with the first redirect to another origin.
	s := newSession(t, w.cfg)
	for _, u := range []string{"https://a.test/", "https://b.test/"} {
		if err := s.Cookies().Receive(&cookiejar.Request{URL: mustURL(t, u)}, "c=1; SameSite=None; Secure"); err != nil {
			t.Fatal(err)
		}
	}
	w.take()
	ctx := exchange.WithOptions(t.Context(), &exchange.Options{Credentials: exchange.SameOrigin})
	req, err := http.NewRequestWithContext(ctx, "GET", via("https://a.test", via("https://b.test", "https://a.test/")), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := w.take(), []string{"https://a.test/go: c=1", "https://b.test/go: ", "https://a.test/: "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCookieLanding: a plain Set-Cookie becomes what Electron's spec asserts.
func TestCookieLanding(t *testing.T) {
	w := newWeb(t)
	for _, d := range doors {
		s := newSession(t, w.cfg)
		d.do(t.Context(), s, call{url: set("http://a.test", "a=b")})
		got := s.Cookies().Get(cookiejar.Filter{URL: mustURL(t, "http://a.test/")})
		if len(got) != 1 {
			t.Fatalf("%s: got %v", d.name, got)
		}
		c := got[0]
		if c.Name != "a" || c.Value != "b" || c.Domain != "a.test" || !c.HostOnly || c.Path != "/" || c.Secure || c.HTTPOnly ||
			!c.IsSession() || c.SameSite != cookiejar.Unspecified || c.SourcePort != 80 {
			t.Errorf("%s: got %+v", d.name, c)
		}
	}
}

// TestServerTime: Expires counts by the server's clock.
func TestServerTime(t *testing.T) {
	w := newWeb(t)
	s := newSession(t, w.cfg)
	u := "https://a.test/head?" + url.Values{
		"Date":       {"Mon, 01 Jan 2001 00:00:00 GMT"},
		"Set-Cookie": {"a=1; Expires=Mon, 01 Jan 2001 01:00:00 GMT"},
	}.Encode()
	doors[0].do(t.Context(), s, call{url: u})
	if got := s.Cookies().Get(cookiejar.Filter{Name: new("a")}); len(got) != 1 {
		t.Errorf("got %v, want a cookie for an hour", got)
	}
}

// TestClearSiteData: a trustworthy origin may have its site's cookies removed.
func TestClearSiteData(t *testing.T) {
	w := newWeb(t)
	for _, tt := range []struct {
		at, value, want string
		flags           exchange.LoadFlags
	}{
		{at: "https://a.test", value: `"cookies"`, want: "b"},
		{at: "https://www.a.test", value: `"cache", "cookies"`, want: "b"},
		{at: "https://a.test", value: `"*"`, want: "b"},
		{at: "https://a.test", value: `"cache"`, want: "a d b"},
		{at: "https://a.test", value: `cookies`, want: "a d b"},
		{at: "http://a.test", value: `"cookies"`, want: "a d b"},
		{at: "https://a.test", value: `"cookies"`, flags: exchange.DoNotSaveCookies, want: "a d b"},
	} {
		s := newSession(t, w.cfg)
		doors[0].do(t.Context(), s, call{url: set("https://a.test", "a=1", "d=1; Domain=a.test")})
		doors[0].do(t.Context(), s, call{url: set("https://b.test", "b=1")})
		u := tt.at + "/head?" + url.Values{"Clear-Site-Data": {tt.value}}.Encode()
		if x := doors[0].do(t.Context(), s, call{url: u, flags: tt.flags}); x.err != nil {
			t.Fatal(x.err)
		}
		var names []string
		for _, c := range s.Cookies().Snapshot() {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.at, tt.value, got, tt.want)
		}
	}
}

// TestCookieLog: a log without secrets has none of the cookies' text, and says why one
// was refused.
func TestCookieLog(t *testing.T) {
	w := newWeb(t)
	s := newSession(t, w.cfg)
	text := logOf(t, s, func() {
		doors[0].do(t.Context(), s, call{url: "http://a.test/head?Set-Cookie=secretname%3Dsecretvalue"})
		doors[0].do(t.Context(), s, call{url: "http://a.test/"})
		doors[0].do(t.Context(), s, call{url: "http://a.test/head?Set-Cookie=__Host-hidden%3Dsecretvalue"})
	})
	// The URLs of this test carry what the header then has.
	text = strings.NewReplacer("Set-Cookie=secretname%3Dsecretvalue", "", "Set-Cookie=__Host-hidden%3Dsecretvalue", "").Replace(text)
	for _, secret := range []string{"secretname", "secretvalue", "hidden"} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s is in the log: %s", secret, text[max(0, i-200):min(len(text), i+50)])
		}
	}
	for _, want := range []string{`"status":"EXCLUDE_INVALID_PREFIX"`, `Set-Cookie: [22 bytes were stripped]`, `Cookie: [22 bytes were stripped]`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}

// logOf records what happens while f runs.
func logOf(t *testing.T, s *session.Session, f func()) string {
	t.Helper()
	var b strings.Builder
	if err := s.NetLog().Start(&b, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	f()
	if err := s.NetLog().Stop(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
