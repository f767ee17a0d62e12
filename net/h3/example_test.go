package h3_test

import (
	"context"
	stdtls "crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/nettest"
)

// A connection by itself: whoever has a QUIC connection can send requests over it, here
// to quic-go's server.
func Example() {
	ca := nettest.NewCA()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer socket.Close()
	srv := &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(ca.Config("a.test")),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s, priority %s", r.Proto, r.URL.Path, r.Header.Get("Priority"))
		}),
	}
	go srv.Serve(socket)
	defer srv.Close()

	ctx := context.Background()
	client := &stdtls.Config{RootCAs: ca.Pool(), ServerName: "a.test", NextProtos: []string{"h3"}}
	qc, err := quic.DialAddrEarly(ctx, socket.LocalAddr().String(), client, h3.QUICConfig())
	if err != nil {
		panic(err)
	}
	c, err := h3.NewConn(ctx, qc, h3.Config{Host: "a.test:443"})
	if err != nil {
		panic(err)
	}
	defer c.Close(nil)
	if err := c.Reserve(); err != nil {
		panic(err)
	}
	resp, err := c.RoundTrip(ctx, &exchange.Request{
		URL: &url.URL{Scheme: "https", Host: "a.test", Path: "/hello"}, Priority: exchange.Highest,
	})
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(body), err)
	// Output: 200 HTTP/3.0 /hello, priority u=0, i <nil>
}
