package nettest

import (
	"context"
	stdtls "crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// ServeHTTP3 answers the requests that come over socket with h, by quic-go's server. stop
// ends that, its connections and the socket, and waits.
//
// The goroutines that listen run when it returns: [CheckGoroutines] knows them then.
func ServeHTTP3(socket net.PacketConn, config *stdtls.Config, h http.Handler) (stop func(), err error) {
	ln, err := quic.ListenEarly(socket, http3.ConfigureTLSConfig(config), &quic.Config{Allow0RTT: true})
	if err != nil {
		return nil, err
	}
	srv := &http3.Server{Handler: h}
	var served sync.WaitGroup
	served.Go(func() { srv.ServeListener(ln) })
	return func() {
		srv.Close()
		ln.Close()
		socket.Close()
		served.Wait()
	}, nil
}

// NewHTTP3Server is [ServeHTTP3] at a free port of 127.0.0.1 until the test ends. It
// returns the port.
func NewHTTP3Server(t testing.TB, config *stdtls.Config, h http.Handler) uint16 {
	t.Helper()
	socket := UDP(t)
	stop, err := ServeHTTP3(socket, config, h)
	if err != nil {
		t.Fatalf("nettest: listen for HTTP/3: %v", err)
	}
	t.Cleanup(stop)
	return PortOf(socket)
}

// A QUICConn is a connection of a [NewQUICServer].
type QUICConn = quic.Conn

// NewQUICServer accepts QUIC connections at a free port of 127.0.0.1, for any protocol
// that config names, and has handle do with them what it likes, on goroutines of their
// own. When the test ends they are closed and the handlers are waited for. It returns the
// port.
func NewQUICServer(t testing.TB, config *stdtls.Config, handle func(*QUICConn)) uint16 {
	t.Helper()
	socket := UDP(t)
	tr := &quic.Transport{Conn: socket}
	ln, err := tr.Listen(config, nil)
	if err != nil {
		t.Fatalf("nettest: listen for QUIC: %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept(context.Background())
			if err != nil {
				return
			}
			wg.Go(func() { handle(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		tr.Close()
		wg.Wait()
	})
	return PortOf(socket)
}

// CloseQUIC ends c with a code of its application.
func CloseQUIC(c *QUICConn, code uint64) { c.CloseWithError(quic.ApplicationErrorCode(code), "") }

// UDP returns a socket at a free port of 127.0.0.1. It closes with the test.
func UDP(t testing.TB) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatalf("nettest: listen: %v", err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// PortOf returns the port that a socket is at.
func PortOf(socket net.PacketConn) uint16 {
	return socket.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}
