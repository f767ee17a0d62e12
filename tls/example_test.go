package tls_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

func Example() {
	ca := nettest.NewCA()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	l := ca.Listener(inner, "example.test")
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.WriteString(c, "welcome") }()
		}
	}()

	client, err := tls.NewClient(tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, host := range []string{"example.test", "wrong.test"} {
		raw, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			fmt.Println(err)
			return
		}
		conn, err := client.Handshake(context.Background(), raw, &tls.Request{Host: host, Port: 443})
		if err != nil {
			fmt.Println(host, errors.Is(err, neterr.CertCommonNameInvalid))
			continue
		}
		body, err := io.ReadAll(conn)
		fmt.Printf("%s %s %s %v\n", host, conn.State().NegotiatedProtocol, body, err)
		conn.Close()
	}
	// Output:
	// example.test http/1.1 welcome <nil>
	// wrong.test true
}
