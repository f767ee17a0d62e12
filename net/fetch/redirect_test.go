package fetch_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

func TestRedirectMethod(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 304, 305, 306, 307, 308} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
			want := method
			switch status {
			case 301, 302:
				if method == "POST" {
					want = "GET"
				}
			case 303:
				if method != "HEAD" {
					want = "GET"
				}
			case 307, 308:
			default:
				want = "" // not followed
			}
			s := &server{answer: redirectTo(fmt.Sprint(status, " /b"))}
			init := &fetch.Init{
				Method: method,
				Header: exchange.Fields{
					{Name: "Content-Type", Value: "text/plain"},
					{Name: "Content-Language", Value: "en"},
					{Name: "Content-Encoding", Value: "x"},
					{Name: "Content-Location", Value: "/"},
					{Name: "X", Value: "y"},
				},
			}
			if method != "GET" && method != "HEAD" {
				init.Body = strings.NewReader("data")
				init.Origin = origin.Origin{Scheme: "http", Host: "a.test", Port: 80}
			}
			resp, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "http://a.test/", init)
			if err != nil {
				t.Errorf("%d %s: %v", status, method, err)
				continue
			}
			if want == "" {
				if resp.Status != status || len(s.hops) != 1 || resp.Redirected {
					t.Errorf("%d %s: got status %d after %d hops, want it not followed", status, method, resp.Status, len(s.hops))
				}
				continue
			}
			hop := s.hops[1]
			if hop.Method != want {
				t.Errorf("%d %s: got %s, want %s", status, method, hop.Method, want)
			}
			changed := want != method
			for _, name := range []string{"Content-Type", "Content-Language", "Content-Encoding", "Content-Location"} {
				if hop.Header.Has(name) == changed {
					t.Errorf("%d %s: %s is sent: %t", status, method, name, !changed)
				}
			}
			if changed && hop.Header.Has("Origin") {
				t.Errorf("%d %s: Origin is sent with a new method", status, method)
			}
			if !hop.Header.Has("X") {
				t.Errorf("%d %s: other fields are gone", status, method)
			}
			wantBody := s.bodies[0]
			if changed {
				wantBody = ""
			}
			if s.bodies[1] != wantBody {
				t.Errorf("%d %s: got body %q, want %q", status, method, s.bodies[1], wantBody)
			}
			if s.open != 1 {
				t.Errorf("%d %s: %d bodies are open, want only the last", status, method, s.open)
			}
		}
	}
}

