package tls_test

import (
	"context"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
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

// A server that wants to know who we are costs one connection more, once.
func ExampleClient_SetClientCertificate() {
	ca := nettest.NewCA()
	cfg := ca.Config("example.test")
	cfg.ClientAuth, cfg.ClientCAs = stdtls.RequireAndVerifyClientCert, ca.Pool()
	l, err := stdtls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
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
	issued := ca.Issue("alice")
	mine := &tls.ClientCertificate{Chain: []*x509.Certificate{issued.Leaf}, Key: issued.PrivateKey.(crypto.Signer)}

	client, err := tls.NewClient(tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	connect := func() (*tls.Conn, error) {
		raw, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		return client.Handshake(context.Background(), raw, &tls.Request{Host: "example.test", Port: 443})
	}
	conn, err := connect()
	var want *tls.ClientAuthError
	if errors.As(err, &want) {
		fmt.Println(neterr.CodeOf(err), want.Host, len(want.Authorities))
		if err = client.SetClientCertificate(want.Host, want.Port, mine); err == nil {
			conn, err = connect()
		}
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	body, err := io.ReadAll(conn)
	fmt.Println(string(body), err)
	// Output:
	// net::ERR_SSL_CLIENT_AUTH_CERT_NEEDED example.test 1
	// welcome <nil>
}
