package tls_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

const host = "example.test"

// certificate is one that the tests' servers show.
func certificate(ca *nettest.CA) []stdtls.Certificate {
	return []stdtls.Certificate{ca.Issue(host, "127.0.0.1")}
}

func verifier(ca *nettest.CA) *certverify.Verifier {
	return certverify.New(certverify.Config{Roots: ca.Pool()})
}

func newClient(t testing.TB, cfg tls.Config) *tls.Client {
	t.Helper()
	c, err := tls.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A server answers on loopback and notes what each connection brought.
type server struct {
	addr netip.AddrPort
	done chan *session // one for each connection that ended
}

// A session is one connection as the server saw it.
type session struct {
	wire bytes.Buffer // as read from the socket
	data bytes.Buffer // after decryption
	err  error        // of the handshake
}

// serve runs handle for each connection until the test ends.
func serve(t testing.TB, handle func(net.Conn, *session)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{l.Addr().(*net.TCPAddr).AddrPort(), make(chan *session, 256)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				se := new(session)
				handle(recorder{c, &se.wire}, se)
				s.done <- se
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return s
}

// serveTLS runs an echo server.
func serveTLS(t testing.TB, cfg *stdtls.Config) *server {
	return serve(t, func(c net.Conn, se *session) {
		conn := stdtls.Server(c, cfg)
		if se.err = conn.Handshake(); se.err == nil {
			_, _ = io.Copy(conn, io.TeeReader(conn, &se.data))
			_ = conn.Close()
		}
	})
}

type recorder struct {
	net.Conn
	w *bytes.Buffer
}

func (r recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.w.Write(b[:n])
	return n, err
}

func (s *server) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(s.addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *server) request() *tls.Request { return &tls.Request{Host: host, Port: s.addr.Port()} }

// connect makes a connection that must succeed.
func (s *server) connect(t testing.TB, c *tls.Client, r *tls.Request) *tls.Conn {
	t.Helper()
	conn, err := c.Handshake(t.Context(), s.dial(t), r)
	if err != nil {
		t.Fatalf("handshake: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// refused makes a connection that must fail.
func (s *server) refused(t testing.TB, c *tls.Client, r *tls.Request) error {
	t.Helper()
	raw := s.dial(t)
	conn, err := c.Handshake(t.Context(), raw, r)
	if err == nil || conn != nil {
		t.Fatalf("handshake: got %v, %v; want nil and an error", conn, err)
	}
	if _, err := raw.Write([]byte("x")); err == nil {
		t.Error("the connection below is still open")
	}
	return err
}

// echo sends a message and waits for it to come back.
func echo(t testing.TB, c net.Conn) {
	t.Helper()
	if err := tryEcho(c); err != nil {
		t.Fatal(err)
	}
}

// tryEcho is echo for goroutines that must not end the test.
func tryEcho(c net.Conn) error {
	const msg = "hello, server"
	if _, err := io.WriteString(c, msg); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	got := make([]byte, len(msg))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != msg {
		return fmt.Errorf("echo: got %q, %w; want %q", got, err, msg)
	}
	return nil
}

func deadline(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