func TestRedirectTarget(t *testing.T) {
	for _, tt := range []struct {
		name  string
		url   string // default https://a.test/x/y?q
		steps []string
		want  string // Response.URL
		wire  string // of the last hop; default want
		err   neterr.Code
	}{
		{name: "absolute", steps: []string{"302 http://b.test/"}, want: "http://b.test/"},
		{name: "relative", steps: []string{"302 z"}, want: "https://a.test/x/z"},
		{name: "path", steps: []string{"302 /z"}, want: "https://a.test/z"},
		{name: "query", steps: []string{"302 ?z"}, want: "https://a.test/x/y?z"},
		{name: "scheme-relative", steps: []string{"302 //b.test/z"}, want: "https://b.test/z"},
		{name: "backslashes", steps: []string{`302 \\b.test\z`}, want: "https://b.test/z"},
		{name: "dot segments", steps: []string{"302 ../../z"}, want: "https://a.test/z"},
		{name: "several", steps: []string{"301 /1", "302 /2", "303 /3", "307 /4", "308 /5"}, want: "https://a.test/5"},
		{name: "space", steps: []string{"302 /a b"}, want: "https://a.test/a%20b"},
		{name: "bytes above ASCII", steps: []string{"302 /\xe4?\xf6"}, want: "https://a.test/%E4?%F6"},
		{name: "no location", steps: []string{"302 "}, want: "https://a.test/x/y?q"},
		{name: "fragment inherited", url: "https://a.test/#f", steps: []string{"302 /1", "302 /2"}, want: "https://a.test/2#f", wire: "https://a.test/2"},
		{name: "fragment replaced", url: "https://a.test/#f", steps: []string{"302 /1#g"}, want: "https://a.test/1#g", wire: "https://a.test/1"},
		{name: "fragment emptied", url: "https://a.test/#f", steps: []string{"302 /1#"}, want: "https://a.test/1#", wire: "https://a.test/1"},
		{name: "twenty", steps: steps(20), want: "https://a.test/20"},
		{name: "twenty-one", steps: steps(21), err: neterr.TooManyRedirects},
		{name: "invalid", steps: []string{"302 http://a b/"}, err: neterr.InvalidRedirect},
		{name: "invalid port", steps: []string{"302 http://a:x/"}, err: neterr.InvalidRedirect},
		{name: "file", steps: []string{"302 file:///etc/passwd"}, err: neterr.UnsafeRedirect},
		{name: "data", steps: []string{"302 data:text/html,x"}, err: neterr.UnsafeRedirect},
		{name: "about", steps: []string{"302 about:blank"}, err: neterr.UnsafeRedirect},
		{name: "blob", steps: []string{"302 blob:https://a.test/1"}, err: neterr.UnsafeRedirect},
		{name: "filesystem", steps: []string{"302 filesystem:https://a.test/1"}, err: neterr.UnsafeRedirect},
		{name: "chrome", steps: []string{"302 chrome://version"}, err: neterr.UnsafeRedirect},
		{name: "unknown scheme", steps: []string{"302 app://x"}, err: neterr.UnknownURLScheme},
		{name: "restricted port", steps: []string{"302 http://a.test:22/"}, err: neterr.UnsafePort},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.url == "" {
				tt.url = "https://a.test/x/y?q"
			}
			s := &server{answer: redirectTo(tt.steps...)}
			resp, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), tt.url, nil)
			if neterr.CodeOf(err) != tt.err {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				if s.open != 0 {
					t.Errorf("%d bodies are open", s.open)
				}
				return
			}
			if resp.URL != tt.want {
				t.Errorf("got %q, want %q", resp.URL, tt.want)
			}
			if tt.wire == "" {
				tt.wire = tt.want
			}
			if got := s.hops[len(s.hops)-1].URL.String(); got != tt.wire {
				t.Errorf("on the wire: got %q, want %q", got, tt.wire)
			}
		})
	}
}

func steps(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("302 /%d", i+1))
	}
	return list
}

// An error names only one code: not also that of a request that begins with such a
// URL.
func TestRedirectErrorIsOneCode(t *testing.T) {
	s := &server{answer: redirectTo("302 file:///x")}
	_, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "https://u:secret@a.test/?token=1", nil)
	if !errors.Is(err, neterr.UnsafeRedirect) || errors.Is(err, neterr.DisallowedURLScheme) {
		t.Errorf("got %v, want only %v", err, neterr.UnsafeRedirect)
	}
	if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "token") {
		t.Errorf("got %q, want no secrets in it", text)
	}
}

func TestRedirectMode(t *testing.T) {
	s := &server{answer: redirectTo("302 /b")}
	f := fetch.New(fetch.Config{Next: s})
	resp, err := f.Fetch(t.Context(), "https://a.test/", &fetch.Init{Redirect: fetch.RedirectManual})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := resp.Text(); resp.Status != 302 || resp.Header.Get("Location") != "/b" || text != "moved" || err != nil {
		t.Errorf("manual: got %d %v %q %v", resp.Status, resp.Header, text, err)
	}

	s = &server{answer: redirectTo("302 /b")}
	f = fetch.New(fetch.Config{Next: s})
	_, err = f.Fetch(t.Context(), "https://a.test/", &fetch.Init{Redirect: fetch.RedirectError})
	if !errors.Is(err, neterr.Failed) || !strings.Contains(err.Error(), "Attempted to redirect, but redirect policy was 'error'") {
		t.Errorf("error: got %v", err)
	}
	if s.open != 0 || len(s.hops) != 1 {
		t.Errorf("error: got %d hops, %d open bodies", len(s.hops), s.open)
	}
}

