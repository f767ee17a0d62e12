package h1_test

import (
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// A faulty connection takes some bytes and then fails to write, while the peer's
// answer can still be read: what a reset does, but at a chosen place.
type faulty struct {
	*nettest.MemConn
	mu   sync.Mutex
	room int
}

func (f *faulty) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(len(p), f.room)
	f.room -= n
	if n < len(p) {
		return n, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.ECONNRESET)}
	}
	return n, nil
}

// TestWriteFails: after a failed write the server's answer counts if it is an error;
// otherwise the failure does, and so it does if there is no answer.
func TestWriteFails(t *testing.T) {
	const answer = " X\r\nContent-Length: 0\r\n\r\n"
	kinds := []struct {
		name string
		body func() io.Reader
		room int  // bytes that can be written
		sent bool // something went out
	}{
		{name: "nothing", room: 0, body: func() io.Reader { return nil }},
		{name: "in the head", room: 10, sent: true, body: func() io.Reader { return nil }},
		{name: "in the head before a stream", room: 10, sent: true, body: func() io.Reader { return strings.NewReader("x") }},
		{name: "in a stream", room: 200, sent: true, body: func() io.Reader { return strings.NewReader(strings.Repeat("x", 4000)) }},
	}
	for _, k := range kinds {
		for _, status := range []string{"200", "302", "413", "500", "601", ""} {
			t.Run(k.name+" "+status, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				client, server := nettest.Pipe(0)
				c := h1.NewConn(&faulty{MemConn: client, room: k.room}, h1.Config{})
				defer c.Close(nil)
				req := get("/")
				var body *tracked
				if r := k.body(); r != nil {
					body = &tracked{Reader: r}
					req = post(body, -1)
				}
				wrote := make(chan error, 1)
				req.Trace = &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
					wrote <- i.Err
					if status != "" {
						io.WriteString(server, "HTTP/1.1 "+status+answer)
					}
					server.CloseWrite()
				}}
				resp, err := c.RoundTrip(t.Context(), req)
				if delivered := k.sent && (status == "413" || status == "500"); delivered != (err == nil) {
					t.Fatalf("got error %v, want an answer: %v", err, delivered)
				}
				if err := <-wrote; !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("WroteRequest: got %v, want the reset", err)
				}
				if err == nil {
					resp.Body.Close()
				} else {
					var a *exchange.AttemptError
					if !errors.As(err, &a) || a.Sent != k.sent || !errors.Is(err, neterr.ConnectionReset) {
						t.Errorf("got %v, %+v, want ERR_CONNECTION_RESET with Sent %v", err, a, k.sent)
					}
				}
				if c.Err() == nil {
					t.Error("a connection with half a request on it counts as good")
				}
				if body != nil && body.closed != 1 {
					t.Errorf("body closed %d times, want once", body.closed)
				}
			})
		}
	}
}

// A stubborn body does not return from Read when it is closed.
type stubborn struct {
	begun, release chan struct{}
}

func (b *stubborn) Read(p []byte) (int, error) {
	close(b.begun)
	<-b.release
	return copy(p, "old"), io.EOF
}

func (b *stubborn) Close() error { return nil }

// TestUploadKeepsItsBody: an exchange that failed may still be reading its body when
// the request has been given a new one. It touches the old one only.
func TestUploadKeepsItsBody(t *testing.T) {
	nettest.CheckGoroutines(t)
	old := &stubborn{begun: make(chan struct{}), release: make(chan struct{})}
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		<-old.begun
		c.Reset()
	})
	req := post(old, 3)
	if _, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), req); err == nil {
		t.Fatal("no error from a reset")
	}
	next := &tracked{Reader: strings.NewReader("new")}
	req.Body = next
	close(old.release)
	good := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		b, _ := c.ReadBody(3)
		c.Print("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + string(b))
		c.WaitClose()
	})
	resp, err := connect(t, good, h1.Config{}).RoundTrip(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "new" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if next.closed != 1 {
		t.Errorf("the new body was closed %d times, want once", next.closed)
	}
}

// TestTimingOfFinalHead: 1xx heads do not count as the answer's first byte, though a
// trace is told of the first byte of all.
func TestTimingOfFinalHead(t *testing.T) {
	heard := make(chan struct{})
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 103 Early Hints\r\n\r\n")
		<-heard
		c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		c.WaitClose()
	})
	first := 0
	var hinted time.Time
	req := get("/")
	req.Trace = &httptrace.ClientTrace{
		GotFirstResponseByte: func() { first++ },
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			hinted = time.Now()
			close(heard)
			return nil
		},
	}
	resp, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if first != 1 {
		t.Errorf("GotFirstResponseByte was called %d times, want once", first)
	}
	if got := resp.Info.Timing.HeadersStart; got.Before(hinted) {
		t.Errorf("HeadersStart is %v before the 103 was read", hinted.Sub(got))
	}
}
