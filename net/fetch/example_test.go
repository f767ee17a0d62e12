package fetch_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
)

// A transport goes here; this one answers by itself.
var next = exchange.RoundTripperFunc(func(_ context.Context, r *exchange.Request) (*exchange.Response, error) {
	resp := &exchange.Response{Status: 200, Body: io.NopCloser(strings.NewReader(r.Method + " " + r.URL.String()))}
	if r.URL.Path == "/old" {
		resp.Status = 302
		resp.Header.Add("Location", "new#part")
	}
	return resp, nil
})

func Example() {
	f := fetch.New(fetch.Config{Next: next, AcceptLanguages: "sv,en"})
	resp, err := f.Fetch(context.Background(), "https://Example.com/a/../old", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := resp.Text()
	fmt.Println(text, err)
	fmt.Println(resp.URL, resp.Redirected)
	// Output:
	// GET https://example.com/new <nil>
	// https://example.com/new#part true
}

func ExampleParseURL() {
	for _, s := range []string{"HTTP://EXAMPLE.com:80/a/./b|c?d'", "http://0x7f.1/", "http://exa mple/"} {
		u, err := fetch.ParseURL(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(u.Host, u.RequestURI())
	}
	// Output:
	// example.com /a/b|c?d%27
	// 127.0.0.1 /
	// net::ERR_INVALID_URL: parse: invalid URL
}
