package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// A server answers in place of everything below fetch. It is called once for each
// hop and keeps what was asked.
type server struct {
	answer func(hop int, r *exchange.Request) *exchange.Response

	mu     sync.Mutex
	hops   []exchange.Request
	bodies []string
	open   int // response bodies that are not closed
}

func (s *server) RoundTrip(_ context.Context, r *exchange.Request) (*exchange.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, neterr.From(err)
		}
		body = string(b)
	}
	s.mu.Lock()
	n := len(s.hops)
	kept := *r
	kept.Header = r.Header.Clone()
	s.hops = append(s.hops, kept)
	s.bodies = append(s.bodies, body)
	s.open++
	s.mu.Unlock()
	resp := &exchange.Response{Status: 200}
	if s.answer != nil {
		resp = s.answer(n, r)
	}
	if resp.Body == nil {
		resp.Body = io.NopCloser(strings.NewReader(""))
	}
	resp.Body = &trackedBody{resp.Body, s, sync.Once{}}
	return resp, nil
}

type trackedBody struct {
	io.ReadCloser
	s    *server
	once sync.Once
}

func (b *trackedBody) Close() error {
	b.once.Do(func() {
		b.s.mu.Lock()
		b.s.open--
		b.s.mu.Unlock()
	})
	return b.ReadCloser.Close()
}

// redirectTo answers the first hops with the given redirects, then with 200. A step
// is "302 location".
func redirectTo(steps ...string) func(int, *exchange.Request) *exchange.Response {
	return func(hop int, _ *exchange.Request) *exchange.Response {
		resp := &exchange.Response{Status: 200}
		if hop < len(steps) {
			var location string
			fmt.Sscan(steps[hop], &resp.Status)
			_, location, _ = strings.Cut(steps[hop], " ")
			resp.Header.Add("Location", location)
			resp.Body = io.NopCloser(strings.NewReader("moved"))
		}
		return resp
	}
}

