package h1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestHeldBody: a body that came with its head keeps the connection from nobody. It can
// be read while, and after, the connection serves others, and whatever became of the
// context.
func TestHeldBody(t *testing.T) {
	answers := []string{"first", "second answer", "third"}
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		for _, a := range answers {
			c.ReadHead()
			c.Print(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(a), a))
		}
		c.WaitClose()
	})
	c := connect(t, srv, h1.Config{})
	var bodies []io.ReadCloser
	for i, a := range answers {
		if i > 0 {
			if err := c.Reserve(); err != nil {
				t.Fatalf("the connection is not free while body %d is open: %v", i, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := c.RoundTrip(ctx, get("/"))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := resp.Info.WireRead, int64(len("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")+len(a)); got < want {
			t.Errorf("WireRead is %d, want at least %d", got, want)
		}
		bodies = append(bodies, resp.Body)
	}
	one := make([]byte, 1)
	if n, err := bodies[0].Read(one); n != 1 || err != nil || one[0] != 'f' {
		t.Errorf("got %d bytes, %q, %v, want the first", n, one, err)
	}
	if n, err := bodies[0].Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: got %d, %v", n, err)
	}
	for i, want := range []string{"irst", "second answer"} {
		if got, err := io.ReadAll(bodies[i]); string(got) != want || err != nil {
			t.Errorf("body %d: got %q, %v, want %q", i, got, err, want)
		}
		if n, err := bodies[i].Read(one); n != 0 || err != io.EOF {
			t.Errorf("body %d: got %d, %v behind its end", i, n, err)
		}
	}
	for _, b := range bodies {
		b.Close()
		b.Close()
		if n, err := b.Read(one); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("read after Close: got %d, %v", n, err)
		}
	}
	if err := c.Err(); err != nil {
		t.Errorf("the connection ended: %v", err)
	}
}

// TestUnheldBodies: one that is longer than its buffer, or has something behind it, is
// the connection's business to its end.
func TestUnheldBodies(t *testing.T) {
	long := strings.Repeat("x", 8<<10)
	for _, tt := range []struct{ name, answer, want string }{
		{"long", "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n" + long, long},
		{"more", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, you", "hello"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := nettest.NewServer(t, nettest.Respond(tt.answer))
			c := connect(t, srv, h1.Config{})
			resp, err := c.RoundTrip(t.Context(), get("/"))
			if err != nil {
				t.Fatal(err)
			}
			if c.Reserve() == nil {
				t.Error("a second slot was given while the body is open")
			}
			if got, err := io.ReadAll(resp.Body); string(got) != tt.want || err != nil {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}
