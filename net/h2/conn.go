// Package h2 is one client connection of HTTP/2 (RFC 9113), with the wire image of
// the browser that a [profile.HTTP2] describes.
//
// A [Conn] carries many requests at once. One goroutine reads; whoever calls
// RoundTrip encodes the request under the connection's lock and, if nobody is
// writing yet, writes it together with what others add meanwhile. Nothing is started
// for a request but a goroutine for a body that may block.
//
// What a Conn needs is a net.Conn that is ready for HTTP/2, TLS already done:
//
//	c, err := h2.NewConn(nc, h2.Config{TLS: state})
//	if err := c.Reserve(); err != nil { … }
//	resp, err := c.RoundTrip(ctx, &exchange.Request{URL: u})
//
// The slot that Reserve takes frees itself when the stream has ended.
//
// # Limits
//
// What a peer can make a Conn hold, with Chromium's settings: 15 MiB of unread
// response bodies, for all streams together, and a chunk of 16 KiB for each; header
// blocks of 256 KiB, decoded, for each stream that waits for its caller, 1xx
// responses and trailers included; 64 KiB for each direction's HPACK table, and 32 KiB
// of strings that came in header blocks; 64 KiB of read buffer; 256 KiB of requests that the peer does not read, after which callers
// wait, and 10,000 answers (SETTINGS and PING acknowledgements, RST_STREAM,
// WINDOW_UPDATE), after which the connection ends. A header block that takes more
// than 256 CONTINUATION frames or 1 MiB as coded, and 10,000 frames in ten seconds
// that are of no use to any request, end it as well, with ENHANCE_YOUR_CALM. Nothing
// waits for a peer without a context or the 10 seconds of a PING.
package h2

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/netlog"
)

// A Config says what a [Conn] must know beyond its bytes.
type Config struct {
	// HTTP2 is the browser's wire image; the zero value is Chromium 156's.
	HTTP2 profile.HTTP2

	TLS     *exchange.TLSState      // as Info shows it; it must meet RFC 9113 section 9.2. nil is plain text
	Connect *exchange.ConnectTiming // how the connection was made; shown with its first response
	NetLog  netlog.Source           // the socket; its span SocketAlive ends with the connection
	Host    string                  // host:port as the log names the session; nothing else uses it

	// ExportKeyingMaterial is TLS's, as Info shows it; nil without TLS.
	ExportKeyingMaterial func(label string, context []byte, length int) ([]byte, error)

	// MaxHeaderBytes limits a response's fields, counted as RFC 9113 section 6.5.2
	// does, 1xx responses and trailers included; zero is what the settings of HTTP2
	// announce.
	MaxHeaderBytes int
}

// Chromium's limits on streams (SpdySession).
const (
	assumedStreams = 100 // before the peer's SETTINGS
	maxStreams     = 256 // whatever the peer allows
	maxStreamID    = 1<<31 - 1
)

// A Conn is one HTTP/2 connection. It implements the Conn and Multiplexed that
// net/pool asks for.
type Conn struct {
	nc     net.Conn
	cfg    Config
	own    ownSettings
	remote netip.AddrPort
	local  netip.AddrPort
	log    netlog.Source // the session
	born   time.Time
	recv   receiver      // used by the reader alone
	done   chan struct{} // closed when the reader has ended

	writers sync.WaitGroup // goroutines that write

	lastRead atomic.Int64 // when the peer last sent something: nanoseconds since born
	eaten    atomic.Int64 // bytes that readers took and WINDOW_UPDATE has not told
	told     atomic.Int64 // when it last did: nanoseconds since born

	authority message.LastAuthority

	mu    sync.Mutex // guards what follows, and the streams' own fields as they say
	err   error      // why no new exchange can begin
	dead  bool       // the socket is closed, or about to be
	hook  func()
	slots slots
	send  sending
	ping  pinging
	peer  peerSettings

	streams map[uint32]*stream
	order   priorities
	nextID  uint32          // of the next stream; those below have been begun
	room    int64           // what the peer may still send on the connection
	idle    []chan struct{} // for streams to come
	changed bool            // the hook is to be called
}

// Slots are the streams that may be open at once.
type slots struct {
	limit    int // the peer's, capped
	reserved int // by Reserve
	entering int // in RoundTrip, without a stream yet
	open     int // streams
	queue    waiters
	begun    int64 // streams in all
}

func (s *slots) inUse() int { return s.reserved + s.entering + s.open }

