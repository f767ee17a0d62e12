package nettest_test

import (
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestServerReadHead(t *testing.T) {
	long := "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 10000) + "\r\n\r\n"
	tests := []struct {
		name string
		send string
		want []string
		err  error // of the last call
	}{
		{name: "one", send: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", want: []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, err: io.EOF},
		{name: "pipelined", send: "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", want: []string{"GET /1 HTTP/1.1\r\n\r\n", "GET /2 HTTP/1.1\r\n\r\n"}, err: io.EOF},
		{name: "longer than the buffer", send: long, want: []string{long}, err: io.EOF},
		{name: "nothing", err: io.EOF},
		{name: "cut", send: "GET / HT", want: []string{"GET / HT"}, err: io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			var last error
			done := make(chan struct{})
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				defer close(done)
				for last == nil {
					var head string
					if head, last = c.ReadHead(); head != "" {
						got = append(got, head)
					}
				}
			})
			c := dial(t, srv)
			io.WriteString(c, tt.send)
			c.(*net.TCPConn).CloseWrite()
			<-done
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if last != tt.err {
				t.Errorf("got error %v, want %v", last, tt.err)
			}
		})
	}
}

func TestServerReadHeadIsBounded(t *testing.T) {
	got := make(chan error, 1)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		_, err := c.ReadHead()
		got <- err
	})
	io.WriteString(dial(t, srv), strings.Repeat("x", 2<<20))
	if err := <-got; err == nil {
		t.Error("a head of 2 MiB was taken, want an error")
	}
}

func TestServerEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(*nettest.Conn)
		want error // of the client's read; nil is io.EOF
	}{
		{"return", func(*nettest.Conn) {}, nil},
		{"close", func(c *nettest.Conn) { c.Close() }, nil},
		{"cut", func(c *nettest.Conn) { c.Cut() }, nil},
		{"half close", func(c *nettest.Conn) { c.CloseWrite(); c.WaitClose() }, nil},
		{"reset", func(c *nettest.Conn) { c.Reset() }, syscall.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				tt.end(c)
			})
			c := dial(t, srv)
			io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
			if _, err := io.ReadAll(c); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestServerCounts(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := nettest.NewServer(t, func(c *nettest.Conn) { c.WaitClose() })
	a, b := dial(t, srv), dial(t, srv)
	nettest.Eventually(t, "two connections open", func() bool { return srv.Open() == 2 })
	a.Close()
	nettest.Eventually(t, "one connection open", func() bool { return srv.Open() == 1 })
	if got, want := srv.Accepted(), 2; got != want {
		t.Errorf("accepted: got %d, want %d", got, want)
	}
	if got, want := srv.MaxOpen(), 2; got != want {
		t.Errorf("most at once: got %d, want %d", got, want)
	}
	srv.Close()
	if got := srv.Open(); got != 0 {
		t.Errorf("open after Close: got %d, want 0", got)
	}
	if _, err := b.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlived its server")
	}
	srv.Close()
}

func TestServerTLS(t *testing.T) {
	ca := nettest.NewCA()
	state := make(chan stdtls.ConnectionState, 1)
	srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), func(c *nettest.Conn) {
		state <- c.TLS()
		nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(c)
	})
	transport := &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}}
	defer transport.CloseIdleConnections()
	for range 2 {
		resp, err := (&http.Client{Transport: transport}).Get(srv.URL())
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "ok" || err != nil {
			t.Errorf("got %q, %v; want ok", body, err)
		}
		resp.Body.Close()
	}
	if s := <-state; !s.HandshakeComplete {
		t.Error("the handler ran before the handshake")
	}
	if got, want := srv.Accepted(), 1; got != want {
		t.Errorf("accepted: got %d, want %d", got, want)
	}
	// A failed handshake is the client's matter alone.
	if _, err := http.Get(srv.URL()); err == nil {
		t.Error("an unknown authority was trusted")
	}
}

// Closing must end a client's handshake that never comes, and so the test.
func TestServerCloseDuringHandshake(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := nettest.NewTLSServer(t, nettest.NewCA().Config("localhost"), func(*nettest.Conn) {
		t.Error("the handler ran without a handshake")
	})
	dial(t, srv)
	nettest.Eventually(t, "one connection open", func() bool { return srv.Open() == 1 })
	srv.Close()
}

func TestCAListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := nettest.NewCA()
	ln := ca.Listener(inner, "localhost")
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, "secret")
		c.Close()
	}()
	c, err := stdtls.Dial("tcp", ln.Addr().String(), &stdtls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); string(got) != "secret" || err != nil {
		t.Errorf("got %q, %v; want secret", got, err)
	}
	<-done
}

func dial(t *testing.T, srv *nettest.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
