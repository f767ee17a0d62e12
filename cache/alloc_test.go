package cache_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
)

// TestAllocations pins what a fresh hit out of memory costs:
//
//  1. the key
//  2. its URL
//  3. the store's entry
//  4. the reply: response, body and header fields in one
//
// and what the adapter to net/http adds.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c := newBench(t, 1<<10)
	u, _ := url.Parse("https://www.example.com/main.css")
	buf := make([]byte, 4<<10)
	get(t, c, u, usualHeader, buf)
	req := &exchange.Request{URL: u, Header: usualHeader}
	got := testing.AllocsPerRun(200, func() {
		resp, err := c.RoundTrip(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp.Body, buf)
	})
	if got > 4 {
		t.Errorf("a hit allocates %v times, want 4", got)
	}
	rt := exchange.HTTP(c)
	hr := &http.Request{Method: "GET", URL: u, Header: exchange.HTTPHeader(usualHeader)}
	got = testing.AllocsPerRun(200, func() {
		resp, err := rt.RoundTrip(hr)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp.Body, buf)
	})
	if got > 10 {
		t.Errorf("a hit through exchange.HTTP allocates %v times, want at most 10", got)
	}
}
