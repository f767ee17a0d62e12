package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestClose: it ends who waits for the network, keeps what came, and what is asked
// afterwards is answered all the same.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, body := pouring("ETag", `"a"`)
		u, _ := url.Parse("http://origin.test/")
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u})
		if err != nil {
			t.Fatal(err)
		}
		body.send("abc", nil)
		done := make(chan error)
		go func() {
			b, err := io.ReadAll(resp.Body)
			if string(b) != "abc" {
				err = fmt.Errorf("read %q, %w", b, err)
			}
			done <- err
		}()
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, neterr.ContextShutDown) {
			t.Errorf("got %v, want that the cache was closed", err)
		}
		resp.Body.Close()
		c.Close()
		resp, err = c.RoundTrip(t.Context(), &exchange.Request{URL: u, Header: exchange.FieldsOf("Range", "bytes=0-2")})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); string(b) != "abc" || err != nil || !resp.Info.Cache.Hit {
			t.Errorf("after Close: %q %v %s", b, err, resp.Info.Cache.String())
		}
		resp.Body.Close()
	})
}

// pouring returns a cache, in memory, before an origin whose one response is fresh for a
// minute and has a body of six bytes that a test sends.
func pouring(fields ...string) (*cache.Transport, *scriptBody) {
	body := &scriptBody{wake: make(chan struct{}), left: -1}
	next := func(ctx context.Context, _ *exchange.Request) (*exchange.Response, error) {
		body.ctx = ctx
		return &exchange.Response{
			Status: 200, Proto: "HTTP/1.1", ContentLength: 6, Body: body,
			Header: exchange.FieldsOf(append(fields, "Cache-Control", "max-age=60")...),
		}, nil
	}
	return cache.New(cache.Config{Store: mem.New(mem.Config{Size: 1 << 20}), Next: exchange.RoundTripperFunc(next)}), body
}

// TestRefreshesAreBounded: so many stale responses are refreshed behind, the others are
// validated first.
func TestRefreshesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const refreshes = 16
		s := mem.New(mem.Config{Size: 1 << 20})
		release := make(chan struct{})
		asked := 0
		c := cache.New(cache.Config{Store: s, Next: exchange.RoundTripperFunc(func(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
			resp := &exchange.Response{
				Status: 200, Proto: "HTTP/1.1", ContentLength: 0, Body: &scriptBody{ctx: ctx, wake: make(chan struct{})},
				Header: exchange.FieldsOf("Cache-Control", "max-age=1, stale-while-revalidate=60", "ETag", `"a"`),
			}
			if req.Header.Has("If-None-Match") {
				resp.Status = 304
				if asked++; asked <= refreshes {
					<-release
				}
			}
			return resp, nil
		})})
		get := func(n int) exchange.CacheInfo {
			t.Helper()
			u, _ := url.Parse(fmt.Sprintf("http://origin.test/%d", n))
			resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.Info.Cache
		}
		for n := range refreshes + 1 {
			get(n)
		}
		time.Sleep(2 * time.Second)
		for n := range refreshes + 1 {
			info := get(n)
			synctest.Wait()
			if n < refreshes && (!info.Stale || info.Forward != exchange.ForwardNone) {
				t.Errorf("request %d: %s, want a stale response", n, info.String())
			}
			if n == refreshes && info.ForwardStatus != 304 {
				t.Errorf("request %d: %s, want a validated response", n, info.String())
			}
		}
		close(release)
		c.Close()
	})
}
