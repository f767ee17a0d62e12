package transport_test

import (
	stdtls "crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// serveHTTP2 starts std's server for both protocols and tells how many connections
// it came to have.
func serveHTTP2(t *testing.T, ca *nettest.CA, h http.HandlerFunc) (url string, conns func() int) {
	t.Helper()
	return serveHTTP2As(t, ca.Config("127.0.0.1"), h)
}

func serveHTTP2As(t *testing.T, cfg *stdtls.Config, h http.HandlerFunc) (url string, conns func() int) {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]bool{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr] = true
		mu.Unlock()
		h(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are given up
	srv.TLS = cfg
	srv.TLS.NextProtos = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL, func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(seen)
	}
}

// TestHTTP2: requests at once share one connection, whatever came first.
func TestHTTP2(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	url, conns := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, r.Proto+" "+r.Method+" "+string(b))
		w.Header().Set("X-Sum", "1")
	})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			req := &exchange.Request{
				Method: "POST", URL: parse(t, url),
				Body: io.NopCloser(strings.NewReader("hello")), ContentLength: 5,
			}
			resp, err := tr.RoundTrip(t.Context(), req)
			if err != nil {
				t.Error(err)
				return
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil || string(b) != "HTTP/2.0 POST hello" || resp.Proto != "HTTP/2.0" || resp.Trailer().Get("x-sum") != "1" {
				t.Errorf("%s: %q, %v, trailer %v", resp.Proto, b, err, resp.Trailer())
			}
		})
	}
	wg.Wait()
	if n := conns(); n != 1 {
		t.Errorf("%d connections carried requests, want 1", n)
	}
	if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); !resp.Info.Reused || resp.Info.TLS.NegotiatedProtocol != "h2" {
		t.Errorf("reused %v, protocol %q", resp.Info.Reused, resp.Info.TLS.NegotiatedProtocol)
	}
}

// TestHTTP1Only: HTTP/2 is not offered to a program that does not want it, nor for
// an upgrade, which it cannot carry.
func TestHTTP1Only(t *testing.T) {
	ca := nettest.NewCA()
	for _, tt := range []struct {
		name string
		cfg  transport.Config
		head exchange.Fields
		want string
	}{
		{"neither", transport.Config{}, nil, "HTTP/2.0"},
		{"disabled", transport.Config{DisableHTTP2: true}, nil, "HTTP/1.1"},
		{"upgrade", transport.Config{}, exchange.FieldsOf("Connection", "Upgrade", "Upgrade", "websocket"), "HTTP/1.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.TLS = trusting(t, ca)
			tr := start(t, tt.cfg)
			url, _ := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {})
			if resp := do(t, tr, &exchange.Request{URL: parse(t, url), Header: tt.head}); resp.Proto != tt.want {
				t.Errorf("got %s, want %s", resp.Proto, tt.want)
			}
		})
	}
}

// frame is one HTTP/2 frame (RFC 9113 section 4.1).
func frame(kind, flags byte, stream uint32, payload string) string {
	b := make([]byte, 9, 9+len(payload))
	b[1], b[2], b[3], b[4] = byte(len(payload)>>8), byte(len(payload)), kind, flags
	binary.BigEndian.PutUint32(b[5:], stream)
	return string(b) + payload
}

const (
	frameHeaders   = 1
	frameRSTStream = 3
	frameSettings  = 4
)

// reset answers every request on an HTTP/2 connection with RST_STREAM.
func reset(c *nettest.Conn, code byte) {
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(c, preface); err != nil {
		return
	}
	c.Print(frame(frameSettings, 0, 0, ""))
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if _, err := c.ReadBody(int(head[0])<<16 | int(head[1])<<8 | int(head[2])); err != nil {
			return
		}
		if head[3] == frameHeaders {
			c.Print(frame(frameRSTStream, 0, binary.BigEndian.Uint32(head[5:]), "\x00\x00\x00"+string(code)))
		}
	}
}

// TestHTTP11Required: a server that resets a stream with HTTP_1_1_REQUIRED gets the
// request, and later ones at once, over HTTP/1.1.
func TestHTTP11Required(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	cfg := ca.Config("127.0.0.1")
	cfg.NextProtos = []string{"h2", "http/1.1"}
	srv := nettest.NewTLSServer(t, cfg, func(c *nettest.Conn) {
		if c.TLS().NegotiatedProtocol == "h2" {
			reset(c, 0xd)
			return
		}
		nettest.Respond(ok)(c)
	})
	for i, want := range []int{1, 0} {
		req := get(t, srv)
		req.Method = "POST" // not repeatable by itself: the server's word is what counts
		if resp := do(t, tr, req); resp.Proto != "HTTP/1.1" || resp.Info.Retries != want {
			t.Errorf("request %d: %s after %d retries, want HTTP/1.1 after %d", i, resp.Proto, resp.Info.Retries, want)
		}
	}
	if n := srv.Accepted(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// TestRefusedStream: a refused stream is tried twice more, on any method.
func TestRefusedStream(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	cfg := ca.Config("127.0.0.1")
	cfg.NextProtos = []string{"h2"}
	var mu sync.Mutex
	requests := 0
	srv := nettest.NewTLSServer(t, cfg, func(c *nettest.Conn) { reset(c, 0x7) })
	req := get(t, srv)
	req.Method = "POST"
	body := &tracked{Reader: strings.NewReader("x")}
	req.Body, req.ContentLength = body, 1
	req.GetBody = func() (io.ReadCloser, error) {
		mu.Lock()
		defer mu.Unlock()
		requests++
		return io.NopCloser(strings.NewReader("x")), nil
	}
	_, err := tr.RoundTrip(t.Context(), req)
	if !errors.Is(err, neterr.HTTP2ServerRefusedStream) || requests != 2 || body.closed.Load() != 1 {
		t.Errorf("got %v after %d retries, body closed %d times; want ERR_HTTP2_SERVER_REFUSED_STREAM after 2", err, requests, body.closed.Load())
	}
}
