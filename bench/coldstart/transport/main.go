// Command transport is a cold start of net/transport alone: it gets a URL and writes
// the first byte of the body.
package main

import (
	"context"
	"io"
	"log"
	"net/url"
	"os"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/transport"
)

func main() {
	u, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	t := transport.New(transport.Config{})
	defer t.Close()
	resp, err := t.RoundTrip(context.Background(), &exchange.Request{URL: u})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(os.Stdout, resp.Body, 1); err != nil {
		log.Fatal(err)
	}
}