func TestFetchErrors(t *testing.T) {
	fields := func(name, value string) *fetch.Init {
		return &fetch.Init{Header: exchange.Fields{{Name: name, Value: value}}}
	}
	for _, tt := range []struct {
		name string
		url  string
		init *fetch.Init
		want neterr.Code
		text string
	}{
		{name: "no URL", url: "", want: neterr.InvalidURL},
		{name: "relative URL", url: "/a", want: neterr.InvalidURL},
		{name: "bad host", url: "http://a b/", want: neterr.InvalidURL},
		{name: "bad port", url: "http://a:99999/", want: neterr.InvalidURL},
		{name: "file", url: "file:///etc/passwd", want: neterr.DisallowedURLScheme},
		{name: "data", url: "data:,x", want: neterr.DisallowedURLScheme},
		{name: "blob", url: "blob:x", want: neterr.DisallowedURLScheme},
		{name: "javascript", url: "javascript:1", want: neterr.DisallowedURLScheme},
		{name: "ftp", url: "ftp://a/", want: neterr.UnknownURLScheme},
		{name: "own scheme", url: "app://a/", want: neterr.UnknownURLScheme},
		{name: "restricted port", url: "http://a.test:25/", want: neterr.UnsafePort},
		{name: "restricted port with https", url: "https://a.test:6667/", want: neterr.UnsafePort},
		{name: "port 0", url: "http://a.test:0/", want: neterr.UnsafePort},
		{name: "method", init: &fetch.Init{Method: "A B"}, want: neterr.InvalidArgument},
		{name: "method TRACE", init: &fetch.Init{Method: "trace"}, want: neterr.InvalidArgument},
		{name: "redirect mode", init: &fetch.Init{Redirect: 9}, want: neterr.InvalidArgument, text: "redirect mode should be one of follow, error or manual"},
		{name: "cache mode", init: &fetch.Init{Cache: 9}, want: neterr.InvalidArgument},
		{name: "mode", init: &fetch.Init{Mode: 9}, want: neterr.InvalidArgument},
		{name: "policy", init: &fetch.Init{ReferrerPolicy: 99}, want: neterr.InvalidArgument},
		{name: "destination", init: &fetch.Init{Destination: "x"}, want: neterr.InvalidArgument},
		{name: "document without navigate", init: &fetch.Init{Destination: "document"}, want: neterr.InvalidArgument, text: "requires sec-fetch-mode 'navigate'"},
		{name: "same-origin credentials without origin", init: &fetch.Init{Credentials: exchange.SameOrigin}, want: neterr.InvalidArgument, text: "credentials: same-origin requires origin to be set"},
		{name: "same-origin mode", init: &fetch.Init{Mode: fetch.ModeSameOrigin}, want: neterr.Failed},
		{name: "referrer", init: &fetch.Init{Referrer: "about:blank"}, want: neterr.InvalidArgument},
		{name: "header name", init: fields("a b", "c"), want: neterr.InvalidArgument, text: "Invalid header name: 'a b'"},
		{name: "empty header name", init: fields("", "c"), want: neterr.InvalidArgument},
		{name: "header value", init: fields("a", "b\nc"), want: neterr.InvalidArgument, text: "Invalid value for header 'a'"},
		{name: "host", init: fields("host", "a"), want: neterr.InvalidArgument},
		{name: "content-length", init: fields("Content-Length", "1"), want: neterr.InvalidArgument},
		{name: "transfer-encoding", init: fields("Transfer-Encoding", "chunked"), want: neterr.InvalidArgument},
		{name: "te", init: fields("te", "trailers"), want: neterr.InvalidArgument},
		{name: "proxy", init: fields("Proxy-Authorization", "x"), want: neterr.InvalidArgument},
		{name: "upgrade", init: fields("Connection", "keep-alive, upgrade"), want: neterr.InvalidArgument},
		{name: "method override", init: fields("X-HTTP-Method-Override", "GET, trace"), want: neterr.InvalidArgument},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{}
			body := &closeCounter{Reader: strings.NewReader("x")}
			init := fetch.Init{}
			if tt.init != nil {
				init = *tt.init
			}
			init.Body = body
			if tt.init != nil && tt.url == "" {
				tt.url = "https://a.test/"
			}
			_, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), tt.url, &init)
			if neterr.CodeOf(err) != tt.want || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
			}
			if len(s.hops) != 0 {
				t.Errorf("got %d requests, want none", len(s.hops))
			}
			if body.closed != 1 {
				t.Errorf("body was closed %d times, want once", body.closed)
			}
		})
	}
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error {
	c.closed++
	return nil
}

func TestAllowedPorts(t *testing.T) {
	f := fetch.New(fetch.Config{Next: &server{}, AllowedPorts: []uint16{6667}})
	if _, err := f.Fetch(t.Context(), "http://a.test:6667/", nil); err != nil {
		t.Errorf("got %v, want the port allowed", err)
	}
	if _, err := f.Fetch(t.Context(), "http://a.test:6668/", nil); !errors.Is(err, neterr.UnsafePort) {
		t.Errorf("got %v, want %v", err, neterr.UnsafePort)
	}
}

func TestResponse(t *testing.T) {
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	io.WriteString(w, `{"a": 1}`)
	w.Close()
	s := &server{answer: func(hop int, _ *exchange.Request) *exchange.Response {
		if hop == 0 {
			return &exchange.Response{Status: 302, Header: exchange.Fields{{Name: "location", Value: "../b"}}}
		}
		return &exchange.Response{
			Status: 200, StatusText: "OK", Proto: "HTTP/1.1", ContentLength: int64(gz.Len()),
			Header: exchange.Fields{{Name: "content-encoding", Value: "gzip"}},
			Body:   io.NopCloser(bytes.NewReader(gz.Bytes())),
		}
	}}
	resp, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "HTTPS://User:pw@A.test/x/y#top", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://User:pw@a.test/b#top"; resp.URL != want || !resp.Redirected {
		t.Errorf("got URL %q, redirected %t; want %q", resp.URL, resp.Redirected, want)
	}
	if got := strings.Join(resp.URLList, " "); got != "https://User:pw@a.test/x/y#top https://User:pw@a.test/b#top" {
		t.Errorf("got list %q", got)
	}
	if !resp.OK() || resp.StatusText != "OK" || resp.Proto != "HTTP/1.1" || resp.ContentLength != -1 {
		t.Errorf("got %+v", resp)
	}
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Error("Content-Encoding is gone, want it to stay")
	}
	var v struct{ A int }
	if err := resp.JSON(&v); err != nil || v.A != 1 {
		t.Errorf("got %+v, %v", v, err)
	}
	if s.open != 0 {
		t.Errorf("%d bodies are open", s.open)
	}
	for _, hop := range s.hops {
		if hop.URL.Fragment != "" || hop.Header.Has("Authorization") {
			t.Errorf("got fragment %q, fields %v; want neither fragment nor authorization sent", hop.URL.Fragment, hop.Header)
		}
	}
}

