package h1_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
)

func Example() {
	client, server := net.Pipe()
	go func() { // a server of few words
		if _, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
			io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		}
	}()

	c := h1.NewConn(client, h1.Config{})
	defer c.Close(nil)
	if err := c.Reserve(); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := c.RoundTrip(context.Background(), &exchange.Request{
		URL:    &url.URL{Scheme: "http", Host: "example.com", Path: "/"},
		Header: exchange.FieldsOf("Accept", "*/*"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(resp.Body) // its end frees the connection
	fmt.Println(resp.Status, resp.StatusText, string(body), err, c.Available())
	// Output: 200 OK hello <nil> 1
}
