// Package h1 is one client connection of HTTP/1.1 (RFC 9112), as Chromium reads
// and writes it.
//
// A [Conn] does its I/O on the goroutine of whoever asks: RoundTrip writes the
// request and reads the response head, the response's Body reads what follows. No
// goroutine waits beside an idle connection; whether the peer closed it meanwhile
// is asked of the kernel when somebody wants it again ([Conn.Alive]). A second goroutine
// exists only while a request body may still be going out.
//
// What a Conn needs is a net.Conn that is ready for HTTP, TLS already done:
//
//	c := h1.NewConn(nc, h1.Config{})
//	if err := c.Reserve(); err != nil { … }
//	resp, err := c.RoundTrip(ctx, &exchange.Request{URL: u})
//
// The slot that Reserve takes frees itself when the response's body was read to its
// end or closed, or has come whole with the head.
package h1

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/eager"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A Config says what a [Conn] must know beyond its bytes. The zero Config is a
// plain connection.
type Config struct {
	TLS     *exchange.TLSState      // as Info shows it; nil is plain HTTP
	Connect *exchange.ConnectTiming // how the connection was made; shown with its first response
	NetLog  netlog.Source           // the socket; its span SocketAlive ends with the connection

	// ExportKeyingMaterial is TLS's, as Info shows it; nil without TLS.
	ExportKeyingMaterial func(label string, context []byte, length int) ([]byte, error)

	// MaxHeaderBytes limits the head of a response, all its 1xx heads together,
	// and its trailers; zero is Chromium's 256 KiB. It bounds what a peer can make
	// the connection hold.
	MaxHeaderBytes int

	// DefaultPort says that the connection goes to the port its scheme names. Only
	// there is an answer without a status line taken as HTTP/0.9.
	DefaultPort bool

	// Waiting counts the connections of one client that wait for their peers. They
	// share it; nil: there is one connection.
	Waiting *atomic.Int32
}

// defaultMaxHeaderBytes is Chromium's HttpStreamParser::kMaxHeaderBufSize.
const defaultMaxHeaderBytes = 256 << 10

// A Conn is one HTTP/1.1 connection, serving one request at a time. It implements
// the Conn that net/pool asks for.
type Conn struct {
	nc     net.Conn
	cfg    Config
	in     input
	head   io.Writer     // nc as request heads are written to it
	socket *eager.Socket // below nc: it tells of waits, so that contexts need be watched only then; nil: all the time
	out    []byte        // the request head is built here
	probe  eager.Probe
	looker eager.Looker
	host   hostField
	remote netip.AddrPort
	local  netip.AddrPort
	cancel func() // abort, as a func value made once for context.AfterFunc
	idly   *xchg  // the exchange whose context is not watched yet

	mu    sync.Mutex // guards what follows
	taken bool       // a slot is reserved or an exchange under way
	used  bool       // an exchange was begun
	err   error      // why no further exchange can begin
	hook  func()
}

// NewConn returns a Conn that speaks over nc and owns it.
func NewConn(nc net.Conn, cfg Config) *Conn {
	if cfg.MaxHeaderBytes <= 0 {
		cfg.MaxHeaderBytes = defaultMaxHeaderBytes
	}
	c := &Conn{nc: nc, cfg: cfg, in: input{src: nc}, head: nc}
	c.probe.Init(nc)
	c.remote, c.local = exchange.AddrPort(nc.RemoteAddr()), exchange.AddrPort(nc.LocalAddr())
	c.looker.Near = c.probe.CanAsk() && c.remote.IsValid() && c.remote.Addr() == c.local.Addr()
	c.looker.Waiting = cfg.Waiting
	c.cancel = c.abort
	c.listen()
	return c
}

// listen has c told when I/O is about to wait, where that can be.
func (c *Conn) listen() {
	if s := eager.NewSocket(c.nc, c.watch, &c.looker); s != nil {
		c.in.src, c.head, c.socket = s, s, s
		return
	}
	t, ok := c.nc.(interface {
		NetConn() net.Conn
		Through(io.ReadWriter)
	})
	if !ok {
		return
	}
	if s := eager.NewSocket(t.NetConn(), c.watch, &c.looker); s != nil {
		t.Through(s)
		c.socket = s
	}
}

// expect is called before the answer to what was written is read.
func (c *Conn) expect() {
	if c.socket != nil {
		c.socket.Expect()
		return
	}
	c.looker.Await(&c.probe)
}

// watch has the context of the exchange under way end it, from now on. Most contexts
// can be cancelled and never are; so it is left until something waits, or the exchange
// outlasts RoundTrip.
func (c *Conn) watch() {
	if x := c.idly; x != nil {
		c.idly = nil
		x.stop = context.AfterFunc(x.ctx, c.cancel)
	}
}

// NetConn returns the connection underneath. Reading or writing it disturbs c.
func (c *Conn) NetConn() net.Conn { return c.nc }

// NetLog returns the socket's source in the log.
func (c *Conn) NetLog() netlog.Source { return c.cfg.NetLog }

// Reserve takes the connection for one exchange. It fails if the connection is
// taken or has ended.
func (c *Conn) Reserve() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.taken:
		return neterr.SocketIsConnected
	}
	c.taken = true
	return nil
}

// Alive reports whether the peer is still there, as far as the kernel knows: it has
// not closed, nor sent something unasked while the connection was idle. One that was
// never used may have unread bytes: an early server's greeting is not held against
// it (Chromium does the same). Only the owner of the slot may ask.
func (c *Conn) Alive() bool {
	c.mu.Lock()
	used, ended := c.used, c.err != nil
	c.mu.Unlock()
	return !ended && (!used || c.in.buffered() == 0) && c.probe.Alive(used)
}

// Release gives back a slot that no RoundTrip used.
func (c *Conn) Release() { c.free() }

// Available returns 1 if the connection is idle, else 0.
func (c *Conn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken || c.err != nil {
		return 0
	}
	return 1
}

// Err returns why the connection can serve no further request, or nil.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// SetStateHook sets the function that is called, with no lock held, when the slot
// frees and when the connection ends. It is set once, before the first Reserve.
func (c *Conn) SetStateHook(f func()) {
	c.mu.Lock()
	c.hook = f
	c.mu.Unlock()
}

// Close ends the connection. An exchange under way fails with err; nil stands for
// neterr.SocketNotConnected. Closing twice does nothing more.
func (c *Conn) Close(err error) {
	if err == nil {
		err = neterr.SocketNotConnected
	}
	c.end(err)
}

// free puts the connection back to idle.
func (c *Conn) free() {
	c.mu.Lock()
	c.taken = false
	hook, err := c.hook, c.err
	c.mu.Unlock()
	if hook != nil && err == nil {
		hook()
	}
}

// end makes the connection useless for the reason err; the first reason stays.
func (c *Conn) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	hook := c.hook
	c.mu.Unlock()
	c.nc.Close()
	c.cfg.NetLog.Event(netlog.SocketClosed)
	c.cfg.NetLog.End(netlog.SocketAlive)
	if hook != nil {
		hook()
	}
}

// abort is what a cancelled context calls: blocked I/O returns at once.
func (c *Conn) abort() { c.end(neterr.Aborted) }
