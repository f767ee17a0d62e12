package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
)

// typicalHeader is what a CDN sends with a small file.
func typicalHeader(size int) exchange.Fields {
	return exchange.FieldsOf("Date", "Sat, 01 Jan 2000 00:00:00 GMT", "Content-Type", "text/css; charset=utf-8",
		"Content-Length", strconv.Itoa(size), "Cache-Control", "public, max-age=31536000, immutable", "ETag", `"5f3c2a"`,
		"Last-Modified", "Fri, 31 Dec 1999 00:00:00 GMT", "Server", "nginx", "X-Content-Type-Options", "nosniff",
		"Access-Control-Allow-Origin", "*", "Accept-Ranges", "bytes")
}

// canned answers every request with a body of one size, fresh for a long time.
func canned(size int) exchange.RoundTripper {
	body := bytes.Repeat([]byte("x"), size)
	header := typicalHeader(size)
	header.Set("Date", "Sat, 01 Jan 2100 00:00:00 GMT") // whenever this runs
	return exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
		return &exchange.Response{
			Status: 200, StatusText: "OK", Proto: "HTTP/1.1", Header: header.Clone(),
			ContentLength: int64(size), Body: io.NopCloser(bytes.NewReader(body)),
		}, nil
	})
}

func newBench(tb testing.TB, size int) *cache.Transport {
	s := mem.New(mem.Config{Size: 256 << 20})
	t := cache.New(cache.Config{Store: s, Next: canned(size)})
	tb.Cleanup(func() {
		t.Close()
		s.Close()
	})
	return t
}

func get(tb testing.TB, rt exchange.RoundTripper, u *url.URL, header exchange.Fields, buf []byte) {
	resp, err := rt.RoundTrip(context.Background(), &exchange.Request{URL: u, Header: header})
	if err != nil {
		tb.Fatal(err)
	}
	drain(tb, resp.Body, buf)
}

func drain(tb testing.TB, body io.ReadCloser, buf []byte) {
	for {
		_, err := body.Read(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	body.Close()
}

var usualHeader = exchange.FieldsOf("Accept", "*/*", "User-Agent", "test", "Accept-Encoding", "gzip, br")

// BenchmarkHit is a fresh entry given out of memory: through the cache alone, and as a
// program sees it, through the adapter to net/http.
func BenchmarkHit(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		t := newBench(b, size)
		u, _ := url.Parse("https://www.example.com/static/css/main.5f3c2a.css?v=1")
		buf := make([]byte, 32<<10)
		get(b, t, u, usualHeader, buf)
		b.Run(fmt.Sprintf("api=exchange/size=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				get(b, t, u, usualHeader, buf)
			}
		})
		b.Run(fmt.Sprintf("api=http/size=%d", size), func(b *testing.B) {
			rt := exchange.HTTP(t)
			hr := &http.Request{Method: "GET", URL: u, Header: exchange.HTTPHeader(usualHeader)}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				resp, err := rt.RoundTrip(hr)
				if err != nil {
					b.Fatal(err)
				}
				drain(b, resp.Body, buf)
			}
		})
	}
}

// BenchmarkHitParallel has every goroutine take its own entry.
func BenchmarkHitParallel(b *testing.B) {
	t := newBench(b, 1<<10)
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		u, _ := url.Parse(fmt.Sprintf("https://www.example.com/%d", n.Add(1)))
		buf := make([]byte, 32<<10)
		for pb.Next() {
			get(b, t, u, usualHeader, buf)
		}
	})
}

// BenchmarkStore is what storing adds to a transfer that itself costs next to nothing.
func BenchmarkStore(b *testing.B) {
	ctx := b.Context()
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": ctx} {
			b.Run(fmt.Sprintf("ctx=%s/size=%d", name, size), func(b *testing.B) {
				t := newBench(b, size)
				buf := make([]byte, 32<<10)
				u, _ := url.Parse("https://www.example.com/a")
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					resp, err := t.RoundTrip(ctx, &exchange.Request{URL: u, Header: usualHeader, LoadFlags: exchange.BypassCache})
					if err != nil {
						b.Fatal(err)
					}
					drain(b, resp.Body, buf)
				}
			})
		}
	}
}
