package h2_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/neterr"
)

// serveStd starts net/http's server over TLS.
func serveStd(t testing.TB, h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// dialStd returns a connection to srv.
func dialStd(t testing.TB, srv *httptest.Server) *h2.Conn {
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	nc, err := stdtls.Dial("tcp", srv.Listener.Addr().String(), &stdtls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	state := nc.ConnectionState()
	return newConn(t, nc, h2.Config{TLS: &state})
}

// serveX serves one plain-text connection with x/net's server.
func serveX(t testing.TB, h http.Handler) *h2.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err == nil {
			//lint:ignore SA1019 a second server beside net/http's
			(&http2.Server{MaxConcurrentStreams: 250}).ServeConn(nc, &http2.ServeConnOpts{Handler: h})
		}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); <-done })
	return newConn(t, nc, h2.Config{})
}

func newConn(t testing.TB, nc net.Conn, cfg h2.Config) *h2.Conn {
	t.Helper()
	c, err := h2.NewConn(nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(nil) })
	return c
}

func request(method, target string, body io.Reader, length int64) *exchange.Request {
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	req := &exchange.Request{Method: method, URL: u, ContentLength: length}
	if body != nil {
		req.Body = io.NopCloser(body)
	}
	return req
}

// echo answers with what it was sent.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Host", r.Host)
	w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
	w.Header().Set("Trailer", "X-Sum")
	n, err := io.Copy(w, r.Body)
	w.Header().Set("X-Sum", fmt.Sprint(int(n), err, r.Trailer.Get("X-Sent")))
})

// TestRealPeers sends bodies of all sizes through the servers of net/http and x/net and
// compares what comes back.
func TestRealPeers(t *testing.T) {
	peers := map[string]*h2.Conn{"std": dialStd(t, serveStd(t, echo)), "x": serveX(t, echo)}
	for name, c := range peers {
		for _, size := range []int{0, 1, 1000, 16375, 16376, 65535, 65536, 300_000, 2 << 20} {
			for _, kind := range []string{"memory", "stream", "unknown", "trailer"} {
				t.Run(fmt.Sprintf("%s/%d/%s", name, size, kind), func(t *testing.T) {
					data := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
					var body io.Reader = bytes.NewReader(data)
					length := int64(size)
					if kind != "memory" {
						body = io.MultiReader(body)
					}
					if kind == "unknown" || kind == "trailer" {
						length = -1
					}
					req := request("POST", "https://example.com/echo", body, length)
					sent := ""
					if kind == "trailer" {
						req.TrailerNames = []string{"X-Sent"}
						req.Trailer = func() exchange.Fields { return exchange.FieldsOf("X-Sent", "yes", "Host", "no") }
						sent = "yes"
					}
					if err := c.Reserve(); err != nil {
						t.Fatal(err)
					}
					resp, err := c.RoundTrip(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("%d bytes came back of %d, %v", len(got), size, err)
					}
					if l := resp.Header.Get("x-length"); l != fmt.Sprint(length) {
						t.Errorf("length %s, want %d", l, length)
					}
					if got, want := resp.Trailer().Get("x-sum"), fmt.Sprint(size, nil, sent); got != want {
						t.Errorf("trailer %q, want %q", got, want)
					}
				})
			}
		}
		if c.InUse() != 0 || c.Available() != 250 {
			t.Errorf("%s: %d in use, %d available", name, c.InUse(), c.Available())
		}
	}
}

// TestManyAtOnce keeps 100 requests in flight, some of them given up half way.
func TestManyAtOnce(t *testing.T) {
	c := dialStd(t, serveStd(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat(r.URL.Path, 3000))
	})))
	var wg sync.WaitGroup
	for g := range 100 {
		wg.Go(func() {
			for i := range 20 {
				path := fmt.Sprintf("/%d/%d", g, i)
				if err := c.Reserve(); err != nil {
					t.Error(err)
					return
				}
				resp, err := c.RoundTrip(t.Context(), request("GET", "https://example.com"+path, nil, 0))
				if err != nil {
					t.Error(err)
					return
				}
				if i%5 == 4 {
					resp.Body.Close()
					continue
				}
				b, err := io.ReadAll(resp.Body)
				if want := strings.Repeat(path, 3000); err != nil || string(b) != want {
					t.Errorf("%s: %d bytes of %d, %v", path, len(b), len(want), err)
				}
			}
		})
	}
	wg.Wait()
	if err := c.Err(); err != nil || c.InUse() != 0 {
		t.Errorf("%v, %d in use", err, c.InUse())
	}
}

