package cache_test

import (
	"bytes"
	"io"
	"net/url"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLog holds the events of a miss, a hit and a validation to Chromium's.
func TestNetLog(t *testing.T) {
	var file bytes.Buffer
	log := netlog.New(nil)
	if err := log.Start(&file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	s := mem.New(mem.Config{Size: 1 << 20})
	c := cache.New(cache.Config{Store: s, Next: &fileServer{size: 3, header: exchange.FieldsOf("Cache-Control", "max-age=60")}})
	u, _ := url.Parse("http://origin.test/a")
	for _, flags := range []exchange.LoadFlags{0, 0, exchange.ValidateCache} {
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u, LoadFlags: flags, NetLog: log.Source(netlog.SourceURLRequest)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	c.Close()
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	last := 0
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		if e.SourceID != last {
			got, last = append(got, nil), e.SourceID
		}
		got[len(got)-1] = append(got[len(got)-1], e.String())
	}
	begin := []string{"HTTP_CACHE_CALLER_REQUEST_HEADERS", "+HTTP_CACHE_GET_BACKEND", "-HTTP_CACHE_GET_BACKEND", "+HTTP_CACHE_OPEN_ENTRY", "-HTTP_CACHE_OPEN_ENTRY"}
	read := []string{"+HTTP_CACHE_READ_INFO", "-HTTP_CACHE_READ_INFO"}
	data := []string{"+HTTP_CACHE_READ_DATA", "-HTTP_CACHE_READ_DATA"}
	commit := []string{"+HTTP_CACHE_WRITE_INFO", "-HTTP_CACHE_WRITE_INFO"}
	want := [][]string{
		slices.Concat(begin, []string{"+HTTP_CACHE_WRITE_DATA", "-HTTP_CACHE_WRITE_DATA"}, commit),
		slices.Concat(begin, read, data),
		slices.Concat(begin, read, commit, data),
	}
	for i := range want {
		if i >= len(got) || !slices.Equal(got[i], want[i]) {
			t.Errorf("request %d:\ngot  %v\nwant %v", i+1, got[i], want[i])
		}
	}
}
