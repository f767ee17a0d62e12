package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"testing"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// fileServer answers like a server of files: whole, in ranges, under conditions. Its
// files have their path's name and a version.
type fileServer struct {
	size    int
	version int
	header  exchange.Fields
	asked   int
}

func (f *fileServer) content(path string) []byte {
	unit := fmt.Sprintf("%s#%d ", path, f.version)
	return bytes.Repeat([]byte(unit), f.size/len(unit)+1)[:f.size]
}

func (f *fileServer) RoundTrip(_ context.Context, req *exchange.Request) (*exchange.Response, error) {
	f.asked++
	data := f.content(req.URL.Path)
	etag := fmt.Sprintf(`"%d"`, f.version)
	resp := &exchange.Response{Status: 200, Proto: "HTTP/1.1", Header: f.header.Clone()}
	resp.Header.Add("ETag", etag)
	if req.Header.Get("If-None-Match") == etag {
		resp.Status, data = 304, nil
	} else if span, ok := req.Header.Lookup("Range"); ok {
		var from, to int
		if v, ok := req.Header.Lookup("If-Range"); !ok || v == etag {
			if n, _ := fmt.Sscanf(span, "bytes=%d-%d", &from, &to); n == 2 {
				to = min(to, len(data)-1)
				resp.Status = 206
				resp.Header.Add("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(data)))
				data = data[from : to+1]
			}
		}
	}
	if resp.Status != 304 {
		resp.Header.Add("Content-Length", strconv.Itoa(len(data)))
	}
	resp.ContentLength = int64(len(data))
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp, nil
}

// TestEveryFault has each call of the store fail in turn, once and from then on, through a
// run that stores, hits, validates, varies, replaces and reads parts. What the caller gets
// is what the origin has, or an error in the middle; nothing is left open.
func TestEveryFault(t *testing.T) {
	for _, at := range []string{"open", "create", "delete", "read", "write", "commit", "any"} {
		for n, failed := 0, true; failed; n++ {
			t.Run(fmt.Sprintf("%s/%d", at, n), func(t *testing.T) {
				origin := &fileServer{size: 72 << 10, header: exchange.FieldsOf("Cache-Control", "max-age=0", "Vary", "X-A")}
				s := &faultyStore{Store: mem.New(mem.Config{Size: 8 << 20})}
				c := cache.New(cache.Config{Store: s, Next: origin})
				s.failAfter(at, n)
				run(t, c, origin)
				failed = s.failAt("none")
				run(t, c, origin) // and it mends
				c.Close()
				if n := s.open(); n != 0 {
					t.Errorf("%d entries are open", n)
				}
			})
		}
	}
}

func run(t *testing.T, c *cache.Transport, origin *fileServer) {
	t.Helper()
	for _, fields := range []exchange.Fields{
		nil, nil, exchange.FieldsOf("X-A", "1"), nil,
		exchange.FieldsOf("Range", "bytes=10-40000"), exchange.FieldsOf("Range", "bytes=45000-50000", "X-A", "2"),
		exchange.FieldsOf("Range", "bytes=35000-70000", "X-A", "2"), exchange.FieldsOf("X-A", "2"),
	} {
		check(t, c, origin, "/a", fields)
	}
	origin.version++
	check(t, c, origin, "/a", nil)
	check(t, c, origin, "/a", exchange.FieldsOf("Cache-Control", "no-cache"))
	cut(t, c, origin, "/b")
	check(t, c, origin, "/b", nil)
}

// check asks for a file and compares it with what the origin has.
func check(t *testing.T, c *cache.Transport, origin *fileServer, path string, fields exchange.Fields) {
	t.Helper()
	u, _ := url.Parse("http://origin.test" + path)
	resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u, Header: fields.Clone()})
	if err != nil {
		t.Fatalf("%s %v: %v", path, fields, err)
	}
	var body bytes.Buffer
	body.Grow(origin.size + 1) // for few reads
	_, err = body.ReadFrom(resp.Body)
	resp.Body.Close()
	got, want := body.Bytes(), origin.content(path)
	if resp.Status == 206 {
		var from, to, length int
		fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &length)
		want = want[from : to+1]
	} else if resp.Status != 200 {
		t.Errorf("%s %v: status %d", path, fields, resp.Status)
	}
	switch {
	case err != nil && !errors.Is(err, neterr.CacheReadFailure):
		t.Errorf("%s %v: %v", path, fields, err)
	case err != nil && !bytes.HasPrefix(want, got), err == nil && !bytes.Equal(got, want):
		t.Errorf("%s %v: got %d bytes, not the %d that there are", path, fields, len(got), len(want))
	}
}