// TestEarlyAnswer: a server that answers before it has the whole body ends the upload.
func TestEarlyAnswer(t *testing.T) {
	c := dialStd(t, serveStd(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	})))
	pr, pw := io.Pipe()
	req := request("POST", "https://example.com/", pr, -1)
	req.Body = pr
	if err := c.Reserve(); err != nil {
		t.Fatal(err)
	}
	go pw.Write([]byte("begin"))
	resp, err := c.RoundTrip(t.Context(), req)
	if err != nil || resp.Status != 403 {
		t.Fatal(resp, err)
	}
	b, err := io.ReadAll(resp.Body)
	if string(b) != "no\n" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	for err = nil; err == nil; {
		_, err = pw.Write([]byte("more"))
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// TestDead: the peer goes away.
func TestDead(t *testing.T) {
	srv := serveStd(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	c := dialStd(t, srv)
	if err := c.Reserve(); err != nil {
		t.Fatal(err)
	}
	resp, err := c.RoundTrip(t.Context(), request("GET", "https://example.com/", nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, neterr.HTTP2ProtocolError) {
		t.Errorf("an aborted handler: %v", err)
	}
	gone := make(chan struct{}, 10)
	c.SetStateHook(func() { gone <- struct{}{} })
	srv.CloseClientConnections()
	for c.Err() == nil {
		<-gone
	}
	if c.Available() != 0 || c.Reserve() == nil {
		t.Error("a dead connection has slots")
	}
}

// TestSoak mixes what callers do, at random, for a while: the connection must come out
// of it with all its slots and both its windows.
func TestSoak(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	c := dialStd(t, serveStd(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 100_000)
		io.CopyN(w, zero{}, r.ContentLength)
	})))
	do := func(ctx context.Context, method string, size int64, read int64) error {
		req := request(method, "https://example.com/", io.LimitReader(zero{}, size), size)
		if err := c.Reserve(); err != nil {
			return err
		}
		resp, err := c.RoundTrip(ctx, req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		n, err := io.CopyN(io.Discard, resp.Body, read)
		if err == io.EOF && n == size {
			return nil
		}
		return err
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			for range rounds {
				size := rnd.Int64N(400_000)
				switch rnd.IntN(4) {
				case 0:
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(3000))*time.Microsecond)
					if err := do(ctx, "POST", size, size); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, neterr.HTTP2ProtocolError) {
						t.Errorf("canceled: %v", err)
					}
					cancel()
				case 1:
					// The server stops reading half way: it says so with RST_STREAM.
					if err := do(t.Context(), "POST", size, size/2); err != nil && !errors.Is(err, neterr.HTTP2RSTStreamNoErrorReceived) {
						t.Errorf("closed early: %v", err)
					}
				default:
					if err := do(t.Context(), "POST", size%100_000, size%100_000+1); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	// 20 MiB each way is more than a window that has shrunk would let through.
	resp, err := c.RoundTrip(t.Context(), request("POST", "https://example.com/", io.LimitReader(zero{}, 20<<20), 20<<20))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if n != 20<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	resp.Body.Close()
	if c.InUse() != 0 || c.Err() != nil {
		t.Errorf("%d in use, %v", c.InUse(), c.Err())
	}
}

// TestAllocs holds what a small GET allocates: for the most part the stream with its
// response. The canned server's frame and content-length are in the count.
func TestAllocs(t *testing.T) {
	get := kaonClient(t, serveCanned(t, 1<<10))
	buf := make([]byte, 4<<10)
	n := testing.AllocsPerRun(500, func() {
		if err := get(buf); err != nil {
			t.Fatal(err)
		}
	})
	if n > 5 {
		t.Errorf("%v allocations", n)
	}
}
