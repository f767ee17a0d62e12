package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// How the first connection ends, under a request that it looked good for.
type death string

const (
	closes     death = "closes"      // the request was read, then a FIN
	resets     death = "resets"      // the request was read, then a RST
	takesNone  death = "takes none"  // the first write fails
	hints      death = "hints"       // a 1xx answer, then a RST
	talksTrash death = "talks trash" // an answer that is none
	serves     death = "serves"      // it does not die
)

// TestRetry: which request is sent again after which end of a connection. A row
// says of the request what differs from a GET.
func TestRetry(t *testing.T) {
	const post = "POST"
	tests := []struct {
		name     string
		end      death
		fresh    bool // the connection was not idle before
		method   string
		body     bool
		oneShot  bool // no GetBody
		declared bool // Idempotency-Key
		flags    exchange.LoadFlags
		want     neterr.Code // neterr.OK: answered, by another connection if that died
	}{
		{name: "alive", end: serves},
		{name: "get, close", end: closes},
		{name: "get, reset", end: resets},
		{name: "get, unsent", end: takesNone},
		{name: "get, fresh, close", end: closes, fresh: true, want: neterr.EmptyResponse},
		{name: "get, fresh, reset", end: resets, fresh: true, want: neterr.ConnectionReset},
		{name: "get, fresh, unsent", end: takesNone, fresh: true, want: neterr.ConnectionReset},
		{name: "get, answer begun", end: hints, want: neterr.ConnectionReset},
		{name: "get, other error", end: talksTrash, want: neterr.InvalidHTTPResponse},
		{name: "head", end: resets, method: "HEAD"},
		{name: "put", end: resets, method: "PUT", body: true},
		{name: "put, one-shot body", end: resets, method: "PUT", body: true, oneShot: true, want: neterr.ConnectionReset},
		{name: "delete", end: resets, method: "DELETE"},
		{name: "post", end: resets, method: post, body: true, want: neterr.ConnectionReset},
		{name: "post, unsent", end: takesNone, method: post, body: true},
		{name: "post, unsent, one-shot body", end: takesNone, method: post, body: true, oneShot: true, want: neterr.ConnectionReset},
		{name: "post without a body", end: resets, method: post, want: neterr.ConnectionReset},
		{name: "post, declared idempotent", end: resets, method: post, body: true, declared: true},
		{name: "post, declared idempotent, one-shot body", end: resets, method: post, body: true, oneShot: true, declared: true, want: neterr.ConnectionReset},
		{name: "post, any method", end: resets, method: post, body: true, flags: exchange.RetryAnyMethod},
		{name: "post, any method, fresh", end: resets, fresh: true, method: post, body: true, flags: exchange.RetryAnyMethod, want: neterr.ConnectionReset},
		{name: "patch", end: resets, method: "PATCH", want: neterr.ConnectionReset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := start(t, transport.Config{Dialer: dialerFor(tt.end, tt.fresh)})
			hinted := make(chan struct{})
			srv := nettest.NewServer(t, dying(tt.end, tt.fresh, hinted))
			if !tt.fresh {
				do(t, tr, get(t, srv))
			}
			req := get(t, srv)
			req.Method, req.LoadFlags = tt.method, tt.flags
			req.Trace = &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { close(hinted); return nil }}
			if tt.declared {
				req.Header.Add("Idempotency-Key", "1")
			}
			var bodies []*tracked
			if tt.body {
				fresh := func() (io.ReadCloser, error) {
					bodies = append(bodies, &tracked{Reader: strings.NewReader("hello")})
					return bodies[len(bodies)-1], nil
				}
				req.Body, _ = fresh()
				req.ContentLength = 5
				if !tt.oneShot {
					req.GetBody = fresh
				}
			}
			resp, err := tr.RoundTrip(t.Context(), req)
			if got := neterr.CodeOf(err); got != tt.want {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			var leaked *exchange.AttemptError
			if errors.As(err, &leaked) {
				t.Errorf("%T left the transport", leaked)
			}
			retried := tt.want == neterr.OK && tt.end != serves
			wantConns, wantRetries := 1, 0
			if retried {
				wantConns, wantRetries = 2, 1
			}
			nettest.Eventually(t, "the server accepts what was connected", func() bool { return srv.Accepted() >= wantConns })
			if got := srv.Accepted(); got != wantConns {
				t.Errorf("got %d connections, want %d", got, wantConns)
			}
			if resp != nil {
				b, err := io.ReadAll(resp.Body)
				want := "ok"
				if tt.body {
					want = "hello"
				} else if tt.method == "HEAD" {
					want = ""
				}
				if string(b) != want || err != nil {
					t.Errorf("answer %q, %v, want %q", b, err, want)
				}
				if resp.Info.Retries != wantRetries {
					t.Errorf("Retries is %d, want %d", resp.Info.Retries, wantRetries)
				}
			}
			tr.Close() // uploads have ended
			for _, b := range bodies {
				nettest.Eventually(t, "the body is closed once", func() bool { return b.closed.Load() == 1 })
			}
		})
	}
}

