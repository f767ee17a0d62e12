package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
)

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

func TestRoundTripHeader(t *testing.T) {
	for _, tt := range []struct {
		name   string
		url    string
		header exchange.Fields
		want   string
	}{
		{"nothing set", "https://a.test/", nil, "User-Agent: UA|Accept-Encoding: gzip, deflate, br, zstd|Accept-Language: sv"},
		{"in the clear", "http://a.test/", nil, "User-Agent: UA|Accept-Encoding: gzip, deflate|Accept-Language: sv"},
		{"localhost", "http://localhost/", nil, "User-Agent: UA|Accept-Encoding: gzip, deflate, br, zstd|Accept-Language: sv"},
		{"all set", "https://a.test/", exchange.Fields{{Name: "user-agent", Value: "x"}, {Name: "Accept-Encoding", Value: "y"}, {Name: "Accept-Language", Value: "z"}, {Name: "Authorization", Value: "a"}}, "user-agent: x|Accept-Encoding: y|Accept-Language: z|Authorization: a"},
		{"user agent suppressed", "http://a.test/", exchange.Fields{{Name: "User-Agent", Value: ""}}, "Accept-Encoding: gzip, deflate|Accept-Language: sv"},
		{"range", "http://a.test/", exchange.Fields{{Name: "Range", Value: "bytes=0-1"}}, "Range: bytes=0-1|User-Agent: UA|Accept-Encoding: identity|Accept-Language: sv"},
	} {
		s := &server{}
		f := fetch.New(fetch.Config{Next: s, UserAgent: "UA", AcceptLanguages: "sv"})
		resp, err := f.RoundTrip(t.Context(), &exchange.Request{URL: mustParse(tt.url), Header: tt.header})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		var got []string
		for name, value := range s.hops[0].Header.All() {
			got = append(got, name+": "+value)
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, g, tt.want)
		}
	}
}

func TestRoundTripDecoding(t *testing.T) {
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	io.WriteString(w, "hello")
	w.Close()
	for _, tt := range []struct {
		name   string
		req    exchange.Request
		decode bool
	}{
		{"asked for by us", exchange.Request{}, true},
		{"asked for by the caller", exchange.Request{Header: exchange.Fields{{Name: "accept-encoding", Value: "gzip"}}}, false},
		{"a range", exchange.Request{Header: exchange.Fields{{Name: "Range", Value: "bytes=0-"}}}, false},
		{"head", exchange.Request{Method: "HEAD"}, false},
	} {
		s := &server{answer: func(int, *exchange.Request) *exchange.Response {
			return &exchange.Response{
				Status: 200, ContentLength: int64(gz.Len()), Body: io.NopCloser(bytes.NewReader(gz.Bytes())),
				Header: exchange.Fields{{Name: "Content-Encoding", Value: "gzip"}},
			}
		}}
		tt.req.URL = mustParse("http://a.test/")
		resp, err := fetch.New(fetch.Config{Next: s}).RoundTrip(t.Context(), &tt.req)
		if err != nil {
			t.Fatal(err)
		}
		want, length := gz.String(), int64(gz.Len())
		if tt.decode {
			want, length = "hello", -1
		}
		b, err := io.ReadAll(resp.Body)
		if string(b) != want || err != nil || resp.Uncompressed != tt.decode || resp.ContentLength != length {
			t.Errorf("%s: got %q, %v, uncompressed %t, length %d; want %q", tt.name, b, err, resp.Uncompressed, resp.ContentLength, want)
		}
		if !resp.Header.Has("Content-Encoding") {
			t.Errorf("%s: Content-Encoding is gone", tt.name)
		}
		resp.Body.Close()
		if s.open != 0 {
			t.Errorf("%s: the body below is open", tt.name)
		}
	}
}

func TestRoundTripErrors(t *testing.T) {
	for _, tt := range []struct {
		url  *url.URL
		want neterr.Code
	}{
		{nil, neterr.InvalidURL},
		{&url.URL{}, neterr.UnknownURLScheme},
		{mustParse("ftp://a/"), neterr.UnknownURLScheme},
		{mustParse("http:///a"), neterr.InvalidURL},
		{mustParse("http://a:25/"), neterr.UnsafePort},
	} {
		s := &server{}
		body := &closeCounter{Reader: strings.NewReader("x")}
		_, err := fetch.New(fetch.Config{Next: s}).RoundTrip(t.Context(), &exchange.Request{URL: tt.url, Body: body})
		if !errors.Is(err, tt.want) || body.closed != 1 || len(s.hops) != 0 {
			t.Errorf("%v: got %v, body closed %d times, %d requests; want %v", tt.url, err, body.closed, len(s.hops), tt.want)
		}
	}
}

// Where there is no body, the fields that describe one are left alone.
func TestRoundTripNoBody(t *testing.T) {
	for _, status := range []int{101, 204, 304} {
		s := &server{answer: func(int, *exchange.Request) *exchange.Response {
			return &exchange.Response{Status: status, ContentLength: 7, Header: exchange.Fields{{Name: "Content-Encoding", Value: "gzip"}}}
		}}
		resp, err := fetch.New(fetch.Config{Next: s}).RoundTrip(t.Context(), &exchange.Request{URL: mustParse("http://a.test/")})
		if err != nil || resp.Uncompressed || resp.ContentLength != 7 {
			t.Errorf("%d: got %+v, %v; want it as it came", status, resp, err)
		}
	}
}

// Redirects are the caller's affair.
func TestRoundTripOneHop(t *testing.T) {
	s := &server{answer: redirectTo("302 /b")}
	resp, err := fetch.New(fetch.Config{Next: s}).RoundTrip(t.Context(), &exchange.Request{URL: mustParse("http://a.test/")})
	if err != nil || resp.Status != 302 || len(s.hops) != 1 {
		t.Errorf("got %+v, %v after %d hops", resp, err, len(s.hops))
	}
}

// The layer costs nothing on the usual way.
func TestRoundTripAllocs(t *testing.T) {
	answer := &exchange.Response{Status: 200, Body: io.NopCloser(strings.NewReader(""))}
	f := fetch.New(fetch.Config{Next: exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
		return answer, nil
	})})
	u := mustParse("https://a.test/path?query")
	ctx := t.Context()
	var req exchange.Request
	var fields [8]exchange.Field
	got := testing.AllocsPerRun(100, func() {
		req = exchange.Request{URL: u, Header: fields[:0]}
		if _, err := f.RoundTrip(ctx, &req); err != nil {
			t.Fatal(err)
		}
	})
	if got > 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkFetch(b *testing.B) {
	answer := &exchange.Response{Status: 200, Body: io.NopCloser(strings.NewReader(""))}
	f := fetch.New(fetch.Config{Next: exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
		return answer, nil
	})})
	for _, url := range []string{"https://a.test/path?query", "https://a.test/a/../b"} {
		b.Run("url="+url, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Fetch(context.Background(), url, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