func TestMaxBody(t *testing.T) {
	for _, tt := range []struct {
		limit int64
		size  int
		want  neterr.Code
	}{
		{0, 1000, neterr.OK},
		{10, 9, neterr.OK},
		{10, 10, neterr.OK},
		{10, 11, neterr.InsufficientResources},
		{-1, 1000, neterr.OK},
	} {
		s := &server{answer: func(int, *exchange.Request) *exchange.Response {
			return &exchange.Response{Status: 200, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", tt.size)))}
		}}
		resp, err := fetch.New(fetch.Config{Next: s, MaxBody: tt.limit}).Fetch(t.Context(), "http://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := resp.Text()
		if neterr.CodeOf(err) != tt.want || err == nil && len(text) != tt.size {
			t.Errorf("limit %d, body %d: got %d bytes, %v; want %v", tt.limit, tt.size, len(text), err, tt.want)
		}
		if s.open != 0 {
			t.Errorf("limit %d, body %d: left open", tt.limit, tt.size)
		}
	}
}

func TestUpload(t *testing.T) {
	for _, tt := range []struct {
		name   string
		init   fetch.Init
		length int64
		replay bool
	}{
		{"string", fetch.Init{Body: strings.NewReader("data")}, 4, true},
		{"bytes", fetch.Init{Body: bytes.NewReader([]byte("data"))}, 4, true},
		{"buffer", fetch.Init{Body: bytes.NewBufferString("data")}, 4, true},
		{"chunked on demand", fetch.Init{Body: strings.NewReader("data"), ContentLength: -1}, -1, true},
		{"stream", fetch.Init{Body: io.MultiReader(strings.NewReader("data"))}, -1, false},
		{"stream of known length", fetch.Init{Body: io.MultiReader(strings.NewReader("data")), ContentLength: 4}, 4, false},
		{"stream with GetBody", fetch.Init{Body: io.MultiReader(strings.NewReader("data")), GetBody: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("data")), nil
		}}, -1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answer: redirectTo("307 /b")}
			tt.init.Method = "post"
			_, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "http://a.test/", &tt.init)
			hop := s.hops[0]
			if hop.Method != "POST" || hop.ContentLength != tt.length || s.bodies[0] != "data" || (hop.GetBody != nil) != tt.replay {
				t.Errorf("got %s of length %d %q, replayable %t", hop.Method, hop.ContentLength, s.bodies[0], hop.GetBody != nil)
			}
			switch {
			case !tt.replay:
				if !errors.Is(err, neterr.UploadStreamRewindNotSupported) {
					t.Errorf("got %v, want %v", err, neterr.UploadStreamRewindNotSupported)
				}
			case err != nil:
				t.Error(err)
			case s.bodies[1] != "data" || s.hops[1].ContentLength != tt.length:
				t.Errorf("second hop: got %q of length %d", s.bodies[1], s.hops[1].ContentLength)
			}
		})
	}
}

func TestEmptyUpload(t *testing.T) {
	s := &server{}
	if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "http://a.test/", &fetch.Init{Method: "POST", Body: strings.NewReader("")}); err != nil {
		t.Fatal(err)
	}
	if s.hops[0].Body != nil || s.hops[0].ContentLength != 0 {
		t.Errorf("got a body of length %d, want none", s.hops[0].ContentLength)
	}
}

