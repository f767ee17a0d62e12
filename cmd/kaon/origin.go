package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

// coded is one text, plain and in each content coding, as other programs coded it.
//
//go:embed coded
var coded embed.FS

// secureHost is another name in the certificate of the server at https: one that can
// require https, which localhost cannot.
const secureHost = "secure.kaon.test"

// crowdSize is how many requests for /crowd are answered together.
const crowdSize = 6

// An origin is the demo's server: what a site does, well and badly, at one address
// over HTTP and at four over HTTPS with certificates of its own authority, of which one
// speaks HTTP/2 as well, one that and HTTP/3, and one wants the authority's certificates
// of its clients.
type origin struct {
	http, https, h2, h3, strict string // base URLs
	ca                          *nettest.CA

	conns   atomic.Int64  // accepted so far; over HTTPS before the handshake
	hanging chan struct{} // a send for each request that arrived at /hang
	crowd   crowd         // the requests at /crowd
	altSvc  string        // where HTTP/3 is, as the response at /http3 says
	stopUDP func()
	servers []*http.Server
	wg      sync.WaitGroup
}

func startOrigin() (*origin, error) {
	var ls [5]net.Listener
	for i := range ls {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			for _, l := range ls[:i] {
				l.Close()
			}
			return nil, err
		}
		ls[i] = l
	}
	plain, secure, both, all, strict := ls[0], ls[1], ls[2], ls[3], ls[4]
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		for _, l := range ls {
			l.Close()
		}
		return nil, err
	}
	o := &origin{
		http:    "http://" + plain.Addr().String(),
		https:   "https://localhost:" + port(secure),
		h2:      "https://localhost:" + port(both),
		h3:      "https://localhost:" + port(all),
		altSvc:  fmt.Sprintf(`h3=":%d"`, nettest.PortOf(udp)),
		strict:  "https://localhost:" + port(strict),
		ca:      nettest.NewCA(),
		hanging: make(chan struct{}),
		crowd:   crowd{size: crowdSize, open: make(chan struct{})},
	}
	o.serve(plain, false)
	o.serve(o.ca.Listener(secure, "localhost", secureHost), false)
	o.serve(both, true)
	o.serve(all, true)
	o.serve(o.ca.AskingListener(strict, o.ca, "localhost"), false)
	o.stopUDP, err = nettest.ServeHTTP3(udp, o.ca.Config("localhost"), o.mux())
	if err != nil {
		o.stopUDP = func() { udp.Close() }
		o.close()
		return nil, err
	}
	return o, nil
}

func port(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// serve answers what l accepts: as it comes, or over TLS with HTTP/2 offered.
func (o *origin) serve(l net.Listener, h2 bool) {
	srv := &http.Server{
		Handler:           o.mux(),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // rows that show failures would fill it
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				o.conns.Add(1)
			}
		},
	}
	o.servers = append(o.servers, srv)
	if !h2 {
		o.wg.Go(func() { srv.Serve(l) })
		return
	}
	srv.TLSConfig = o.ca.Config("localhost")
	srv.TLSConfig.NextProtos = nil // net/http adds both
	o.wg.Go(func() { srv.ServeTLS(l, "", "") })
}

// close ends the servers and every connection to them.
func (o *origin) close() {
	for _, s := range o.servers {
		s.Close()
	}
	o.stopUDP()
	o.wg.Wait()
}

func (o *origin) mux() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path) })
	m.HandleFunc("/echo", echo)
	m.HandleFunc("/http3", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Alt-Svc", o.altSvc)
		io.WriteString(w, r.Proto)
	})
	m.HandleFunc("/cookie", cookie)
	m.HandleFunc("/secured", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=60")
	})
	m.HandleFunc("/kept", kept)
	m.HandleFunc("/who", who)
	m.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) { r.Header.Write(w) })
	m.HandleFunc("/redirect/{n}", redirect)
	m.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	m.HandleFunc("/coded/{coding}", sendCoded)
	m.HandleFunc("/crowd", func(_ http.ResponseWriter, r *http.Request) { o.crowd.wait(r.Context()) })
	m.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case o.hanging <- struct{}{}:
			<-r.Context().Done()
		case <-r.Context().Done():
		}
	})
	m.HandleFunc("/cut", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"))
	m.HandleFunc("/short", raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
	m.HandleFunc("/empty", raw(""))
	m.HandleFunc("/garbage", raw("220 smtp.example ESMTP ready\r\n"))
	return m
}

// echo reads the whole body first: net/http's server drops what is unread once it
// answers.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Write(b)
}

// cookie sets what the query says, and answers with the cookies it was sent.
func cookie(w http.ResponseWriter, r *http.Request) {
	if line, err := url.QueryUnescape(r.URL.RawQuery); err == nil && line != "" {
		w.Header().Set("Set-Cookie", line)
	}
	io.WriteString(w, r.Header.Get("Cookie"))
}

// keptText is larger than what buffers on the way hold, so that who stops reading it stops
// the transfer.
var keptText = strings.Repeat("0123456789abcdef", 1<<16)

// kept answers with a text that may be stored, for as long as the query says, and with the
// part of it that is asked for, or with 304.
func kept(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age="+r.URL.RawQuery)
	w.Header().Set("ETag", `"1"`)
	http.ServeContent(w, r, "kept.txt", time.Time{}, strings.NewReader(keptText))
}

// who answers with the name in the client's certificate.
func who(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].DNSNames[0])
	}
}

// redirect leads to /redirect/0 by as many steps as its path says.
func redirect(w http.ResponseWriter, r *http.Request) {
	switch n, err := strconv.Atoi(r.PathValue("n")); {
	case err != nil:
		http.NotFound(w, r)
	case n <= 0:
		io.WriteString(w, "arrived")
	default:
		http.Redirect(w, r, fmt.Sprintf("/redirect/%d", n-1), http.StatusFound)
	}
}

func sendCoded(w http.ResponseWriter, r *http.Request) {
	coding := r.PathValue("coding")
	b, err := coded.ReadFile("coded/plain." + coding)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Encoding", coding)
	w.Write(b)
}

// raw answers with bytes that net/http would not send, and closes.
func raw(bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(c, bytes)
		c.Close()
	}
}

// A crowd lets requests pass size at a time: as many must be under way at once
// before any of them goes on.
type crowd struct {
	size    int
	mu      sync.Mutex
	waiting int
	open    chan struct{} // closed when the crowd is complete
}

func (c *crowd) wait(ctx context.Context) {
	c.mu.Lock()
	open := c.open
	if c.waiting++; c.waiting == c.size {
		close(open)
		c.waiting, c.open = 0, make(chan struct{})
	}
	c.mu.Unlock()
	select {
	case <-open:
	case <-ctx.Done():
	}
}
