package h2_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
)

// A connection by itself: whoever has a net.Conn that speaks HTTP/2 can send requests
// over it, here in plain text to net/http's server.
func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	srv := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s, priority %s", r.Proto, r.URL.Path, r.Header.Get("Priority"))
	})}
	srv.Protocols.SetUnencryptedHTTP2(true)
	go srv.Serve(l)
	defer srv.Close()

	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	c, err := h2.NewConn(nc, h2.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(nil)
	if err := c.Reserve(); err != nil {
		panic(err)
	}
	resp, err := c.RoundTrip(context.Background(), &exchange.Request{
		URL: &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/hello"}, Priority: exchange.Highest,
	})
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(body), err)
	// Output: 200 HTTP/2.0 /hello, priority u=0, i <nil>
}