func TestRedirectHeaders(t *testing.T) {
	page := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	for _, tt := range []struct {
		name  string
		init  fetch.Init
		steps []string
		want  map[string]string // of the last hop; empty: not there
	}{
		{
			name: "credentials stay at home",
			init: fetch.Init{Header: exchange.Fields{{Name: "authorization", Value: "x"}, {Name: "Cookie", Value: "y"}}},
			steps: []string{
				"302 /b",
			},
			want: map[string]string{"Authorization": "x", "Cookie": "y"},
		},
		{
			name:  "credentials do not go abroad",
			init:  fetch.Init{Header: exchange.Fields{{Name: "authorization", Value: "x"}, {Name: "Cookie", Value: "y"}, {Name: "X", Value: "z"}}},
			steps: []string{"302 https://www.a.test/"},
			want:  map[string]string{"Authorization": "", "Cookie": "", "X": "z"},
		},
		{
			name:  "nor come back",
			init:  fetch.Init{Header: exchange.Fields{{Name: "Authorization", Value: "x"}}},
			steps: []string{"302 https://b.test/", "302 https://a.test/"},
			want:  map[string]string{"Authorization": ""},
		},
		{
			name:  "another port is abroad",
			init:  fetch.Init{Header: exchange.Fields{{Name: "Authorization", Value: "x"}}},
			steps: []string{"302 https://a.test:8443/"},
			want:  map[string]string{"Authorization": ""},
		},
		{
			name:  "origin stays",
			init:  fetch.Init{Method: "POST", Origin: page},
			steps: []string{"307 /b"},
			want:  map[string]string{"Origin": "https://a.test"},
		},
		{
			name:  "origin becomes null",
			init:  fetch.Init{Method: "POST", Origin: page},
			steps: []string{"307 https://b.test/", "307 https://a.test/"},
			want:  map[string]string{"Origin": "null"},
		},
		{
			name:  "origin to the first other origin",
			init:  fetch.Init{Mode: fetch.ModeCORS, Origin: page},
			steps: []string{"302 https://b.test/"},
			want:  map[string]string{"Origin": "https://a.test"},
		},
		{
			name:  "origin to the second other origin",
			init:  fetch.Init{Mode: fetch.ModeCORS, Origin: page},
			steps: []string{"302 https://b.test/", "302 https://c.test/"},
			want:  map[string]string{"Origin": "null"},
		},
		{
			name:  "site is the worst",
			init:  fetch.Init{Origin: page},
			steps: []string{"302 https://b.test/", "302 https://a.test/"},
			want:  map[string]string{"Sec-Fetch-Site": "cross-site"},
		},
		{
			name:  "same site",
			init:  fetch.Init{Origin: page},
			steps: []string{"302 https://www.a.test/", "302 https://a.test/"},
			want:  map[string]string{"Sec-Fetch-Site": "same-site"},
		},
		{
			name:  "another scheme is another site",
			init:  fetch.Init{Origin: page},
			steps: []string{"302 http://a.test/", "302 https://a.test/"},
			want:  map[string]string{"Sec-Fetch-Site": "cross-site"},
		},
		{
			name:  "nobody asks",
			steps: []string{"302 https://b.test/"},
			want:  map[string]string{"Sec-Fetch-Site": "none"},
		},
		{
			name:  "in the clear",
			init:  fetch.Init{Header: exchange.Fields{{Name: "Sec-CH-UA-Arch", Value: "x"}, {Name: "sec-ch-ua", Value: "y"}}},
			steps: []string{"302 http://a.test/"},
			want: map[string]string{
				"Sec-Fetch-Site": "", "Sec-Fetch-Mode": "", "Sec-Fetch-Dest": "", "sec-ch-ua": "", "sec-ch-ua-mobile": "",
				"sec-ch-ua-arch": "", "Accept-Encoding": "gzip, deflate",
			},
		},
		{
			name:  "hints do not come back",
			init:  fetch.Init{Header: exchange.Fields{{Name: "Sec-CH-UA-Arch", Value: "x"}}},
			steps: []string{"302 http://a.test/", "302 https://a.test/"},
			want:  map[string]string{"sec-ch-ua-arch": "", "sec-ch-ua-mobile": "?0", "Accept-Encoding": "gzip, deflate, br, zstd"},
		},
		{
			name:  "referrer is cut abroad",
			init:  fetch.Init{Referrer: "https://a.test/page?q"},
			steps: []string{"302 https://b.test/"},
			want:  map[string]string{"Referer": "https://a.test/"},
		},
		{
			name:  "and stays cut",
			init:  fetch.Init{Referrer: "https://a.test/page?q"},
			steps: []string{"302 https://b.test/", "302 https://a.test/"},
			want:  map[string]string{"Referer": "https://a.test/"},
		},
		{
			name:  "referrer on downgrade",
			init:  fetch.Init{Referrer: "https://a.test/page?q"},
			steps: []string{"302 http://a.test/"},
			want:  map[string]string{"Referer": ""},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answer: redirectTo(tt.steps...)}
			if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "https://a.test/", &tt.init); err != nil {
				t.Fatal(err)
			}
			last := s.hops[len(s.hops)-1].Header
			for name, want := range tt.want {
				if got := last.Get(name); got != want || want == "" && last.Has(name) {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestReferrerPolicyOfResponse(t *testing.T) {
	for _, tt := range []struct {
		header []string
		want   string
	}{
		{nil, "https://a.test/p"},
		{[]string{"no-referrer"}, ""},
		{[]string{"no-referrer, ORIGIN, what"}, "https://a.test/"},
		{[]string{"origin", "no-referrer"}, ""},
		{[]string{""}, "https://a.test/p"},
	} {
		s := &server{answer: func(hop int, _ *exchange.Request) *exchange.Response {
			if hop > 0 {
				return &exchange.Response{Status: 200}
			}
			r := &exchange.Response{Status: 302, Header: exchange.Fields{{Name: "Location", Value: "/b"}}}
			for _, v := range tt.header {
				r.Header.Add("referrer-policy", v)
			}
			return r
		}}
		if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "https://a.test/", &fetch.Init{Referrer: "https://a.test/p"}); err != nil {
			t.Fatal(err)
		}
		if got := s.hops[1].Header.Get("Referer"); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.header, got, tt.want)
		}
	}
}

// The body of a redirect is read if it is short, so that the connection serves the
// next hop, and dropped if it is not.
func TestRedirectBody(t *testing.T) {
	for _, size := range []int{0, 100, 1 << 20} {
		body := &countingBody{Reader: io.LimitReader(zeros{}, int64(size))}
		s := &server{answer: func(hop int, _ *exchange.Request) *exchange.Response {
			if hop == 0 {
				return &exchange.Response{Status: 302, Header: exchange.Fields{{Name: "Location", Value: "/b"}}, Body: body}
			}
			return &exchange.Response{Status: 200}
		}}
		if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "https://a.test/", nil); err != nil {
			t.Fatal(err)
		}
		if want := min(size, 2<<10); body.n != want || !body.closed {
			t.Errorf("body of %d: read %d, closed %t; want %d and closed", size, body.n, body.closed, want)
		}
	}
}

type countingBody struct {
	io.Reader
	n      int
	closed bool
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.n += n
	return n, err
}

func (b *countingBody) Close() error {
	b.closed = true
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
