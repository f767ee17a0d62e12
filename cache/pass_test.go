package cache_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
)

// A slowOrigin takes a second for each answer and counts how many it is at.
type slowOrigin struct {
	mu        sync.Mutex
	control   string // Cache-Control of the answers
	now, most int
	asked     int
}

func (o *slowOrigin) RoundTrip(context.Context, *exchange.Request) (*exchange.Response, error) {
	o.mu.Lock()
	o.asked++
	o.now++
	o.most = max(o.most, o.now)
	control := o.control
	o.mu.Unlock()
	time.Sleep(time.Second)
	o.mu.Lock()
	o.now--
	o.mu.Unlock()
	return &exchange.Response{
		Status: 200, Proto: "HTTP/1.1", Header: exchange.FieldsOf("Cache-Control", control), Body: http.NoBody,
	}, nil
}

// TestPass: once a response could not be stored, requests for it do not wait for each
// other, for a while; and one that can be stored is found out about.
func TestPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &slowOrigin{control: "no-store"}
		c := cache.New(cache.Config{Store: mem.New(mem.Config{Size: 1 << 20}), Next: o})
		defer c.Close()
		u, _ := url.Parse("http://origin.test/")
		send := func(n int) {
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u})
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
				})
			}
			wg.Wait()
		}
		want := func(what string, asked, most int) {
			t.Helper()
			if o.asked != asked || o.most != most {
				t.Errorf("%s: the origin was asked %d times, %d at once; want %d and %d", what, o.asked, o.most, asked, most)
			}
			o.asked, o.most = 0, 0
		}
		send(1)
		want("the first", 1, 1)
		begun := time.Now()
		send(16)
		want("those after it", 16, 16)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("they took %v, want a second: they waited for each other", took)
		}
		o.control = "max-age=60"
		send(1)
		want("the one that finds out", 1, 1)
		send(1)
		want("the one that is stored", 1, 1)
		send(16)
		want("hits", 0, 0)

		other, _ := url.Parse("http://origin.test/other")
		u, o.control = other, "no-store"
		send(1)
		want("another", 1, 1)
		time.Sleep(11 * time.Second)
		o.control = "max-age=60"
		send(16)
		want("what was forgotten is shared", 1, 1)
	})
}

// TestPassIsFree: the cache costs what it passes nothing.
func TestPassIsFree(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	resp := exchange.Response{Status: 200, Proto: "HTTP/1.1", Header: exchange.FieldsOf("Cache-Control", "no-store"), Body: http.NoBody}
	c := cache.New(cache.Config{
		Store: mem.New(mem.Config{Size: 1 << 20}),
		Next: exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
			return &resp, nil
		}),
	})
	defer c.Close()
	u, _ := url.Parse("https://www.example.com/main.css?v=1")
	req := &exchange.Request{URL: u, Header: usualHeader}
	if n := testing.AllocsPerRun(200, func() {
		if _, err := c.RoundTrip(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}