// dying serves one request, unless the first is to die already, then lets the first
// connection die under the next. Every later connection echoes bodies.
func dying(end death, fresh bool, hinted <-chan struct{}) func(*nettest.Conn) {
	var conns atomic.Int32
	return func(c *nettest.Conn) {
		first := conns.Add(1) == 1
		for n := 0; ; n++ {
			head, err := c.ReadHead()
			if err != nil {
				return
			}
			if first && (fresh || n == 1) {
				switch end {
				case closes:
					return
				case resets:
					c.Reset()
					return
				case hints:
					c.Print("HTTP/1.1 103 Early Hints\r\n\r\n")
					<-hinted
					c.Reset()
					return
				case talksTrash:
					c.Print("what do you want?")
					return
				}
			}
			body := "ok"
			if strings.Contains(head, "\r\nContent-Length: 5\r\n") {
				b, _ := c.ReadBody(5)
				body = string(b)
			}
			answer := "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"
			switch {
			case strings.HasPrefix(head, "HEAD"):
				c.Print(answer + "Content-Length: 2\r\n\r\n")
			case len(body) == 5:
				c.Print(answer + "Content-Length: 5\r\n\r\n" + body)
			default:
				c.Print(answer + "Content-Length: 2\r\n\r\n" + body)
			}
		}
	}
}

// dialerFor returns a Dialer whose first connection takes no byte of the request that
// it shall die under, if that is how it dies.
func dialerFor(end death, fresh bool) *dial.Dialer {
	if end != takesNone {
		return nil
	}
	var conns atomic.Int32
	return &dial.Dialer{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		if err != nil || conns.Add(1) > 1 {
			return c, err
		}
		room := 1
		if fresh {
			room = 0
		}
		return &deaf{Conn: c, room: room}, nil
	}}
}

// A deaf connection takes so many writes and no more.
type deaf struct {
	net.Conn
	room int
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.room == 0 {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.ECONNRESET)}
	}
	d.room--
	return d.Conn.Write(p)
}

// TestTooManyRetries: a server all of whose idle connections are dead.
func TestTooManyRetries(t *testing.T) {
	tr := start(t, transport.Config{MaxConnsPerHost: -1})
	var asked atomic.Int32
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		if _, err := c.ReadHead(); err == nil {
			asked.Add(1)
		}
	})
	req := get(t, srv)
	if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: req.URL, N: 60}); err != nil {
		t.Fatal(err)
	}
	_, err := tr.RoundTrip(t.Context(), req)
	if !errors.Is(err, neterr.TooManyRetries) {
		t.Errorf("got %v, want ERR_TOO_MANY_RETRIES", err)
	}
	if got := asked.Load(); got != 51 {
		t.Errorf("the request was sent %d times, want 51", got)
	}
}

// TestRewindFails: a body that cannot be had again ends the retry by its own error.
func TestRewindFails(t *testing.T) {
	tr := start(t, transport.Config{})
	srv := nettest.NewServer(t, dying(resets, false, nil))
	do(t, tr, get(t, srv))
	gone := errors.New("the file is gone")
	req := get(t, srv)
	req.Method, req.ContentLength = "PUT", 5
	req.Body = io.NopCloser(strings.NewReader("hello"))
	req.GetBody = func() (io.ReadCloser, error) { return nil, gone }
	_, err := tr.RoundTrip(t.Context(), req)
	if !errors.Is(err, neterr.UploadStreamRewindNotSupported) || !errors.Is(err, gone) {
		t.Errorf("got %v, want ERR_UPLOAD_STREAM_REWIND_NOT_SUPPORTED and the cause", err)
	}
}

// Test408: on a connection that was idle it is no answer, on a fresh one it is.
func Test408(t *testing.T) {
	const timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
	tests := []struct {
		name    string
		ahead   int // connections made ahead; each answers 408
		fresh   bool
		req     exchange.Request
		status  int
		retries int
	}{
		{name: "one idle", ahead: 1, status: 200, retries: 1},
		{name: "each idle one once", ahead: 4, status: 200, retries: 4},
		{name: "post too", ahead: 1, req: exchange.Request{Method: "POST"}, status: 200, retries: 1},
		{name: "one-shot body", ahead: 1, req: exchange.Request{Method: "POST", Body: io.NopCloser(strings.NewReader("x")), ContentLength: 1}, status: 408},
		{name: "fresh", fresh: true, status: 408},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := start(t, transport.Config{})
			var conns atomic.Int32
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				answer := ok
				if n := conns.Add(1); tt.fresh || int(n) <= tt.ahead {
					answer = timeout
				}
				nettest.Respond(answer)(c)
			})
			tt.req.URL = parse(t, srv.URL())
			if tt.ahead > 0 {
				if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: tt.req.URL, N: tt.ahead}); err != nil {
					t.Fatal(err)
				}
				nettest.Eventually(t, "all are accepted", func() bool { return int(conns.Load()) == tt.ahead })
			}
			resp := do(t, tr, &tt.req)
			if resp.Status != tt.status || resp.Info.Retries != tt.retries {
				t.Errorf("got %d after %d retries, want %d after %d", resp.Status, resp.Info.Retries, tt.status, tt.retries)
			}
		})
	}
}
