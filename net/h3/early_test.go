package h3_test

import (
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// A stalled socket hears nothing until it is let.
type stalled struct {
	net.PacketConn
	open chan struct{}
}

func (s *stalled) ReadFrom(b []byte) (int, net.Addr, error) {
	<-s.open
	return s.PacketConn.ReadFrom(b)
}

// A tickets cache tells when it has something.
type tickets struct {
	stdtls.ClientSessionCache
	came chan struct{}
}

func (c *tickets) Put(key string, s *stdtls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// An early client has one ticket and dials with it, hearing nothing until it is let.
type early struct {
	tls  *stdtls.Config
	came chan struct{} // signalled for each ticket
}

func newEarly() *early {
	cache := &tickets{stdtls.NewLRUClientSessionCache(1), make(chan struct{}, 1)}
	cfg := clientTLS()
	cfg.ClientSessionCache = cache
	return &early{cfg, cache.came}
}

func (e *early) dial(t *testing.T, addr net.Addr) (c *h3.Conn, open chan struct{}) {
	t.Helper()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	open = make(chan struct{})
	tr := &quic.Transport{Conn: &stalled{udp, open}}
	t.Cleanup(func() { tr.Close(); udp.Close() })
	qc, err := tr.DialEarly(t.Context(), addr, e.tls, h3.QUICConfig())
	if err != nil {
		t.Fatal(err)
	}
	if c, err = h3.NewConn(t.Context(), qc, h3.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(nil) })
	return c, open
}

// visit makes a connection for its ticket.
func (e *early) visit(t *testing.T, addr net.Addr) {
	t.Helper()
	c, err := h3.Dial(t.Context(), connectedTo(t, addr), e.tls, h3.Config{})
	if err != nil {
		t.Fatal(err)
	}
	<-e.came
	c.Close(nil)
}

// TestEarly: with a ticket a GET goes out before the server has said anything, but not a
// POST, which somebody might replay.
func TestEarly(t *testing.T) {
	methods := make(chan string, 10)
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		methods <- r.Method
		io.WriteString(w, "x")
	}), &quic.Config{Allow0RTT: true})
	e := newEarly()
	e.visit(t, addr)
	c, open := e.dial(t, addr)
	post := get("/")
	post.Method = "POST"
	posted := send(t, c, post)
	got := send(t, c, get("/"))
	if m := <-methods; m != "GET" {
		t.Errorf("%s came first", m)
	}
	select {
	case m := <-methods:
		t.Errorf("%s came before the handshake was complete", m)
	default:
	}
	close(open)
	if m := <-methods; m != "POST" {
		t.Errorf("%s came second", m)
	}
	for _, out := range []<-chan outcome{posted, got} {
		if o := <-out; o.err != nil || o.body != "x" {
			t.Errorf("got %+v", o)
		}
	}
	if !c.QUICConn().ConnectionState().Used0RTT {
		t.Error("0-RTT was not used")
	}
}

// TestEarlyRejected: where the server does not take 0-RTT its requests are sent again when
// the handshake is complete, on the same connection, beside those that waited for it.
func TestEarlyRejected(t *testing.T) {
	if raceDetector {
		t.Skip("quic-go 0.65 reads the peer's transport parameters in OpenStream while the handshake replaces them")
	}
	nettest.CheckGoroutines(t)
	seen := make(chan string, 10)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen <- r.Method + " " + r.URL.Path + " " + string(b)
		io.WriteString(w, r.URL.Path)
	})
	server := serverTLS(t)
	server.SetSessionTicketKeys([][32]byte{{1}})
	e := newEarly()
	e.visit(t, serveTLS(t, handler, &quic.Config{Allow0RTT: true}, server))
	c, open := e.dial(t, serveTLS(t, handler, &quic.Config{}, server))
	withBody := func(path string) *exchange.Request {
		req := get(path)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader("body")), 4
		return req
	}
	again := withBody("/3")
	again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }
	post := get("/5")
	post.Method = "POST"
	once := withBody("/4")
	out := map[string]<-chan outcome{post.URL.Path: send(t, c, post)}
	early := []*exchange.Request{get("/1"), get("/2"), again, once}
	sent := make(chan struct{}, 2*len(early)) // some are sent twice
	for _, req := range early {
		req.Trace = &httptrace.ClientTrace{WroteHeaders: func() { sent <- struct{}{} }}
		out[req.URL.Path] = send(t, c, req)
	}
	for range early {
		<-sent
	}
	close(open)
	if o := <-out[once.URL.Path]; !errors.Is(o.err, neterr.QUICGoawayRequestCanBeRetried) {
		t.Errorf("a body that there is once: got %v", o.err)
	}
	delete(out, once.URL.Path)
	for path, out := range out {
		if o := <-out; o.err != nil || o.body != path {
			t.Errorf("%s: got %+v", path, o)
		}
	}
	if c.QUICConn().ConnectionState().Used0RTT {
		t.Error("0-RTT was used")
	}
	if n := c.InUse(); n != 0 || c.Err() != nil {
		t.Errorf("%d slots in use, %v", n, c.Err())
	}
	all := []string{<-seen, <-seen, <-seen, <-seen}
	if len(seen) > 0 {
		t.Errorf("the server saw %s twice, or too early", <-seen)
	}
	slices.Sort(all)
	if got, want := strings.Join(all, ","), "GET /1 ,GET /2 ,GET /3 body,POST /5 "; got != want {
		t.Errorf("the server saw %s, want %s", got, want)
	}
}

// TestAfterHandshake: a request that a server has found too early before waits.
func TestAfterHandshake(t *testing.T) {
	paths := make(chan string, 10)
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }), &quic.Config{Allow0RTT: true})
	e := newEarly()
	e.visit(t, addr)
	c, open := e.dial(t, addr)
	late := get("/late")
	late.AfterHandshake = true
	first := send(t, c, late)
	second := send(t, c, get("/early"))
	if got := <-paths; got != "/early" {
		t.Errorf("%s came first", got)
	}
	close(open)
	if o := <-first; o.err != nil {
		t.Error(o.err)
	}
	if o := <-second; o.err != nil {
		t.Error(o.err)
	}
}
