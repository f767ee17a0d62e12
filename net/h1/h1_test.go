package h1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// connect returns a connection to srv with a slot reserved.
func connect(t testing.TB, srv *nettest.Server, cfg h1.Config) *h1.Conn {
	t.Helper()
	u, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	c := h1.NewConn(nc, cfg)
	t.Cleanup(func() { c.Close(nil) })
	if err := c.Reserve(); err != nil {
		t.Fatalf("Reserve of a fresh connection: %v", err)
	}
	return c
}

func get(path string) *exchange.Request {
	u, err := url.Parse("http://example.test" + path)
	if err != nil {
		panic(err)
	}
	return &exchange.Request{URL: u}
}

// TestResponses holds what Chromium makes of a response, byte by byte: status,
// fields, body, and whether the connection serves again.
func TestResponses(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	tests := []struct {
		name   string
		raw    string // the whole response; the server then closes
		method string
		port   bool // the scheme's default port
		want   string
		err    error // of RoundTrip
		body   error // of reading the body
	}{
		{name: "length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", want: "HTTP/1.1 200 OK|Content-Length: 5|hello|keep"},
		{name: "no body", raw: "HTTP/1.1 204 No Content\r\n\r\n", want: "HTTP/1.1 204 No Content||keep"},
		{name: "205 has no body", raw: "HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\n", want: "HTTP/1.1 205 Reset Content|Content-Length: 3||keep"},
		{name: "304 has no body", raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", want: "HTTP/1.1 304 Not Modified|Content-Length: 3||keep"},
		{name: "bytes behind a 204", raw: "HTTP/1.1 204 No Content\r\n\r\nabc", want: "HTTP/1.1 204 No Content||close"},
		{name: "408 gives the connection up", raw: "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", want: "HTTP/1.1 408 Request Timeout|Content-Length: 0||close"},
		{name: "head", method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", want: "HTTP/1.1 200 OK|Content-Length: 5||keep"},
		{name: "chunked", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked|abcde|keep"},
		{name: "chunked, bare LF and trailing spaces", raw: "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n3  \nabc\n0\n\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: gzip, chunked|abc|keep"},
		{name: "chunked trailer", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked|a|keep|X-Sum: 1"},
		{name: "chunked beats length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", want: "HTTP/1.1 200 OK|Content-Length: 99|Transfer-Encoding: chunked|a|keep"},
		{name: "HTTP/1.0 ignores chunked", raw: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", want: "HTTP/1.0 200 OK|Transfer-Encoding: chunked|1\r\na|close"},
		{name: "until close", raw: "HTTP/1.1 200 OK\r\n\r\nall of it", want: "HTTP/1.1 200 OK|all of it|close"},
		{name: "HTTP/1.0 closes", raw: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.0 200 OK|Content-Length: 1|a|close"},
		{name: "HTTP/1.0 keep-alive", raw: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.0 200 OK|Connection: Keep-Alive|Content-Length: 1|a|keep"},
		{name: "first connection token counts", raw: "HTTP/1.1 200 OK\r\nConnection: foo, close, keep-alive\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|Connection: foo, close, keep-alive|Content-Length: 1|a|close"},
		{name: "proxy-connection", raw: "HTTP/1.1 200 OK\r\nProxy-Connection: close\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|Proxy-Connection: close|Content-Length: 1|a|close"},
		{name: "surplus bytes", raw: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", want: "HTTP/1.1 200 OK|Content-Length: 1|a|close"},
		{name: "1xx are skipped", raw: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|Content-Length: 1|a|keep"},
		{name: "version beyond 1.1", raw: "HTTP/1.9 200 OK\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|Content-Length: 1|a|keep"},
		{name: "unreadable version", raw: "HTTP/one 200 OK\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.0 200 OK|Content-Length: 1|a|close"},
		{name: "missing status and reason", raw: "HTTP/1.1\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200|Content-Length: 1|a|keep"},
		{name: "odd status", raw: "http/1.1   2009kay\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 2009 kay|Content-Length: 1|a|keep"},
		{name: "junk before the status line", raw: "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|Content-Length: 1|a|keep"},
		{name: "lenient lines", raw: "HTTP/1.1 200 OK\r\nno colon\r\n: empty\r\nbad name: x\r\nContent-Length : 1\r\nX:  y \r\n\r\na", want: "HTTP/1.1 200 OK|Content-Length: 1|X: y|a|keep"},
		{name: "obs-fold", raw: "HTTP/1.1 200 OK\r\nX: a\r\n \t b\r\nbad\r\n c\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|X: a b|Content-Length: 1|a|keep"},
		{name: "signed length is none", raw: "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nab", want: "HTTP/1.1 200 OK|Content-Length: +1|ab|close"},
		{name: "same length twice", raw: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|Content-Length: 1|Content-Length: 1|a|keep"},
		{name: "head cut by close", raw: "HTTP/1.1 200 OK\r\nX: y\r\nZ", want: "HTTP/1.1 200 OK|X: y||close"},
		{name: "HTTP/0.9 on its port", port: true, raw: "just some text", want: "HTTP/0.9 200 OK|just some text|close"},
		{name: "shoutcast", raw: "ICY 200 OK\r\n\r\nnoise", want: "HTTP/0.9 200 OK|ICY 200 OK\r\n\r\nnoise|close"},
		{name: "large head", raw: "HTTP/1.1 200 OK\r\nX: " + long[:200<<10] + "\r\nContent-Length: 1\r\n\r\na", want: "HTTP/1.1 200 OK|X: " + long[:200<<10] + "|Content-Length: 1|a|keep"},

		{name: "HTTP/0.9 elsewhere", raw: "just some text", err: neterr.InvalidHTTPResponse},
		{name: "HTTP/0.9 to PUT", method: "PUT", port: true, raw: "just some text", err: neterr.MethodNotSupported},
		{name: "HTTP/0.9 after 1xx", port: true, raw: "HTTP/1.1 100 Continue\r\n\r\njust some text", err: neterr.InvalidHTTPResponse},
		{name: "nothing", raw: "", err: neterr.EmptyResponse},
		{name: "NUL", raw: "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", err: neterr.InvalidHTTPResponse},
		{name: "status overflows", raw: "HTTP/1.1 99999999999 OK\r\n\r\n", err: neterr.InvalidHTTPResponse},
		{name: "header bomb", raw: "HTTP/1.1 200 OK\r\nX: " + long, err: neterr.ResponseHeadersTooBig},
		{name: "1xx bomb", raw: strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+long[:30<<10]+"\r\n\r\n", 10), err: neterr.ResponseHeadersTooBig},
		{name: "two lengths", raw: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", err: neterr.ResponseHeadersMultipleContentLength},
		{name: "two dispositions", raw: "HTTP/1.1 200 OK\r\nContent-Disposition: a\r\nContent-Disposition: b\r\n\r\n", err: neterr.ResponseHeadersMultipleContentDisposition},
		{name: "two locations", raw: "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n", err: neterr.ResponseHeadersMultipleLocation},

		{name: "body cut", raw: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", want: "HTTP/1.1 200 OK|Content-Length: 10|short|close", body: neterr.ContentLengthMismatch},
		{name: "chunked cut in data", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked|ab|close", body: neterr.IncompleteChunkedEncoding},
		{name: "chunked cut before size", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked|ab|close", body: neterr.IncompleteChunkedEncoding},
		{name: "chunk size 0x", raw: chunkedHead + "0x1\r\na\r\n0\r\n\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked||close", body: neterr.InvalidChunkedEncoding},
		{name: "chunk size signed", raw: chunkedHead + "-1\r\na\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked||close", body: neterr.InvalidChunkedEncoding},
		{name: "chunk size too large", raw: chunkedHead + "8000000000000000\r\na\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked||close", body: neterr.InvalidChunkedEncoding},
		{name: "chunk size empty", raw: chunkedHead + "\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked||close", body: neterr.InvalidChunkedEncoding},
		{name: "chunk data too long", raw: chunkedHead + "1\r\nab\r\n0\r\n\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked|a|close", body: neterr.InvalidChunkedEncoding},
		{name: "chunk line too long", raw: chunkedHead + "1;" + long[:20<<10] + "\r\na\r\n0\r\n\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked||close", body: neterr.InvalidChunkedEncoding},
		{name: "trailer bomb", raw: chunkedHead + "1\r\na\r\n0\r\n" + strings.Repeat("X: "+long[:10<<10]+"\r\n", 30) + "\r\n", want: "HTTP/1.1 200 OK|Transfer-Encoding: chunked|a|close", body: neterr.ResponseHeadersTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				c.Print(tt.raw)
				c.CloseWrite()
				c.WaitClose()
			})
			c := connect(t, srv, h1.Config{DefaultPort: tt.port})
			req := get("/")
			req.Method = tt.method
			resp, err := c.RoundTrip(t.Context(), req)
			if !errors.Is(err, tt.err) || (tt.err == nil) != (err == nil) {
				t.Fatalf("RoundTrip: got error %v, want %v", err, tt.err)
			}
			if err != nil {
				if c.Err() == nil {
					t.Error("the connection counts as good after a failed exchange")
				}
				return
			}
			body, err := io.ReadAll(resp.Body)
			if !errors.Is(err, tt.body) || (tt.body == nil) != (err == nil) {
				t.Errorf("body: got error %v, want %v", err, tt.body)
			}
			if got := describe(resp, body, c); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func describe(resp *exchange.Response, body []byte, c *h1.Conn) string {
	parts := []string{strings.TrimSpace(fmt.Sprintf("%s %d %s", resp.Proto, resp.Status, resp.StatusText))}
	for name, value := range resp.Header.All() {
		parts = append(parts, name+": "+value)
	}
	parts = append(parts, string(body))
	if c.Err() == nil && c.Available() == 1 {
		parts = append(parts, "keep")
	} else {
		parts = append(parts, "close")
	}
	if resp.Trailer != nil {
		for name, value := range resp.Trailer().All() {
			parts = append(parts, name+": "+value)
		}
	}
	return strings.Join(parts, "|")
}

// TestTruncatedHeadOverTLS: where the end is authenticated, a head that was cut is
// refused instead of read as far as it came.
func TestTruncatedHeadOverTLS(t *testing.T) {
	ca := nettest.NewCA()
	srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 200 OK\r\nX: y\r\n")
	})
	c := connectTLS(t, srv, ca)
	if _, err := c.RoundTrip(t.Context(), get("/")); !errors.Is(err, neterr.ResponseHeadersTruncated) {
		t.Errorf("got %v, want ERR_RESPONSE_HEADERS_TRUNCATED", err)
	}
}

func TestRequests(t *testing.T) {
	u := func(s string) *url.URL {
		v, err := url.Parse(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	tests := []struct {
		name string
		req  exchange.Request
		want string
		err  error
	}{
		{name: "get", req: exchange.Request{URL: u("http://a.test/p?q=1#frag")}, want: "GET /p?q=1 HTTP/1.1|Host: a.test|Connection: keep-alive"},
		{name: "fields keep case and order", req: exchange.Request{URL: u("http://A.test:80"), Header: exchange.FieldsOf("zED", "1", "Accept", "*/*", "zED", "2")}, want: "GET / HTTP/1.1|Host: a.test|Connection: keep-alive|zED: 1|Accept: */*|zED: 2"},
		{name: "port", req: exchange.Request{URL: u("https://a.test:8443/")}, want: "GET / HTTP/1.1|Host: a.test:8443|Connection: keep-alive"},
		{name: "default port is left out", req: exchange.Request{URL: u("https://a.test:443/")}, want: "GET / HTTP/1.1|Host: a.test|Connection: keep-alive"},
		{name: "ipv6 without zone", req: exchange.Request{URL: u("http://[fe80::1%25eth0]:81/")}, want: "GET / HTTP/1.1|Host: [fe80::1]:81|Connection: keep-alive"},
		{name: "idna", req: exchange.Request{URL: u("http://bücher.test/")}, want: "GET / HTTP/1.1|Host: xn--bcher-kva.test|Connection: keep-alive"},
		{name: "host of its own", req: exchange.Request{URL: u("http://a.test/"), Host: "b.test"}, want: "GET / HTTP/1.1|Host: b.test|Connection: keep-alive"},
		{name: "close", req: exchange.Request{URL: u("http://a.test/"), Close: true}, want: "GET / HTTP/1.1|Host: a.test|Connection: close"},
		{name: "framing fields are ours", req: exchange.Request{URL: u("http://a.test/"), Header: exchange.FieldsOf("Content-Length", "9", "Transfer-Encoding", "x", "Host", "evil")}, want: "GET / HTTP/1.1|Host: a.test|Connection: keep-alive"},
		{name: "empty post", req: exchange.Request{Method: "POST", URL: u("http://a.test/")}, want: "POST / HTTP/1.1|Host: a.test|Connection: keep-alive|Content-Length: 0"},
		{name: "asterisk form", req: exchange.Request{Method: "OPTIONS", URL: &url.URL{Scheme: "http", Host: "a.test", Path: "*"}}, want: "OPTIONS * HTTP/1.1|Host: a.test|Connection: keep-alive"},
		{name: "raw query kept", req: exchange.Request{URL: &url.URL{Scheme: "http", Host: "a.test", Path: "/a b", RawQuery: "x=|'"}}, want: "GET /a%20b?x=|' HTTP/1.1|Host: a.test|Connection: keep-alive"},

		{name: "split request line", req: exchange.Request{URL: &url.URL{Scheme: "http", Host: "a.test", Path: "/", RawQuery: "x HTTP/1.1\r\nX: y"}}, err: neterr.InvalidURL},
		{name: "split method", req: exchange.Request{Method: "GET /\r\n", URL: u("http://a.test/")}, err: neterr.InvalidArgument},
		{name: "split value", req: exchange.Request{URL: u("http://a.test/"), Header: exchange.FieldsOf("X", "a\r\nY: b")}, err: neterr.InvalidArgument},
		{name: "bad name", req: exchange.Request{URL: u("http://a.test/"), Header: exchange.FieldsOf("X Y", "a")}, err: neterr.InvalidArgument},
		{name: "bad host", req: exchange.Request{URL: u("http://a.test/"), Host: "a b"}, err: neterr.InvalidURL},
		{name: "no url", req: exchange.Request{}, err: neterr.InvalidURL},
		{name: "split trailer", req: exchange.Request{Method: "POST", URL: u("http://a.test/"), Body: http.NoBody, ContentLength: -1, TrailerNames: []string{"X\r\nY: z"}}, err: neterr.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			heads := make(chan string, 1)
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				head, _ := c.ReadHead()
				heads <- head
				c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			})
			_, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), &tt.req)
			if !errors.Is(err, tt.err) || (tt.err == nil) != (err == nil) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			got := strings.ReplaceAll(strings.TrimSuffix(<-heads, "\r\n\r\n"), "\r\n", "|")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestKeepAlive runs several exchanges over one connection, reading each body in
// its own way.
func TestKeepAlive(t *testing.T) {
	srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
	c := connect(t, srv, h1.Config{})
	for i := range 3 {
		if i > 0 {
			if err := c.Reserve(); err != nil {
				t.Fatalf("exchange %d: Reserve: %v", i, err)
			}
		}
		resp, err := c.RoundTrip(t.Context(), get("/"))
		if err != nil {
			t.Fatalf("exchange %d: %v", i, err)
		}
		if err := c.Reserve(); err == nil {
			t.Fatal("a second slot was given while a body is open")
		}
		switch i {
		case 0:
			io.ReadAll(resp.Body)
		case 1:
			io.ReadFull(resp.Body, make([]byte, 5)) // the whole body, its end not asked for
			resp.Body.Close()
		case 2:
			resp.Body.Close() // what is buffered is dropped to save the connection
		}
		if c.Available() != 1 {
			t.Fatalf("exchange %d: the connection did not come back: %v", i, c.Err())
		}
		if got := resp.Info.Reused; got != (i > 0) {
			t.Errorf("exchange %d: Reused is %v", i, got)
		}
	}
	if got := srv.Accepted(); got != 1 {
		t.Errorf("server saw %d connections, want 1", got)
	}
}

// TestAlive: an idle connection that the peer closed, or wrote to unasked, is found
// out.
func TestAlive(t *testing.T) {
	for name, after := range map[string]func(*nettest.Conn){
		"closed":  func(c *nettest.Conn) { c.Close() },
		"reset":   func(c *nettest.Conn) { c.Reset() },
		"talking": func(c *nettest.Conn) { c.Print("HTTP/1.1 408 Request Timeout\r\n\r\n"); c.WaitClose() },
	} {
		t.Run(name, func(t *testing.T) {
			proceed := make(chan struct{})
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				<-proceed
				after(c)
			})
			c := connect(t, srv, h1.Config{})
			if _, err := c.RoundTrip(t.Context(), get("/")); err != nil {
				t.Fatal(err)
			}
			if err := c.Reserve(); err != nil {
				t.Fatal(err)
			}
			if !c.Alive() {
				t.Fatal("not alive while the peer is silent")
			}
			close(proceed)
			nettest.Eventually(t, "Alive notices", func() bool { return !c.Alive() })
			c.Close(nil)
			if c.Alive() || c.Reserve() == nil {
				t.Error("a closed connection is alive")
			}
		})
	}
}

// TestCancel: a context that ends takes effect at once, wherever the exchange is.
func TestCancel(t *testing.T) {
	for _, at := range []string{"before", "head", "body"} {
		t.Run(at, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			got := make(chan struct{})
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				if at == "body" {
					c.Print("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
				}
				close(got)
				c.WaitClose()
			})
			c := connect(t, srv, h1.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			if at == "before" {
				cancel()
			} else {
				go func() { <-got; cancel() }()
			}
			resp, err := c.RoundTrip(ctx, get("/"))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
			}
			cancel()
			if !errors.Is(err, context.Canceled) || !errors.Is(err, neterr.Aborted) {
				t.Errorf("got %v, want context.Canceled and ERR_ABORTED", err)
			}
			if c.Err() == nil {
				t.Error("the connection counts as good")
			}
		})
	}
}

// TestCloseBesideRead: Close may come while another goroutine waits in Read.
func TestCloseBesideRead(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		c.Print("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
		c.WaitClose()
	})
	c := connect(t, srv, h1.Config{})
	resp, err := c.RoundTrip(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	go func() {
		_, err := resp.Body.Read(make([]byte, 5))
		errs <- err
	}()
	resp.Body.Close()
	if err := <-errs; err != http.ErrBodyReadAfterClose {
		t.Errorf("Read: got %v, want http.ErrBodyReadAfterClose", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	nettest.Eventually(t, "the slot is freed", func() bool { return c.Err() != nil })
}

// TestCloseFailsExchange: closing the connection fails what is under way, with the
// reason given.
func TestCloseFailsExchange(t *testing.T) {
	got := make(chan struct{})
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		c.ReadHead()
		close(got)
		c.WaitClose()
	})
	c := connect(t, srv, h1.Config{})
	go func() { <-got; c.Close(neterr.NetworkChanged) }()
	if _, err := c.RoundTrip(t.Context(), get("/")); !errors.Is(err, neterr.NetworkChanged) {
		t.Errorf("got %v, want ERR_NETWORK_CHANGED", err)
	}
}

// TestStateHook: the pool hears of a freed slot and of the end, each once.
func TestStateHook(t *testing.T) {
	srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
	c := connect(t, srv, h1.Config{})
	calls := 0
	c.SetStateHook(func() { calls++ })
	resp, err := c.RoundTrip(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	if calls != 0 {
		t.Fatal("called while the body is open")
	}
	io.ReadAll(resp.Body)
	resp.Body.Close()
	if calls != 1 {
		t.Fatalf("called %d times for one body", calls)
	}
	c.Close(nil)
	c.Close(nil)
	if calls != 2 {
		t.Fatalf("called %d times in all, want 2", calls)
	}
}

func TestUpgrade(t *testing.T) {
	srv := nettest.NewServer(t, func(c *nettest.Conn) {
		head, _ := c.ReadHead()
		if !strings.Contains(head, "\r\nConnection: Upgrade\r\n") || strings.Contains(head, "keep-alive") {
			t.Errorf("head %q", head)
		}
		c.Print("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhi ")
		b, _ := c.ReadBody(4)
		c.Print(strings.ToUpper(string(b)))
		c.WaitClose()
	})
	c := connect(t, srv, h1.Config{})
	req := get("/")
	req.Header = exchange.FieldsOf("Connection", "Upgrade", "Upgrade", "echo")
	resp, err := c.RoundTrip(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	rw, ok := resp.Body.(io.ReadWriteCloser)
	if resp.Status != 101 || !ok {
		t.Fatalf("status %d, body %T", resp.Status, resp.Body)
	}
	if _, err := rw.Write([]byte("echo")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 7)
	if _, err := io.ReadFull(rw, buf); err != nil || string(buf) != "hi ECHO" {
		t.Fatalf("read %q, %v", buf, err)
	}
	if c.Available() != 0 {
		t.Error("an upgraded connection is offered to others")
	}
	rw.Close()
	if c.Err() == nil {
		t.Error("Close left the connection open")
	}
}

// TestTimingAndInfo: what the head says of the connection.
func TestTimingAndInfo(t *testing.T) {
	srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	c := connect(t, srv, h1.Config{Connect: &exchange.ConnectTiming{DNSStart: time.Unix(1, 0)}})
	resp, err := c.RoundTrip(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	io.ReadAll(resp.Body)
	tm := resp.Info.Timing
	if tm.Connect == nil || tm.Connect.DNSStart != time.Unix(1, 0) || tm.SendStart.After(tm.SendEnd) || tm.SendEnd.After(tm.HeadersStart) || tm.HeadersStart.After(tm.HeadersEnd) {
		t.Errorf("timing out of order: %+v", tm)
	}
	if want := int64(len("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")); resp.Info.WireRead != want {
		t.Errorf("WireRead %d, want %d", resp.Info.WireRead, want)
	}
	if !resp.Info.Remote.IsValid() || !resp.Info.Local.IsValid() {
		t.Errorf("addresses %v %v", resp.Info.Remote, resp.Info.Local)
	}
}
