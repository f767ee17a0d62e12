package cache_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
)

// Example puts a cache around net/http's own transport.
func Example() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "hello")
	}))
	defer srv.Close()

	s := mem.New(mem.Config{Size: 64 << 20})
	defer s.Close()
	c := cache.New(cache.Config{Store: s, Next: exchange.From(http.DefaultTransport)})
	defer c.Close()
	client := &http.Client{Transport: exchange.HTTP(c)}

	for range 2 {
		ctx := exchange.WithOptions(context.Background(), &exchange.Options{
			OnInfo: func(i *exchange.Info) { fmt.Println("hit:", i.Cache.Hit) },
		})
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%s\n", body)
	}
	// Output:
	// hit: false
	// hello
	// hit: true
	// hello
}