func TestPassedOn(t *testing.T) {
	key := origin.NewKey(origin.Site{Scheme: "https", Domain: "a.test"}, origin.Site{})
	s := &server{}
	f := fetch.New(fetch.Config{Next: s})
	page := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	for _, tt := range []struct {
		name string
		url  string
		init fetch.Init
		want exchange.Request
	}{
		{"zero", "https://a.test/", fetch.Init{}, exchange.Request{Method: "GET"}},
		{"all", "https://a.test/", fetch.Init{
			Method: "put", Priority: exchange.Highest, LoadFlags: exchange.BypassProxy, Cache: fetch.CacheOnlyIfCached,
			SecureDNS: exchange.SecureDNSDisable, Key: key, Credentials: exchange.Omit,
			Header: exchange.Fields{{Name: "Connection", Value: "Close"}},
		}, exchange.Request{
			Method: "PUT", Priority: exchange.Highest, SecureDNS: exchange.SecureDNSDisable, Key: key, Credentials: exchange.Omit, Close: true,
			LoadFlags: exchange.BypassProxy | exchange.OnlyFromCache | exchange.SkipCacheValidation,
		}},
		{"no-store", "https://a.test/", fetch.Init{Cache: fetch.CacheNoStore}, exchange.Request{Method: "GET", LoadFlags: exchange.DisableCache}},
		{"reload", "https://a.test/", fetch.Init{Cache: fetch.CacheReload}, exchange.Request{Method: "GET", LoadFlags: exchange.BypassCache}},
		{"no-cache", "https://a.test/", fetch.Init{Cache: fetch.CacheNoCache}, exchange.Request{Method: "GET", LoadFlags: exchange.ValidateCache}},
		{"force-cache", "https://a.test/", fetch.Init{Cache: fetch.CacheForceCache}, exchange.Request{Method: "GET", LoadFlags: exchange.SkipCacheValidation}},
		{"same-origin credentials at home", "https://a.test/", fetch.Init{Credentials: exchange.SameOrigin, Origin: page}, exchange.Request{Method: "GET", Credentials: exchange.Include}},
		{"same-origin credentials abroad", "https://b.test/", fetch.Init{Credentials: exchange.SameOrigin, Origin: page}, exchange.Request{Method: "GET", Credentials: exchange.Omit}},
	} {
		s.hops = nil
		if _, err := f.Fetch(t.Context(), tt.url, &tt.init); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := s.hops[0]
		if got.Header.Has("Connection") {
			t.Errorf("%s: Connection is sent, want it left to the connection", tt.name)
		}
		g := fmt.Sprint(got.Method, got.Priority, got.LoadFlags, got.SecureDNS, got.Key, got.Credentials, got.Close)
		w := fmt.Sprint(tt.want.Method, tt.want.Priority, tt.want.LoadFlags, tt.want.SecureDNS, tt.want.Key, tt.want.Credentials, tt.want.Close)
		if g != w {
			t.Errorf("%s: got %s, want %s", tt.name, g, w)
		}
	}
}

func TestNextError(t *testing.T) {
	f := fetch.New(fetch.Config{Next: exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
		return nil, neterr.ConnectionRefused
	})})
	if _, err := f.Fetch(t.Context(), "http://a.test/", nil); !errors.Is(err, neterr.ConnectionRefused) {
		t.Errorf("got %v, want %v", err, neterr.ConnectionRefused)
	}
}

func TestTooManyCodings(t *testing.T) {
	s := &server{answer: func(int, *exchange.Request) *exchange.Response {
		return &exchange.Response{Status: 200, ContentLength: -1, Header: exchange.Fields{{Name: "Content-Encoding", Value: strings.Repeat("gzip,", 11) + "gzip"}}}
	}}
	f := fetch.New(fetch.Config{Next: s})
	if _, err := f.Fetch(t.Context(), "http://a.test/", nil); !errors.Is(err, neterr.ContentDecodingInitFailed) {
		t.Errorf("got %v, want %v", err, neterr.ContentDecodingInitFailed)
	}
	if s.open != 0 {
		t.Error("the body was left open")
	}
}
