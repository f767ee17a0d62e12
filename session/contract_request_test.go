package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

// A spyBody counts what becomes of a request body.
type spyBody struct {
	io.Reader
	mu     sync.Mutex
	closed int
	done   chan struct{}
}

func newSpy(r io.Reader) *spyBody { return &spyBody{Reader: r, done: make(chan struct{})} }

func (b *spyBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed++; b.closed == 1 {
		close(b.done)
	}
	return nil
}

func (b *spyBody) wait(c *contract) string {
	select {
	case <-b.done:
		return "closed"
	case <-time.After(5 * time.Second):
		return "never closed"
	}
}

func notModified(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	req := c.request("POST", srv.URL+"/a?b=c", strings.NewReader("x"))
	req.Header = http.Header{"X-A": {"1", "2"}}
	want := req.Clone(req.Context())
	wantURL := *req.URL
	c.do(req)
	c.note("header %v url %v method %v host %v length %v",
		reflect.DeepEqual(req.Header, want.Header), *req.URL == wantURL, req.Method == want.Method, req.Host == want.Host, req.ContentLength)
}

func bodyClosed(c *contract) {
	closing := nettest.NewServer(c.T, func(n *nettest.Conn) { n.ReadHead(); n.Close() })
	reading := c.serve(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	dead := fmt.Sprintf("http://127.0.0.1:%d/", nettest.FreePort(c.T))
	for _, target := range []string{reading.URL, closing.URL(), dead, "gopher://x/", "http:///nohost"} {
		body := newSpy(strings.NewReader("hello"))
		u, _ := url.Parse(target)
		req := &http.Request{Method: "POST", URL: u, Header: http.Header{}, Body: body, ContentLength: 5}
		resp, err := c.rt.RoundTrip(req.WithContext(c.Context()))
		if err == nil {
			resp.Body.Close()
		}
		name := "a server"
		if strings.Contains(target, "gopher") || strings.Contains(target, "nohost") {
			name = target
		}
		c.note("%s: err %v, body %s", name, err != nil, body.wait(c))
	}
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	body := newSpy(strings.NewReader("hello"))
	req := c.request("POST", reading.URL, body).WithContext(ctx)
	_, err := c.rt.RoundTrip(req)
	c.note("cancelled: %v, body %s", errors.Is(err, context.Canceled), body.wait(c))
}

// getBody: the server lets a kept connection die under the second request, which
// may be sent again, with its body made anew, only if the caller said that this is
// safe.
func getBody(c *contract) {
	for _, key := range []string{"Idempotency-Key", "X-Other"} {
		var mu sync.Mutex
		var bodies []string
		conns := 0
		srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
			mu.Lock()
			conns++
			first := conns == 1
			mu.Unlock()
			for i := 0; ; i++ {
				if _, err := n.ReadHead(); err != nil {
					return
				}
				b, _ := n.ReadBody(2)
				mu.Lock()
				bodies = append(bodies, string(b))
				mu.Unlock()
				if first && i == 1 {
					return
				}
				n.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		made := 0
		send := func(text string) error {
			req := c.request("POST", srv.URL(), strings.NewReader(text))
			req.Header.Set(key, "1")
			inner := req.GetBody
			req.GetBody = func() (io.ReadCloser, error) { made++; return inner() }
			resp, err := c.rt.RoundTrip(req)
			if err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			return err
		}
		c.note("%s: first %v", key, send("b1") == nil)
		c.note("%s: second %v", key, send("b2") == nil)
		mu.Lock()
		c.note("%s: server read %v, GetBody called %d times", key, bodies, made)
		mu.Unlock()
	}
}

func hostAndClose(c *contract) {
	var mu sync.Mutex
	var heads []string
	srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
		for {
			head, err := n.ReadHead()
			if err != nil {
				return
			}
			mu.Lock()
			heads = append(heads, head)
			mu.Unlock()
			n.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	req := c.request("GET", srv.URL()+"/x", nil)
	req.Host = "other.test:81"
	c.do(req)
	req = c.request("GET", srv.URL()+"/x", nil)
	req.Close = true
	c.do(req)
	c.do(c.request("GET", srv.URL()+"/x", nil))
	mu.Lock()
	defer mu.Unlock()
	for _, h := range heads {
		h = strings.ReplaceAll(h, strings.TrimPrefix(srv.URL(), "http://"), "SERVER")
		var kept []string
		for line := range strings.SplitSeq(h, "\r\n") {
			// Connection: keep-alive, which Chromium sends and net/http does not,
			// means nothing in HTTP/1.1.
			if strings.HasPrefix(line, "GET") || strings.HasPrefix(line, "Host") || line == "Connection: close" {
				kept = append(kept, line)
			}
		}
		c.note("%q", kept)
	}
	c.note("%d connections", srv.Accepted())
}

func uploads(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s length %d te %v read %d %v trailer %v", r.Method, r.ContentLength, r.TransferEncoding, len(b), err, r.Trailer)
	})
	big := strings.Repeat("x", 1<<20)
	for _, mk := range []func() *http.Request{
		func() *http.Request { return c.request("POST", srv.URL, strings.NewReader("hello")) },
		func() *http.Request { return c.request("POST", srv.URL, strings.NewReader(big)) },
		func() *http.Request { return c.request("POST", srv.URL, io.MultiReader(strings.NewReader(big))) },
		func() *http.Request { return c.request("POST", srv.URL, nil) },
		func() *http.Request { return c.request("PUT", srv.URL, http.NoBody) },
		func() *http.Request { return c.request("GET", srv.URL, strings.NewReader("get with body")) },
		func() *http.Request {
			r := c.request("POST", srv.URL, io.MultiReader(strings.NewReader("with trailer")))
			r.Trailer = http.Header{"X-T": {"1"}}
			return r
		},
	} {
		_, body := c.do(mk())
		c.note("%s", body)
	}
}

func expectContinue(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "read %s", b)
	})
	got := make(chan struct{}, 1)
	ctx := httptrace.WithClientTrace(c.Context(), &httptrace.ClientTrace{Got100Continue: func() { got <- struct{}{} }})
	req := c.request("POST", srv.URL, strings.NewReader("hello")).WithContext(ctx)
	req.Header.Set("Expect", "100-continue")
	_, body := c.do(req)
	c.note("%s, continue %d", body, len(got))
}

// manyHeaders goes beyond every inline array of the stack.
func manyHeaders(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		for i := range 40 {
			w.Header().Add(fmt.Sprintf("X-%d", i%30), r.Header.Get(fmt.Sprintf("Y-%d", i)))
		}
	})
	req := c.request("GET", srv.URL, nil)
	for i := range 40 {
		req.Header.Set(fmt.Sprintf("Y-%d", i), fmt.Sprint(i))
	}
	resp, body := c.do(req)
	c.describe(req, resp, body)
}