// cut asks for a file and leaves in the middle.
func cut(t *testing.T, c *cache.Transport, origin *fileServer, path string) {
	t.Helper()
	u, _ := url.Parse("http://origin.test" + path)
	resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 40000)
	if _, err := io.ReadFull(resp.Body, got); err != nil || !bytes.Equal(got, origin.content(path)[:len(got)]) {
		t.Errorf("the beginning of %s: %v", path, err)
	}
	resp.Body.Close()
}

// TestLimits: what an origin can make the cache hold is bounded, and what is odd is no
// trouble.
func TestLimits(t *testing.T) {
	s := mem.New(mem.Config{Size: 64 << 20})
	var answer exchange.Fields
	c := cache.New(cache.Config{Store: s, Next: exchange.RoundTripperFunc(func(_ context.Context, req *exchange.Request) (*exchange.Response, error) {
		return &exchange.Response{Status: 200, Proto: "HTTP/1.1", Header: answer.Clone(), ContentLength: 1, Body: io.NopCloser(bytes.NewReader([]byte("x")))}, nil
	})})
	defer c.Close()
	ask := func(rawURL string, fields exchange.Fields) exchange.CacheInfo {
		t.Helper()
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u, Header: fields})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "x" {
			t.Fatalf("got %q %v", b, err)
		}
		resp.Body.Close()
		return resp.Info.Cache
	}
	stored := func() (n int) {
		for _, err := range s.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}

	answer = exchange.FieldsOf("Cache-Control", "max-age=60", "Vary", "X-A")
	for i := range 10_000 {
		ask("http://a.test/", exchange.FieldsOf("X-A", strconv.Itoa(i)))
	}
	if n := stored(); n != 33 { // and the list
		t.Errorf("of 10,000 variants %d entries are stored, want 33", n)
	}
	if info := ask("http://a.test/", exchange.FieldsOf("X-A", "9999")); !info.Hit {
		t.Errorf("the last variant is not there: %s", info.String())
	}

	if err := c.Clear(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for i := range 70 {
		answer.Add("Vary", fmt.Sprintf("X-%d", i))
	}
	if info := ask("http://a.test/", nil); info.Stored {
		t.Error("a response that depends on 71 fields is stored")
	}
	answer = exchange.FieldsOf("Cache-Control", "max-age=60", "X-Bomb", string(make([]byte, 1<<20)))
	if info := ask("http://a.test/", nil); info.Stored || info.Detail == "" {
		t.Errorf("a header of 1 MiB is stored: %s", info.String())
	}
	answer = exchange.FieldsOf("Cache-Control", "max-age=60", "Content-Length", "999999999999")
	big := cache.New(cache.Config{Store: s, Next: exchange.RoundTripperFunc(func(_ context.Context, req *exchange.Request) (*exchange.Response, error) {
		return &exchange.Response{Status: 200, Proto: "HTTP/1.1", Header: answer.Clone(), ContentLength: 999999999999, Body: io.NopCloser(bytes.NewReader(nil))}, nil
	})})
	defer big.Close()
	resp, err := big.RoundTrip(t.Context(), &exchange.Request{URL: &url.URL{Scheme: "http", Host: "big.test"}})
	if err != nil || resp.Info.Cache.Stored {
		t.Errorf("a body of 1 TB is stored: %v", err)
	}
	resp.Body.Close()
	if n := stored(); n != 0 {
		t.Errorf("%d entries are stored, want none", n)
	}

	answer = exchange.FieldsOf("Cache-Control", "max-age=60")
	for _, u := range []string{"http://a.test/%00%0a%7f", "http://a.test/?\u00e9", "http://a.test/" + string(bytes.Repeat([]byte("a"), 100_000))} {
		if info := ask(u, nil); !info.Stored {
			t.Errorf("%.30s is not stored: %s", u, info.String())
		}
		if info := ask(u, nil); !info.Hit {
			t.Errorf("%.30s is not found: %s", u, info.String())
		}
	}
	// A store of one whole body that grows beyond its limit while it comes.
	long := cache.New(cache.Config{Store: s, Next: exchange.RoundTripperFunc(func(_ context.Context, req *exchange.Request) (*exchange.Response, error) {
		return &exchange.Response{Status: 200, Proto: "HTTP/1.1", Header: answer.Clone(), ContentLength: -1, Body: io.NopCloser(io.LimitReader(zeros{}, 20<<20))}, nil
	})})
	defer long.Close()
	resp, err = long.RoundTrip(t.Context(), &exchange.Request{URL: &url.URL{Scheme: "http", Host: "long.test"}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != 20<<20 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	resp.Body.Close()
	if _, err := s.Open(t.Context(), &store.Key{URL: "http://long.test/"}); !errors.Is(err, store.ErrMiss) {
		t.Errorf("a body beyond the limit of an entry is stored: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
