package nettest_test

import (
	"context"
	"fmt"
	"io"

	"github.com/kaon-net/kaon/net/nettest"
)

// A connection in memory, without a socket.
func ExampleNetwork() {
	var network nettest.Network
	ln, err := network.Listen("192.0.2.1:80")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()

	client, err := network.Dial(context.Background(), "tcp", "192.0.2.1:80")
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	io.WriteString(server, "hello") // buffered: it needs no reader to return
	server.Close()
	got, err := io.ReadAll(client)
	fmt.Println(string(got), err)
	// Output: hello <nil>
}
