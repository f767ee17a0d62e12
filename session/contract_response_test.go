package session_test

import (
	"bytes"
	"compress/gzip"
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

func response(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "ok")
		case "/chunked":
			w.(http.Flusher).Flush()
			io.WriteString(w, "ok")
		case "/close":
			w.Header().Set("Connection", "close")
			io.WriteString(w, "ok")
		case "/multi":
			w.Header()["x-lower"] = []string{"1"}
			w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
			w.WriteHeader(404)
			io.WriteString(w, "ok")
		case "/teapot":
			w.WriteHeader(418)
		}
	})
	for _, p := range []string{"/length", "/chunked", "/close", "/multi", "/teapot"} {
		req := c.request("GET", srv.URL+p, nil)
		resp, body := c.do(req)
		c.describe(req, resp, body)
	}
	oneShot := nettest.NewServer(c.T, func(n *nettest.Conn) {
		n.ReadHead()
		n.Print("HTTP/1.0 299 Odd Reason\r\nX: y\r\n\r\nuntil close")
	})
	req := c.request("GET", oneShot.URL(), nil)
	resp, body := c.do(req)
	c.describe(req, resp, body)
}

func responseHTTP2(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "ok")
		case "/stream":
			w.(http.Flusher).Flush()
			io.WriteString(w, "ok")
		case "/multi":
			w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
			w.WriteHeader(404)
		}
	})
	for _, p := range []string{"/length", "/stream", "/multi"} {
		req := c.request("GET", srv.URL+p, nil)
		resp, body := c.do(req)
		c.describe(req, resp, body)
		c.note("protocol %q", resp.TLS.NegotiatedProtocol)
	}
}

func responseTLS(c *contract) {
	srv := nettest.NewTLSServer(c.T, c.ca.Config("127.0.0.1"), nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	req := c.request("GET", srv.URL(), nil)
	resp, body := c.do(req)
	c.describe(req, resp, body)
	s := resp.TLS
	c.note("TLS %v version %x complete %v peers %d chains %d name %q", s != nil, s.Version, s.HandshakeComplete,
		len(s.PeerCertificates), len(s.VerifiedChains), s.ServerName)
	plain := nettest.NewServer(c.T, nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	resp, _ = c.do(c.request("GET", plain.URL(), nil))
	c.note("TLS over plain HTTP: %v", resp.TLS)
}

func decoding(c *contract) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "hello, gzip")
	z.Close()
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		w.Write(zipped.Bytes())
	})
	req := c.request("GET", srv.URL, nil)
	resp, body := c.do(req)
	c.describe(req, resp, body)

	req = c.request("GET", srv.URL, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, body = c.do(req)
	c.describe(req, resp, body)
}

func trailers(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
	})
	req := c.request("GET", srv.URL, nil)
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		c.Fatal(err)
	}
	c.note("before the end: %v", resp.Trailer)
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	c.note("after: %v, announced in the header: %q", resp.Trailer, resp.Header.Get("Trailer"))
}

func upgrade(c *contract) {
	srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
		n.ReadHead()
		n.Print("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		b, _ := n.ReadBody(4)
		n.Print("got " + string(b))
	})
	req := c.request("GET", srv.URL(), nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		c.Fatal(err)
	}
	rw, ok := resp.Body.(io.ReadWriteCloser)
	c.note("%s writable %v", resp.Status, ok)
	if !ok {
		return
	}
	rw.Write([]byte("ping"))
	b, err := io.ReadAll(rw)
	c.note("%q %v", b, err)
	rw.Close()
}

func closeIdle(c *contract) {
	srv := nettest.NewServer(c.T, nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	c.do(c.request("GET", srv.URL(), nil))
	c.do(c.request("GET", srv.URL(), nil))
	c.note("kept: %d", srv.Accepted())
	(&http.Client{Transport: c.rt}).CloseIdleConnections()
	nettest.Eventually(c.T, "the idle connection is closed", func() bool { return srv.Open() == 0 })
	c.do(c.request("GET", srv.URL(), nil))
	c.note("after CloseIdleConnections: %d", srv.Accepted())
}

func traced(c *contract) {
	srv := nettest.NewTLSServer(c.T, c.ca.Config("127.0.0.1"), nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	for range 2 {
		var mu sync.Mutex
		seen := map[string]int{}
		var order []string
		add := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			if seen[s]++; seen[s] == 1 {
				order = append(order, s)
			}
		}
		ctx := httptrace.WithClientTrace(c.Context(), &httptrace.ClientTrace{
			GetConn: func(hostPort string) { add("GetConn " + strings.Replace(hostPort, srv.Addr(), "SERVER", 1)) },
			GotConn: func(i httptrace.GotConnInfo) {
				add(fmt.Sprintf("GotConn conn %v reused %v idle %v", i.Conn != nil, i.Reused, i.WasIdle))
			},
			PutIdleConn:  func(err error) { add(fmt.Sprintf("PutIdleConn %v", err)) },
			ConnectStart: func(network, addr string) { add("ConnectStart " + network) },
			ConnectDone:  func(network, addr string, err error) { add(fmt.Sprintf("ConnectDone %s %v", network, err)) },

			TLSHandshakeStart:    func() { add("TLSHandshakeStart") },
			TLSHandshakeDone:     func(s stdtls.ConnectionState, err error) { add(fmt.Sprintf("TLSHandshakeDone %x %v", s.Version, err)) },
			WroteHeaders:         func() { add("WroteHeaders") },
			WroteRequest:         func(i httptrace.WroteRequestInfo) { add(fmt.Sprintf("WroteRequest %v", i.Err)) },
			GotFirstResponseByte: func() { add("GotFirstResponseByte") },
		})
		c.do(c.request("GET", srv.URL(), nil).WithContext(ctx))
		nettest.Eventually(c.T, "PutIdleConn", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return seen["PutIdleConn <nil>"] == 1
		})
		mu.Lock()
		// Two goroutines of net/http race for the last places.
		sort.Strings(order)
		c.note("%q", order)
		mu.Unlock()
	}
}

