package h1_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/nettest"
)

const smallAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

// A canned connection answers each write with the same bytes, at once and without
// allocating, so that what is counted is the client's alone.
type canned struct {
	net.Conn // the methods that no exchange calls
	left     string
}

func (c *canned) Write(p []byte) (int, error) { c.left = smallAnswer; return len(p), nil }

func (c *canned) Read(p []byte) (int, error) {
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *canned) RemoteAddr() net.Addr { return &net.TCPAddr{} }
func (c *canned) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (c *canned) Close() error         { return nil }

// TestAllocations pins what one small GET costs:
//
//  1. the exchange: request state, response, body and nine fields in one
//  2. the received head, as the one string that all fields are parts of
//
// and, only where the context can end, the watch on it (context.AfterFunc: its state
// and the stop function).
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want float64
	}{
		{name: "background", ctx: context.Background(), want: 2},
		{name: "cancellable", ctx: ctx, want: 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h1.NewConn(&canned{}, h1.Config{})
			req := get("/")
			req.Header = exchange.FieldsOf("Accept", "*/*", "User-Agent", "test")
			buf := make([]byte, 64)
			got := testing.AllocsPerRun(100, func() {
				if err := c.Reserve(); err != nil {
					t.Fatal(err)
				}
				resp, err := c.RoundTrip(tt.ctx, req)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := resp.Body.Read(buf); n != 2 || err != io.EOF {
					t.Fatalf("read %d bytes, %v", n, err)
				}
			})
			if got != tt.want {
				t.Errorf("got %v allocations, want %v", got, tt.want)
			}
		})
	}
}

// BenchmarkRoundTrip is a small GET on one kept connection over loopback, beside
// net/http's against the same server. The bytes and CPU of the server, which shares
// the process, count for both.
func BenchmarkRoundTrip(b *testing.B) {
	srv := nettest.NewServer(b, nettest.Respond(smallAnswer))
	b.Run("h1", func(b *testing.B) {
		c := connect(b, srv, h1.Config{})
		c.Release()
		req := get("/")
		buf := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Reserve(); err != nil {
				b.Fatal(err)
			}
			resp, err := c.RoundTrip(context.Background(), req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := resp.Body.Read(buf); err != io.EOF {
				b.Fatal(err)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		req, err := http.NewRequest(http.MethodGet, srv.URL(), nil)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := tr.RoundTrip(req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, buf[:2]); err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
		}
	})
}
