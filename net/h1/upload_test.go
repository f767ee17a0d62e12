package h1_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

func connectTLS(t *testing.T, srv *nettest.Server, ca *nettest.CA) *h1.Conn {
	t.Helper()
	nc, err := stdtls.Dial("tcp", srv.Addr(), &stdtls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	state := nc.ConnectionState()
	c := h1.NewConn(nc, h1.Config{TLS: &state})
	t.Cleanup(func() { c.Close(nil) })
	if err := c.Reserve(); err != nil {
		t.Fatal(err)
	}
	return c
}

// A tracked body tells whether it was closed, and hides what it is made of.
type tracked struct {
	io.Reader
	closed int
}

func (b *tracked) Close() error { b.closed++; return nil }

func post(body io.ReadCloser, n int64) *exchange.Request {
	req := get("/")
	req.Method, req.Body, req.ContentLength = "POST", body, n
	return req
}

func TestUploads(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 8<<10) // 128 KiB
	tests := []struct {
		name    string
		body    io.ReadCloser
		length  int64
		trailer exchange.Fields
		want    string // head from the framing field on, and body, as the server sees it
	}{
		{name: "in memory", body: io.NopCloser(strings.NewReader("hello")), length: 5, want: "Content-Length: 5\r\n\r\nhello"},
		{name: "in memory, beyond one packet", body: io.NopCloser(bytes.NewReader([]byte(big[:2000]))), length: 2000, want: "Content-Length: 2000\r\n\r\n" + big[:2000]},
		{name: "stream", body: &tracked{Reader: strings.NewReader("hello")}, length: 5, want: "Content-Length: 5\r\n\r\nhello"},
		{name: "large stream", body: &tracked{Reader: strings.NewReader(big)}, length: int64(len(big)), want: "Content-Length: 131072\r\n\r\n" + big},
		{name: "chunked", body: &tracked{Reader: strings.NewReader("hello")}, length: -1, want: "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{name: "chunks as large as Chromium's", body: &tracked{Reader: strings.NewReader(big[:20000])}, length: -1, want: "Transfer-Encoding: chunked\r\n\r\n3FF4\r\n" + big[:16372] + "\r\nE2C\r\n" + big[16372:20000] + "\r\n0\r\n\r\n"},
		{name: "known to be empty", body: &tracked{Reader: strings.NewReader("")}, length: 0, want: "Content-Length: 0\r\n\r\n"},
		{name: "known to be empty, in memory", body: io.NopCloser(strings.NewReader("")), length: 0, want: "Content-Length: 0\r\n\r\n"},
		{name: "empty chunked", body: &tracked{Reader: strings.NewReader("")}, length: -1, want: "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{name: "trailer", body: &tracked{Reader: strings.NewReader("a")}, length: -1, trailer: exchange.FieldsOf("X-Sum", "1"), want: "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			got := make(chan string, 1)
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				head, _ := c.ReadHead()
				_, framing, _ := strings.Cut(head, "keep-alive\r\n")
				body, _ := c.ReadBody(len(tt.want) - len(framing))
				got <- framing + string(body)
				c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				if rest, _ := io.ReadAll(c); len(rest) > 0 {
					t.Errorf("%q was sent behind the body", rest)
				}
			})
			c := connect(t, srv, h1.Config{})
			req := post(tt.body, tt.length)
			if tt.trailer != nil {
				req.TrailerNames = []string{tt.trailer[0].Name}
				req.Trailer = func() exchange.Fields { return tt.trailer }
			}
			resp, err := c.RoundTrip(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := <-got; got != tt.want {
				t.Errorf("got  %.200q\nwant %.200q", got, tt.want)
			}
			if c.Available() != 1 {
				t.Errorf("the connection did not come back: %v", c.Err())
			}
			if b, ok := tt.body.(*tracked); ok && b.closed != 1 {
				t.Errorf("body closed %d times, want once", b.closed)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestBadUploads(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		want   error
	}{
		{name: "shorter than said", body: strings.NewReader("abc"), length: 5, want: neterr.InvalidArgument},
		{name: "longer than said", body: strings.NewReader("abcdefgh"), length: 5, want: neterr.InvalidArgument},
		{name: "not empty as said", body: strings.NewReader("abc"), length: 0, want: neterr.InvalidArgument},
		{name: "fails", body: failing{boom}, length: 5, want: boom},
		{name: "fails chunked", body: failing{boom}, length: -1, want: boom},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			srv := nettest.NewServer(t, func(c *nettest.Conn) { c.WaitClose() })
			body := &tracked{Reader: tt.body}
			_, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), post(body, tt.length))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if body.closed != 1 {
				t.Errorf("body closed %d times, want once", body.closed)
			}
		})
	}
}

// TestEarlyAnswer: a server may answer, with an error above all, before it has read
// the body. The answer counts; the connection does not serve again.
func TestEarlyAnswer(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
		c.WaitClose()
	})
	c := connect(t, srv, h1.Config{})
	r, w := io.Pipe() // never ends by itself
	defer w.Close()
	resp, err := c.RoundTrip(t.Context(), post(r, -1))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if resp.Status != 413 || string(b) != "no" || err != nil {
		t.Errorf("got %d %q %v", resp.Status, b, err)
	}
	if c.Err() == nil {
		t.Error("a connection with half a request on it counts as good")
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("the request body was not closed")
	}
}

// TestCancelledUpload: the context ends an upload whose reader is stuck.
func TestCancelledUpload(t *testing.T) {
	nettest.CheckGoroutines(t)
	got := make(chan struct{})
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		close(got)
		c.WaitClose()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	r, w := io.Pipe()
	defer w.Close()
	if _, err := connect(t, srv, h1.Config{}).RoundTrip(ctx, post(r, 5)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("the request body was not closed")
	}
}

// TestResetDuringUpload: the server resets while the body goes out.
func TestResetDuringUpload(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Reset()
	})
	body := &tracked{Reader: strings.NewReader(strings.Repeat("x", 8<<20))}
	_, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), post(body, 8<<20))
	if !errors.Is(err, neterr.ConnectionReset) {
		t.Errorf("got %v, want ERR_CONNECTION_RESET", err)
	}
	var a *exchange.AttemptError
	if !errors.As(err, &a) || !a.Sent || a.Received {
		t.Errorf("got %+v, want sent and nothing received", a)
	}
}

func TestExpectContinue(t *testing.T) {
	for _, answer := range []string{"100", "417"} {
		t.Run(answer, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				if answer == "417" {
					c.Print("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
					c.WaitClose()
					return
				}
				c.Print("HTTP/1.1 100 Continue\r\n\r\n")
				body, _ := c.ReadBody(5)
				c.Print("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + string(body))
				c.WaitClose()
			})
			var events []string
			req := post(io.NopCloser(strings.NewReader("hello")), 5)
			req.Header = exchange.FieldsOf("Expect", "100-continue")
			req.Trace = &httptrace.ClientTrace{Got100Continue: func() { events = append(events, "100") }}
			resp, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if answer == "100" && (string(b) != "hello" || len(events) != 1) {
				t.Errorf("got %q, events %v", b, events)
			}
			if answer == "417" && resp.Status != 417 {
				t.Errorf("got %d", resp.Status)
			}
		})
	}
}
