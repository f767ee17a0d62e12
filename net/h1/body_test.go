package h1_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestContentLength: what a response says of its body's length.
func TestContentLength(t *testing.T) {
	tests := []struct {
		name, method, raw string
		want              int64
	}{
		{name: "length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", want: 5},
		{name: "head", method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", want: 5},
		{name: "head without", method: "HEAD", raw: "HTTP/1.1 200 OK\r\n\r\n", want: -1},
		{name: "304", raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", want: 0},
		{name: "chunked", raw: chunkedHead + "0\r\n\r\n", want: -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, nettest.NewServer(t, nettest.Respond(tt.raw)), h1.Config{})
			req := get("/")
			req.Method = tt.method
			resp, err := c.RoundTrip(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.ContentLength != tt.want {
				t.Errorf("got %d, want %d", resp.ContentLength, tt.want)
			}
		})
	}
}

// TestWireRead counts bytes as they came: heads, chunk lines and trailer too, and
// nothing that is not read yet.
func TestWireRead(t *testing.T) {
	const raw = "HTTP/1.1 100 Continue\r\n\r\n" + chunkedHead + "3\r\nabc\r\n3\r\ndef\r\n0\r\nX: y\r\n\r\n"
	c := connect(t, nettest.NewServer(t, nettest.Respond(raw)), h1.Config{})
	for i := range 2 {
		if i > 0 {
			if err := c.Reserve(); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := c.RoundTrip(t.Context(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		if got, most := resp.Info.WireRead, int64(len(raw)-len("3\r\nabc")); got == 0 || got > most {
			t.Errorf("exchange %d, head: got %d, want at most %d", i, got, most)
		}
		io.ReadAll(resp.Body)
		if got := resp.Info.WireRead; got != int64(len(raw)) {
			t.Errorf("exchange %d: got %d, want %d", i, got, len(raw))
		}
	}
}

// TestReadNothing: an empty buffer gets nothing, waits for nothing and ends nothing.
func TestReadNothing(t *testing.T) {
	for name, raw := range map[string]string{
		"length": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
		"chunks": chunkedHead,
		"close":  "HTTP/1.1 200 OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, nettest.NewServer(t, nettest.Respond(raw)), h1.Config{})
			resp, err := c.RoundTrip(t.Context(), get("/"))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := resp.Body.Read(nil); n != 0 || err != nil {
				t.Errorf("got %d, %v, want nothing", n, err)
			}
			resp.Body.Close()
			if _, err := resp.Body.Read(nil); err != http.ErrBodyReadAfterClose {
				t.Errorf("after Close: got %v, want http.ErrBodyReadAfterClose", err)
			}
		})
	}
}

// TestCloseRacesRead: Close meets Reads that succeed, so that it may find the lock
// taken by one that has nothing left to fail. The slot is freed all the same.
func TestCloseRacesRead(t *testing.T) {
	nettest.CheckGoroutines(t)
	body := strings.Repeat("x", 1<<10)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 200 OK\r\n\r\n")
		for c.Print(body) == nil {
		}
	})
	for range 50 {
		c := connect(t, srv, h1.Config{})
		freed := 0
		req := get("/")
		req.Trace = &httptrace.ClientTrace{PutIdleConn: func(error) { freed++ }}
		resp, err := c.RoundTrip(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		reading := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			var once sync.Once
			for err := error(nil); err == nil; {
				_, err = resp.Body.Read(make([]byte, 64))
				once.Do(func() { close(reading) })
			}
		})
		<-reading
		resp.Body.Close()
		wg.Wait()
		if freed != 1 {
			t.Fatalf("the exchange ended %d times, want once", freed)
		}
	}
}

// TestCancelRacesEnd: the context ends as the body does. Whoever wins, the body is
// whole or the error is the context's, and a connection that is offered again works.
func TestCancelRacesEnd(t *testing.T) {
	nettest.CheckGoroutines(t)
	held := nettest.NewServer(t, nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	chunked := nettest.NewServer(t, nettest.Respond(chunkedHead+"2\r\nok\r\n0\r\n\r\n"))
	for i := range 100 {
		srv := held
		if i%2 == 0 {
			srv = chunked
		}
		c := connect(t, srv, h1.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		resp, err := c.RoundTrip(ctx, get("/"))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(cancel)
		b, err := io.ReadAll(resp.Body)
		wg.Wait()
		switch {
		case err == nil && string(b) != "ok":
			t.Fatalf("got %q without an error", b)
		case err != nil && !errors.Is(err, neterr.Aborted):
			t.Fatalf("got %v, want ERR_ABORTED", err)
		}
		if c.Available() == 0 {
			continue
		}
		if err := c.Reserve(); err != nil {
			t.Fatalf("Reserve of a connection that is available: %v", err)
		}
		if resp, err = c.RoundTrip(t.Context(), get("/")); err != nil {
			t.Fatalf("a connection that is offered after a late cancel: %v", err)
		}
		resp.Body.Close()
	}
}

// TestCloseMidChunk: a body closed early gives no strange reason for the end.
func TestCloseMidChunk(t *testing.T) {
	srv := nettest.NewServer(t, nettest.Respond(chunkedHead+"5\r\nab"))
	c := connect(t, srv, h1.Config{})
	resp, err := c.RoundTrip(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := c.Err(); !errors.Is(err, neterr.Aborted) {
		t.Errorf("the connection ended by %v, want ERR_ABORTED", err)
	}
	if got := resp.Trailer(); got != nil {
		t.Errorf("trailer of half a body: %v", got)
	}
}

// TestCancelCause: the cause of a context's end is told, under the code of its kind.
func TestCancelCause(t *testing.T) {
	why := errors.New("the page was left")
	got := make(chan struct{})
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		close(got)
		c.WaitClose()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-got; cancel(why) }()
	_, err := connect(t, srv, h1.Config{}).RoundTrip(ctx, get("/"))
	if !errors.Is(err, why) || !errors.Is(err, neterr.Aborted) {
		t.Errorf("got %v, want ERR_ABORTED and the cause", err)
	}
}

// TestEndedContextSendsNothing: whoever retries may rely on it.
func TestEndedContextSendsNothing(t *testing.T) {
	client, server := nettest.Pipe(0)
	c := h1.NewConn(client, h1.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.RoundTrip(ctx, get("/"))
	var a *exchange.AttemptError
	if !errors.As(err, &a) || a.Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, want context.Canceled and nothing sent", a)
	}
	if b, err := io.ReadAll(server); len(b) != 0 || err != nil {
		t.Errorf("the peer got %q, %v", b, err)
	}
}

// TestFloodOfHeads: 1xx responses without end are not waited out.
func TestFloodOfHeads(t *testing.T) {
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		flood := strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100)
		for c.Print(flood) == nil {
		}
	})
	_, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), get("/"))
	if !errors.Is(err, neterr.ResponseHeadersTooBig) {
		t.Errorf("got %v, want ERR_RESPONSE_HEADERS_TOO_BIG", err)
	}
}

// TestHalfClose: a peer that has nothing more to say may still listen, and one that
// said all may be told no more.
func TestHalfClose(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 64<<10)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		c.CloseWrite()
		c.ReadBody(len(body))
		c.WaitClose()
	})
	c := connect(t, srv, h1.Config{})
	resp, err := c.RoundTrip(t.Context(), post(&tracked{Reader: bytes.NewReader(body)}, int64(len(body))))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "ok" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	nettest.Eventually(t, "the connection is not given out again", func() bool {
		if c.Reserve() != nil {
			return true
		}
		defer c.Release()
		return !c.Alive()
	})
}
