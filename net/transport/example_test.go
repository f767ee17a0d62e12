package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/transport"
)

func Example() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	t := transport.New(transport.Config{})
	defer t.Close()
	for range 2 {
		resp, err := t.RoundTrip(context.Background(), &exchange.Request{URL: u})
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body) // its end gives the connection back
		fmt.Println(resp.Status, string(body), err, resp.Info.Reused)
	}
	// Output:
	// 200 hello <nil> false
	// 200 hello <nil> true
}

func ExampleTransport_Preconnect() {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	t := transport.New(transport.Config{})
	defer t.Close()
	if err := t.Preconnect(context.Background(), transport.Preconnect{URL: u, N: 1}); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := t.RoundTrip(context.Background(), &exchange.Request{URL: u})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println("waited for a connection:", !resp.Info.Reused)
	// Output: waited for a connection: false
}