func clientTimeout(c *contract) {
	for _, at := range []string{"head", "body"} {
		srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
			n.ReadHead()
			if at == "body" {
				n.Print("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
			}
			n.WaitClose()
		})
		client := &http.Client{Transport: c.rt, Timeout: 50 * time.Millisecond}
		resp, err := client.Get(srv.URL())
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		var timeout interface{ Timeout() bool }
		c.note("%s: deadline %v timeout %v", at, errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout())
	}
}

func cancelAfterHeaders(c *contract) {
	srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
		n.ReadHead()
		n.Print("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
		n.WaitClose()
	})
	ctx, cancel := context.WithCancel(c.Context())
	resp, err := c.rt.RoundTrip(c.request("GET", srv.URL(), nil).WithContext(ctx))
	if err != nil {
		c.Fatal(err)
	}
	buf := make([]byte, 2)
	n, err := io.ReadFull(resp.Body, buf)
	c.note("%d %v", n, err)
	cancel()
	_, err = resp.Body.Read(buf)
	c.note("after cancel: %v", errors.Is(err, context.Canceled))
	resp.Body.Close()
}

func closeBesideRead(c *contract) {
	srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
		n.ReadHead()
		n.Print("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
		n.WaitClose()
	})
	resp, err := c.rt.RoundTrip(c.request("GET", srv.URL(), nil))
	if err != nil {
		c.Fatal(err)
	}
	errs := make(chan error)
	go func() {
		_, err := resp.Body.Read(make([]byte, 5))
		errs <- err
	}()
	resp.Body.Close()
	c.note("Read failed: %v", <-errs != nil)
}

func readAfterClose(c *contract) {
	srv := nettest.NewServer(c.T, nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	resp, err := c.rt.RoundTrip(c.request("GET", srv.URL(), nil))
	if err != nil {
		c.Fatal(err)
	}
	c.note("close %v", resp.Body.Close())
	_, err = resp.Body.Read(make([]byte, 1))
	c.note("read after close fails: %v", err != nil)
	c.note("close again %v", resp.Body.Close())
}

func bodyless(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(204)
		case "/304":
			w.WriteHeader(304)
		default:
			w.Header().Set("Content-Length", "7")
		}
	})
	for _, r := range [][2]string{{"GET", "/204"}, {"GET", "/304"}, {"HEAD", "/"}} {
		req := c.request(r[0], srv.URL+r[1], nil)
		resp, body := c.do(req)
		c.describe(req, resp, body)
		c.note("body is nil: %v", resp.Body == nil)
	}
}

func redirects(c *contract) {
	srv := c.serve(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/302":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/307":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		default:
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s", r.Method, b)
		}
	})
	resp, _ := c.do(c.request("POST", srv.URL+"/302", strings.NewReader("x")))
	c.note("RoundTrip follows nothing: %d %s", resp.StatusCode, resp.Header.Get("Location"))
	client := &http.Client{Transport: c.rt}
	for _, p := range []string{"/302", "/307"} {
		resp, err := client.Post(srv.URL+p, "text/plain", strings.NewReader("x"))
		if err != nil {
			c.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		c.note("client after %s: %s at %s", p, b, resp.Request.URL.Path)
	}
}

func roundTripErrors(c *contract) {
	for name, raw := range map[string]string{
		"nothing":     "",
		"not http":    "SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
		"header bomb": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 12<<20),
	} {
		srv := nettest.NewServer(c.T, func(n *nettest.Conn) {
			n.ReadHead()
			n.Print(raw)
		})
		_, err := c.rt.RoundTrip(c.request("GET", srv.URL(), nil))
		c.note("%s: %v", name, err != nil)
	}
	sort.Strings(c.lines)
}
