package dial_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/neterr"
)

func ExampleDialer_Dial() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	port := ln.Addr().(*net.TCPAddr).AddrPort().Port()

	var d dial.Dialer
	res, err := d.Dial(context.Background(), &dial.Request{Host: "app.localhost", Port: port})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("connected:", res.Conn.RemoteAddr().String() == ln.Addr().String())
	res.Conn.Close()
	ln.Close()

	_, err = d.Dial(context.Background(), &dial.Request{Host: "app.localhost", Port: port})
	fmt.Println("refused:", errors.Is(err, neterr.ConnectionRefused))
	// Output:
	// connected: true
	// refused: true
}
