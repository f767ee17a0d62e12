package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestStress has many goroutines ask for a few files at once, leave in the middle, reload,
// take parts, write and clear. Every byte that anybody gets is right.
func TestStress(t *testing.T) {
	nettest.CheckGoroutines(t)
	s := &faultyStore{Store: mem.New(mem.Config{Size: 4 << 20})}
	c := cache.New(cache.Config{Store: s, Next: lockedServer()})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 80 {
				stress(t, c, r)
			}
		})
	}
	wg.Wait()
	if err := c.Clear(t.Context(), nil); err != nil {
		t.Error(err)
	}
	c.Close()
	if n := s.open(); n != 0 {
		t.Errorf("%d entries are open", n)
	}
	s.Store.Close()
}

// lockedServer is a fileServer for many.
func lockedServer() exchange.RoundTripperFunc {
	return func(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
		f := fileServer{size: 70 << 10, header: exchange.FieldsOf("Cache-Control", "max-age=0")}
		if req.URL.Path > "/2" {
			f.header = exchange.FieldsOf("Cache-Control", "max-age=60", "Vary", "X-A")
		}
		return f.RoundTrip(ctx, req)
	}
}

func stress(t *testing.T, c *cache.Transport, r *rand.Rand) {
	path := "/" + strconv.Itoa(r.IntN(5))
	u, _ := url.Parse("http://origin.test" + path)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := &exchange.Request{URL: u, Header: exchange.FieldsOf("X-A", strconv.Itoa(r.IntN(3)))}
	from, to := 0, 70<<10
	switch r.IntN(10) {
	case 0:
		req.LoadFlags = exchange.BypassCache
	case 1:
		req.LoadFlags = exchange.ValidateCache
	case 2, 3:
		from = r.IntN(to)
		to = from + 1 + r.IntN(to-from)
		req.Header.Add("Range", "bytes="+strconv.Itoa(from)+"-"+strconv.Itoa(to-1))
	case 4:
		req.Method = "PUT"
	case 5:
		if err := c.Clear(ctx, func(i *store.Info) bool { return i.Key.URL == u.String() }); err != nil {
			t.Error(err)
		}
	}
	resp, err := c.RoundTrip(ctx, req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	want := (&fileServer{size: 70 << 10}).content(path)
	if resp.Status == 206 {
		want = want[from:to]
	}
	var got bytes.Buffer
	switch r.IntN(6) {
	case 0:
		want = want[:r.IntN(len(want))]
		_, err = io.CopyN(&got, resp.Body, int64(len(want)))
	case 1:
		go cancel()
		if _, err = got.ReadFrom(resp.Body); errors.Is(err, neterr.Aborted) {
			want, err = want[:got.Len()], nil
		}
	default:
		_, err = got.ReadFrom(resp.Body)
	}
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s %v, status %d, %s: got %d bytes of %d, %v", path, req.Header, resp.Status, resp.Info.Cache.String(), got.Len(), len(want), err)
	}
}
