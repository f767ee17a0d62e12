package cache_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestCancelledBetweenReads: a Read that begins after the context has ended does not wait
// for the network.
func TestCancelledBetweenReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mem.New(mem.Config{Size: 1 << 20})
		body := &scriptBody{wake: make(chan struct{}), left: -1}
		c := cache.New(cache.Config{Store: s, Next: exchange.RoundTripperFunc(func(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
			body.ctx = ctx
			return &exchange.Response{
				Status: 200, Proto: "HTTP/1.1", ContentLength: 6, Body: body,
				Header: exchange.FieldsOf("Cache-Control", "max-age=60"),
			}, nil
		})})
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		u, _ := url.Parse("http://origin.test/")
		resp, err := c.RoundTrip(ctx, &exchange.Request{URL: u})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body.send("abc", nil)
		p := make([]byte, 10)
		if n, err := resp.Body.Read(p); string(p[:n]) != "abc" || err != nil {
			t.Fatalf("got %q, %v", p[:n], err)
		}
		cancel()
		synctest.Wait()
		if n, err := resp.Body.Read(p); n != 0 || !errors.Is(err, neterr.Aborted) {
			t.Errorf("got %q, %v; want %v", p[:n], err, neterr.Aborted)
		}
	})
}