// NewConn returns a Conn that speaks over nc and owns it, also if it fails. It sends
// the connection preface at once, as Chromium does; it fails with
// neterr.HTTP2InadequateTransportSecurity on TLS that HTTP/2 forbids.
func NewConn(nc net.Conn, cfg Config) (*Conn, error) {
	if len(cfg.HTTP2.PseudoHeaders) == 0 {
		cfg.HTTP2 = profile.Chromium156().HTTP2
	}
	c := &Conn{
		nc: nc, cfg: cfg, own: readSettings(cfg.HTTP2), born: time.Now(),
		done: make(chan struct{}), streams: make(map[uint32]*stream), nextID: 1,
	}
	if cfg.MaxHeaderBytes > 0 {
		c.own.headerList = cfg.MaxHeaderBytes
	}
	c.remote, c.local = exchange.AddrPort(nc.RemoteAddr()), exchange.AddrPort(nc.LocalAddr())
	c.log = cfg.NetLog.Lasting(netlog.SourceHTTP2Session)
	c.slots.limit = assumedStreams
	c.room = c.own.connWindow
	c.peer.window = defaultWindow
	c.send.init(c)
	c.recv.init(c)
	c.logBegin()
	err := checkTLS(cfg.TLS)
	if err == nil {
		err = c.writePreface()
	}
	if err != nil {
		err = c.reason(err)
		close(c.done)
		c.end(err, http2.ErrCodeNo)
		return nil, err
	}
	go c.recv.run()
	return c, nil
}

// NetConn returns the connection underneath. Reading or writing it disturbs c.
func (c *Conn) NetConn() net.Conn { return c.nc }

// NetLog returns the session's source in the log.
func (c *Conn) NetLog() netlog.Source { return c.log }

// Reserve takes a slot for one exchange. It fails only if the connection takes no more
// requests: where more are reserved than the peer allows, because it has just come to
// allow fewer, RoundTrip waits for its turn.
func (c *Conn) Reserve() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.slots.reserved++
	return nil
}

// Release gives back a slot that no RoundTrip used.
func (c *Conn) Release() {
	c.mu.Lock()
	if c.slots.reserved > 0 {
		c.slots.reserved--
		c.slotFreed()
	}
	c.unlock()
}

// Available returns the number of free slots: as many as the peer allows at once,
// 256 at most, and 100 until it has said.
func (c *Conn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0
	}
	return max(c.slots.limit-c.slots.inUse(), 0)
}

// InUse returns the number of slots taken.
func (c *Conn) InUse() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.inUse()
}

// Err returns why the connection takes no more requests, or nil. Requests under way
// may still end well: the connection closes itself after the last of them.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// ExtendedConnect reports whether the peer has announced that it takes requests with
// a Protocol (RFC 8441 section 3).
func (c *Conn) ExtendedConnect() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer.extendedConnect
}

// SetStateHook sets the function that is called, with no lock held, when slots have
// become free and when the connection takes no more requests. It is set once, before
// the first Reserve.
func (c *Conn) SetStateHook(f func()) {
	c.mu.Lock()
	c.hook = f
	c.changed = c.err != nil // the peer may have been quicker
	c.unlock()
}

// Close ends the connection and waits for its goroutines. Exchanges under way fail with
// err; nil stands for neterr.SocketNotConnected. Closing twice does nothing more. It
// must not be called by the state hook.
func (c *Conn) Close(err error) {
	if err == nil {
		err = neterr.SocketNotConnected
	}
	c.end(err, http2.ErrCodeNo)
	<-c.done
	c.writers.Wait()
}

// slotFreed lets the next request in that waits for a slot, and remembers to tell
// the pool. mu is held.
func (c *Conn) slotFreed() {
	c.changed = true
	c.slots.queue.wake(max(c.slots.limit-c.slots.open, 0))
}

// unlock frees mu and does what may not be done under it: the hook is called if
// something changed, and a connection that has served its last request is ended.
func (c *Conn) unlock() {
	hook := c.hook
	if !c.changed {
		hook = nil
	}
	c.changed = false
	spent := c.err != nil && !c.dead && c.slots.inUse() == 0
	err := c.err
	failed := c.send.err != nil && !c.send.leaving && !c.dead
	c.send.leaving = c.send.leaving || failed
	c.mu.Unlock()
	if failed {
		c.nc.SetReadDeadline(time.Now().Add(lastWords))
	}
	if spent {
		c.end(err, http2.ErrCodeNo)
	}
	if hook != nil {
		hook()
	}
}
