package session_test

import (
	"context"
	stdtls "crypto/tls"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

// The bodies of a soak are prefixes of this.
var (
	soakData  = pattern(300_000)
	soakSizes = []int{0, 1, 1001, 16_384, 70_001, 300_000}
)

// A soakHost is a server of a soak.
type soakHost struct {
	url          string
	path         func(kind string, n int) string
	kinds        []string // of requests that it knows
	disturbances []disturbance
}

// A disturbance is what happens to a server.
type disturbance struct {
	name string
	do   func(*rand.Rand) error
}

// soakHosts starts servers of our own over each protocol, which can do everything, and
// real ones, which answer and restart.
func soakHosts(t *testing.T, ca *nettest.CA) []*soakHost {
	var hosts []*soakHost
	for _, config := range []*stdtls.Config{nil, nil, ca.Config("127.0.0.1"), offering(ca, "h2"), offering(ca, "h2")} {
		f := &flaky{config: config, conns: map[net.Conn]bool{}}
		if err := f.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.end)
		hosts = append(hosts, f.host())
	}
	sized := map[string][]byte{}
	for _, n := range soakSizes {
		sized[strconv.Itoa(n)] = soakData[:n]
	}
	nginx := nettest.Nginx(t, nettest.NginxConfig{CA: ca, HTTP2: true, Files: sized, Server: "keepalive_requests 100;"})
	nghttpd := nettest.Nghttpd(t, nettest.NghttpdConfig{CA: ca, Files: sized})
	restart := func(r *nettest.Rig) disturbance {
		return disturbance{"restart of a process", func(*rand.Rand) error { return r.Restart() }}
	}
	reload := disturbance{"reload", func(*rand.Rand) error { return nginx.Reload() }}
	for _, h := range []*soakHost{
		{url: "http://" + nginx.HTTP, disturbances: []disturbance{reload}},
		{url: "https://" + nginx.HTTPS, disturbances: []disturbance{reload, restart(nginx)}},
		{url: "https://" + nghttpd.HTTPS, disturbances: []disturbance{restart(nghttpd)}},
	} {
		h.path = func(_ string, n int) string { return "/" + strconv.Itoa(n) }
		h.kinds = []string{"get", "leave", "cancel", "cancel in body"}
		hosts = append(hosts, h)
	}
	return hosts
}

func offering(ca *nettest.CA, protocols ...string) *stdtls.Config {
	config := ca.Config("127.0.0.1")
	config.NextProtos = protocols
	return config
}

// A flaky server answers well, or as badly as it is asked to, until it is disturbed.
type flaky struct {
	config *stdtls.Config // nil is plain TCP
	addr   string         // the first start chooses it
	srv    *http.Server
	served chan struct{} // closed when srv has ended

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (f *flaky) host() *soakHost {
	h := &soakHost{
		url:   "http://" + f.addr,
		path:  func(kind string, n int) string { return fmt.Sprintf("/%s?n=%d", kind, n) },
		kinds: []string{"get", "echo", "leave", "cancel", "cancel in body", "stall", "abort", "goaway"},
		disturbances: []disturbance{
			{"reset", func(rng *rand.Rand) error { f.cut(rng, true); return nil }},
			{"close", func(rng *rand.Rand) error { f.cut(rng, false); return nil }},
			{"restart", func(*rand.Rand) error { f.end(); return f.start() }},
			{"graceful restart", func(*rand.Rand) error { f.shutdown(); return f.start() }},
		},
	}
	if f.config != nil {
		h.url = "https://" + f.addr
	}
	return h
}

func (f *flaky) start() error {
	addr := f.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp4", addr)
	if err != nil {
		return err
	}
	f.addr = ln.Addr().String()
	f.srv = &http.Server{Handler: http.HandlerFunc(f.serve), TLSConfig: f.config.Clone(), ErrorLog: log.New(io.Discard, "", 0)}
	f.served = make(chan struct{})
	srv, served := f.srv, f.served
	go func() {
		defer close(served)
		if f.config == nil {
			srv.Serve(flakyListener{ln, f})
		} else {
			srv.ServeTLS(flakyListener{ln, f}, "", "")
		}
	}()
	return nil
}

// end ends the server with all that is under way.
func (f *flaky) end() {
	f.srv.Close()
	<-f.served
}

// shutdown lets what is under way end, if that does not take long; HTTP/2 says GOAWAY.
func (f *flaky) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	f.srv.Shutdown(ctx)
	f.end()
}

// cut ends one of the connections, by a RST or a FIN that nobody announced.
func (f *flaky) cut(rng *rand.Rand, reset bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns { // any one; the order is random
		if reset {
			c.(*flakyConn).Conn.(*net.TCPConn).SetLinger(0)
		}
		c.(*flakyConn).Conn.Close()
		delete(f.conns, c)
		if rng.IntN(3) > 0 {
			return
		}
	}
}

func (f *flaky) serve(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil || n > len(soakData) {
		http.Error(w, "n?", http.StatusBadRequest)
		return
	}
	data := soakData[:n]
	// The others are chunked; so is one that stalls, which would else be over for the
	// client, though not here, once an empty body is there.
	if n%2 == 0 && r.URL.Path != "/stall" {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	switch r.URL.Path {
	case "/echo":
		if data, err = io.ReadAll(r.Body); err != nil {
			return
		}
	case "/stall":
		w.Write(data[:n/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case "/abort":
		w.Write(data[:n/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case "/goaway":
		w.Header().Set("Connection", "close")
	}
	w.Write(data)
}

// A flakyListener knows its open connections.
type flakyListener struct {
	net.Listener
	f *flaky
}

func (l flakyListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &flakyConn{raw, l.f}
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.conns[c] = true
	return c, nil
}

type flakyConn struct {
	net.Conn
	f *flaky
}

func (c *flakyConn) Close() error {
	c.f.mu.Lock()
	delete(c.f.conns, c)
	c.f.mu.Unlock()
	return c.Conn.Close()
}
