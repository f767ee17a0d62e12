package nettest_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestPipeEnds(t *testing.T) {
	tests := []struct {
		name      string
		act       func(client, server *nettest.MemConn)
		wantData  string // what the client still reads
		wantRead  error  // and how its reading ends; nil is io.EOF
		wantWrite error  // of a write by the client
	}{
		{
			name:      "close",
			act:       func(_, server *nettest.MemConn) { io.WriteString(server, "last"); server.Close() },
			wantData:  "last",
			wantWrite: syscall.EPIPE,
		},
		{
			name:     "half close",
			act:      func(_, server *nettest.MemConn) { io.WriteString(server, "last"); server.CloseWrite() },
			wantData: "last",
		},
		{
			name:      "reset",
			act:       func(_, server *nettest.MemConn) { io.WriteString(server, "last"); server.Reset() },
			wantData:  "last",
			wantRead:  syscall.ECONNRESET,
			wantWrite: syscall.ECONNRESET,
		},
		{
			name:      "own close",
			act:       func(client, server *nettest.MemConn) { io.WriteString(server, "lost"); client.Close() },
			wantRead:  net.ErrClosed,
			wantWrite: net.ErrClosed,
		},
		{
			name:      "own half close",
			act:       func(client, server *nettest.MemConn) { client.CloseWrite(); server.Close() },
			wantWrite: net.ErrClosed,
		},
		{
			name: "deadline",
			act: func(client, server *nettest.MemConn) {
				io.WriteString(server, "late")
				client.SetDeadline(time.Now().Add(-time.Second))
			},
			wantRead:  os.ErrDeadlineExceeded,
			wantWrite: os.ErrDeadlineExceeded,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server := nettest.Pipe(0)
			tt.act(client, server)
			data, err := io.ReadAll(client)
			if string(data) != tt.wantData || !errors.Is(err, tt.wantRead) {
				t.Errorf("read: got %q, %v; want %q, %v", data, err, tt.wantData, tt.wantRead)
			}
			if _, err := io.WriteString(client, "x"); !errors.Is(err, tt.wantWrite) {
				t.Errorf("write: got %v, want %v", err, tt.wantWrite)
			}
			for _, c := range []*nettest.MemConn{client, server} {
				c.Close()
				if err := c.Close(); err != nil {
					t.Errorf("second Close: got %v, want nil", err)
				}
			}
		})
	}
}

func TestPipeErrorIsOpError(t *testing.T) {
	client, server := nettest.Pipe(0)
	defer client.Close()
	server.Reset()
	_, err := client.Read(make([]byte, 1))
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "read" || op.Addr.String() != "127.0.0.1:80" {
		t.Errorf("got %v, want a *net.OpError of read from 127.0.0.1:80", err)
	}
	client.SetDeadline(time.Time{})
	if timeout, ok := err.(net.Error); !ok || timeout.Timeout() {
		t.Errorf("got %v, want a net.Error that is no timeout", err)
	}
}

func TestPipeWriteBlocksWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := nettest.Pipe(4)
		want := strings.Repeat("0123456789", 10)
		written := false
		go func() {
			io.WriteString(client, want)
			written = true
			client.Close()
		}()
		synctest.Wait()
		if written {
			t.Error("100 bytes were written into a buffer of 4")
		}
		got, err := io.ReadAll(server)
		if string(got) != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}

func TestPipeUnlimited(t *testing.T) {
	client, server := nettest.Pipe(-1)
	want := 1 << 20
	if n, err := client.Write(make([]byte, want)); n != want || err != nil {
		t.Fatalf("write: got %d, %v; want %d", n, err, want)
	}
	client.Close()
	if n, _ := io.Copy(io.Discard, server); n != int64(want) {
		t.Errorf("read: got %d bytes, want %d", n, want)
	}
}

func TestPipeDeadlines(t *testing.T) {
	tests := []struct {
		name string
		set  func(*nettest.MemConn, time.Time) error
		call func(*nettest.MemConn) error
	}{
		{"read", (*nettest.MemConn).SetReadDeadline, func(c *nettest.MemConn) error {
			_, err := c.Read(make([]byte, 1))
			return err
		}},
		{"write", (*nettest.MemConn).SetWriteDeadline, func(c *nettest.MemConn) error {
			_, err := c.Write(make([]byte, 64))
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := nettest.Pipe(8)
				defer server.Close()
				start := time.Now()
				// The first deadline must not count once another is set, and a
				// call that already waits must see the second.
				tt.set(client, start.Add(time.Second))
				go func() {
					time.Sleep(time.Second / 2)
					tt.set(client, start.Add(time.Hour))
				}()
				err := tt.call(client)
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
				}
				if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
					t.Errorf("got %v, want a timeout", err)
				}
				if got := time.Since(start); got != time.Hour {
					t.Errorf("failed after %v, want 1h", got)
				}
				client.Close()
				if err := tt.set(client, time.Time{}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("deadline after Close: got %v, want %v", err, net.ErrClosed)
				}
			})
		})
	}
}

func TestPipeCloseUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := nettest.Pipe(1)
		errs := make(chan error, 2)
		go func() {
			_, err := client.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := client.Write(make([]byte, 2))
			errs <- err
		}()
		synctest.Wait()
		client.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want %v", err, net.ErrClosed)
			}
		}
		server.Close()
	})
}
