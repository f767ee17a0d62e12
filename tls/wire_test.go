package tls_test

import (
	"bytes"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
)

// A counted connection counts the writes that reach it.
type counted struct {
	net.Conn
	writes atomic.Int32
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestLargeWrites: records are full and go out four at a time, and the server gets what
// was written, large and small, in its order.
func TestLargeWrites(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		t.Run(stdtls.VersionName(version), func(t *testing.T) {
			ca := nettest.NewCA()
			s := serve(t, func(c net.Conn, se *session) {
				conn := stdtls.Server(c, &stdtls.Config{Certificates: certificate(ca), MinVersion: version, MaxVersion: version})
				_, se.err = io.Copy(&se.data, conn)
			})
			below := &counted{Conn: s.dial(t)}
			conn, err := newClient(t, tls.Config{Verifier: verifier(ca)}).Handshake(t.Context(), below, s.request())
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			for i, tt := range []struct{ size, writes int }{
				{0, 0}, {1, 1}, {16 << 10, 1}, {16<<10 + 1, 1}, {64 << 10, 1}, {10, 1}, {64<<10 + 1, 2}, {1 << 20, 16}, {1<<20 - 1, 16},
			} {
				before := below.writes.Load()
				p := bytes.Repeat([]byte{byte(i)}, tt.size)
				if n, err := conn.Write(p); n != tt.size || err != nil {
					t.Fatalf("%d bytes: %d, %v", tt.size, n, err)
				}
				if got := int(below.writes.Load() - before); got != tt.writes {
					t.Errorf("%d bytes in %d writes, want %d", tt.size, got, tt.writes)
				}
				want.Write(p)
			}
			conn.Close()
			se := <-s.done
			if se.err != nil || !bytes.Equal(se.data.Bytes(), want.Bytes()) {
				t.Errorf("the server got %d bytes, %v; want %d", se.data.Len(), se.err, want.Len())
			}
		})
	}
}

// TestWritesAtOnce: each Write stays in one piece.
func TestWritesAtOnce(t *testing.T) {
	const writers, writes, size = 8, 20, 40_000
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	conn := s.connect(t, newClient(t, tls.Config{Verifier: verifier(ca)}), s.request())
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range writes {
				if _, err := conn.Write(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	got := make([]byte, size)
	for range writers * writes {
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(got, got[:1]); n != size {
			t.Fatal("two writes are mixed")
		}
	}
	wg.Wait()
}

// TestBeforeRead: it is called where Read may block, and not for what is there.
func TestBeforeRead(t *testing.T) {
	const size = 40_000
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	conn := s.connect(t, newClient(t, tls.Config{Verifier: verifier(ca)}), s.request())
	calls := 0
	conn.BeforeRead(func() { calls++ })
	if _, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	reads := 0
	for got := 0; got < size; reads++ {
		n, err := conn.Read(make([]byte, 10))
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
	if calls == 0 || calls > reads/10 {
		t.Errorf("got %d calls in %d reads", calls, reads)
	}
}

// stuck runs f, in fake time, with a connection whose server does not read.
func stuck(t *testing.T, f func(t *testing.T, conn *tls.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		ca := nettest.NewCA() // in the bubble, whose time its certificate is to fit
		client, server := nettest.Pipe(200 << 10)
		handshake := make(chan error, 1)
		go func() {
			handshake <- stdtls.Server(server, &stdtls.Config{Certificates: certificate(ca)}).Handshake()
		}()
		conn, err := newClient(t, tls.Config{Verifier: verifier(ca)}).Handshake(t.Context(), client, &tls.Request{Host: host, Port: 443})
		if err = errors.Join(err, <-handshake); err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		f(t, conn)
	})
}

// TestCloseUnderWrite: Close does not wait for a Write that the server holds up.
func TestCloseUnderWrite(t *testing.T) {
	stuck(t, func(t *testing.T, conn *tls.Conn) {
		done := make(chan error)
		go func() {
			_, err := conn.Write(make([]byte, 1<<20))
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		conn.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

// TestWriteDeadline: a Write that times out tells how much it wrote at least.
func TestWriteDeadline(t *testing.T) {
	stuck(t, func(t *testing.T, conn *tls.Conn) {
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		start := time.Now()
		n, err := conn.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if n != 3*64<<10 {
			t.Errorf("%d bytes written, want those of the three writes for which there was room", n)
		}
		conn.Close()
	})
}
