package fuzz_test

import (
	"bytes"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
)

// A canned is a peer that has said all it will ever say.
type canned struct {
	net.Conn // nil: nothing else is called
	r        io.Reader
}

func (c *canned) Read(p []byte) (int, error)  { return c.r.Read(p) }
func (c *canned) Write(p []byte) (int, error) { return len(p), nil }
func (c *canned) Close() error                { return nil }
func (c *canned) RemoteAddr() net.Addr        { return nil }
func (c *canned) LocalAddr() net.Addr         { return nil }
func (c *canned) SetDeadline(time.Time) error { return nil }

// answer runs one exchange in which the peer sends raw, in pieces if piecewise.
func answer(t *testing.T, method string, raw []byte, piecewise bool) (*exchange.Response, []byte, error) {
	var r io.Reader = bytes.NewReader(raw)
	if piecewise {
		r = &oneByte{r}
	}
	c := h1.NewConn(&canned{r: r}, h1.Config{DefaultPort: true, MaxHeaderBytes: 8 << 10})
	defer c.Close(nil)
	if err := c.Reserve(); err != nil {
		t.Fatal(err)
	}
	resp, err := c.RoundTrip(t.Context(), &exchange.Request{Method: method, URL: &url.URL{Scheme: "http", Host: "a.test"}})
	if err != nil {
		if c.Err() == nil {
			t.Error("a failed exchange left the connection in use")
		}
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	return resp, body, err
}

type oneByte struct{ r io.Reader }

func (o *oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// FuzzResponse: whatever a server sends is a response or an error, within the
// limits, and the same one however the network cuts it to pieces.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204\n\n",
		"\r\nHTTP/1.1 301 Moved\r\nLocation: /a\r\n b\r\nContent-Length : 0\r\n\r\n",
		"no status line at all",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		resp, body, err := answer(t, method, raw, false)
		resp2, body2, err2 := answer(t, method, raw, true)
		if (err == nil) != (err2 == nil) || !bytes.Equal(body, body2) {
			t.Fatalf("whole: %q %v\nin pieces: %q %v", body, err, body2, err2)
		}
		if resp == nil {
			return
		}
		if resp.Status != resp2.Status || len(resp.Header) != len(resp2.Header) {
			t.Fatalf("whole: %d %v\nin pieces: %d %v", resp.Status, resp.Header, resp2.Status, resp2.Header)
		}
		if len(body) > len(raw) || resp.Info.WireRead > int64(len(raw)) {
			t.Fatalf("%d bytes gave a body of %d, WireRead %d", len(raw), len(body), resp.Info.WireRead)
		}
		if head && resp.Status != 101 && resp.Proto != "HTTP/0.9" && len(body) != 0 {
			t.Fatalf("HEAD has the body %q", body)
		}
	})
}

// FuzzChunked: what both we and net/http decode without complaint, we decode alike.
func FuzzChunked(f *testing.F) {
	for _, s := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "A;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n", "0\r\n\r\n", "1 \r\na\r\n00\r\n\r\n",
		"ffffffffffffffff\r\n", "-1\r\n", "1\r\nab", "5\nhello\n0\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, coded []byte) {
		_, got, err := answer(t, "GET", append([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), coded...), false)
		want, stdErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(coded)))
		if err == nil && stdErr == nil && !bytes.Equal(got, want) {
			t.Fatalf("got %q, net/http %q", got, want)
		}
	})
}
