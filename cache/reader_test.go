package cache_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestCancelledBetweenReads: a Read that begins after the context has ended does not wait
// for the network.
func TestCancelledBetweenReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, body := pouring()
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
