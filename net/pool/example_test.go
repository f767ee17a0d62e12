package pool_test

import (
	"context"
	"fmt"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/pool"
)

func Example() {
	p := pool.New(pool.Config{
		MaxConnsPerHost: 2,
		Connect: func(_ context.Context, r *pool.Request) (pool.Conn, error) {
			fmt.Println("connecting to", r.Key)
			return &fakeConn{}, nil // dial and shake hands here
		},
	})
	defer p.Close()

	ctx := context.Background()
	req := &pool.Request{
		Key:      pool.Key{Scheme: "https", Host: "example.com", Port: 443},
		Priority: exchange.Medium,
	}
	for range 2 {
		c, reused, err := p.Acquire(ctx, req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := c.RoundTrip(ctx, &exchange.Request{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Status, "reused:", reused)
		c.Release() // a real connection does this when the response's body ends
	}
	// Output:
	// connecting to https://example.com
	// 200 reused: false
	// 200 reused: true
}

func ExamplePool_Preconnect() {
	p := pool.New(pool.Config{
		Connect: func(context.Context, *pool.Request) (pool.Conn, error) { return &fakeConn{}, nil },
	})
	defer p.Close()

	ctx := context.Background()
	req := &pool.Request{Key: pool.Key{Scheme: "https", Host: "example.com", Port: 443}}
	fmt.Println(p.Preconnect(ctx, req, 2))
	_, reused, err := p.Acquire(ctx, req)
	fmt.Println(reused, err)
	// Output:
	// <nil>
	// true <nil>
}
