package exchange_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kaon-net/kaon/net/exchange"
)

// One layer of Kaon can stand around any http.RoundTripper: adapt it, wrap it, and
// adapt the whole back.
func Example() {
	inner := exchange.RoundTripperFunc(func(_ context.Context, r *exchange.Request) (*exchange.Response, error) {
		return &exchange.Response{Status: 204, StatusText: "No Content", Proto: "HTTP/1.1", Body: http.NoBody}, nil
	})
	stamped := exchange.RoundTripperFunc(func(ctx context.Context, r *exchange.Request) (*exchange.Response, error) {
		r.Header.Set("X-Stamp", "1")
		return inner.RoundTrip(ctx, r)
	})
	client := &http.Client{Transport: exchange.HTTP(stamped)}
	resp, err := client.Get("http://example.com/")
	fmt.Println(resp.Status, err)
	// Output: 204 No Content <nil>
}
