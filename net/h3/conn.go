package h3

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// maxStreams is how many requests may be open at once: what servers allow as a rule.
// quic-go does not tell what this one does; where it allows fewer, RoundTrip waits.
const maxStreams = 100

// A Conn is one HTTP/3 connection. It implements the Conn and Multiplexed that net/pool
// asks for.
type Conn struct {
	qc        *quic.Conn
	cfg       Config
	remote    netip.AddrPort
	local     netip.AddrPort
	log       netlog.Source // the session
	authority message.LastAuthority
	enc       encoder
	dec       decoder

	control atomic.Pointer[quic.SendStream] // ours

	settled chan struct{}  // closed when the peer's SETTINGS have come
	renewed chan struct{}  // closed when a connection without 0-RTT has begun; see renew
	done    chan struct{}  // closed when the connection is over
	helpers sync.WaitGroup // goroutines that read or write

	mu      sync.Mutex // guards what follows
	err     error      // why no new exchange can begin
	dead    bool       // the QUIC connection is closed, or about to be
	hook    func()
	changed bool // the hook is to be called
	slots   slots
	peer    peerSettings
	heard   critical // the peer's streams that came
	goAway  uint64   // streams from here on are not served
	streams map[quic.StreamID]*stream
	batch   batch
	idle    *time.Timer // runs while no slot is taken, or longer; nil before and without a limit
	tls     *tlsInfo    // once the handshake is complete
}

// Slots are the streams that may be open at once.
type slots struct {
	reserved int   // by Reserve
	entering int   // in RoundTrip, without a stream yet
	waiting  int   // of these, waiting for the peer to allow one
	begun    int64 // streams in all
}

func (c *Conn) inUse() int { return c.slots.reserved + c.slots.entering + len(c.streams) }

// NewConn returns a Conn that speaks over qc and owns it, also if it fails. It sends its
// SETTINGS at once. It waits for nothing but qc's word that streams may be opened, which
// ctx bounds.
func NewConn(ctx context.Context, qc *quic.Conn, cfg Config) (*Conn, error) {
	if cfg.MaxHeaderBytes <= 0 {
		cfg.MaxHeaderBytes = maxFieldSection
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = idleTimeout
	}
	c := &Conn{
		qc: qc, cfg: cfg,
		remote: exchange.AddrPort(qc.RemoteAddr()), local: exchange.AddrPort(qc.LocalAddr()),
		log:     cfg.NetLog.Lasting(netlog.SourceQUICSession),
		settled: make(chan struct{}), renewed: make(chan struct{}), done: make(chan struct{}),
		goAway: 1 << 62, streams: make(map[quic.StreamID]*stream),
	}
	c.enc.init()
	c.logBegin()
	if err := c.sayHello(ctx); err != nil {
		err = c.reason(err)
		c.end(err, codeNoError)
		return nil, err
	}
	c.helpers.Go(c.acceptUni)
	c.helpers.Go(c.refuseBidi)
	c.mu.Lock()
	c.rest()
	c.mu.Unlock()
	return c, nil
}

// sayHello opens the control stream. Where the server has rejected 0-RTT in the meantime
// that is done again.
func (c *Conn) sayHello(ctx context.Context) error {
	err := c.openControl(ctx)
	if isRejected(err) {
		if _, err = c.qc.NextConnection(ctx); err == nil {
			err = c.openControl(ctx)
		}
	}
	return err
}

func (c *Conn) openControl(ctx context.Context) error {
	s, err := c.qc.OpenUniStreamSync(ctx)
	if err != nil {
		return err
	}
	hello := appendOpening(nil, c.cfg.MaxHeaderBytes, c.qc.ConnectionState().SupportsDatagrams.Local)
	if _, err := s.Write(hello); err != nil {
		return err
	}
	c.control.Store(s)
	c.logHello(s, len(hello))
	return nil
}

// QUICConn returns the connection underneath. Opening, reading or writing streams of it
// disturbs c.
func (c *Conn) QUICConn() *quic.Conn { return c.qc }

// NetLog returns the session's source in the log.
func (c *Conn) NetLog() netlog.Source { return c.log }

// Reserve takes a slot for one exchange. It fails only if the connection takes no more
// requests.
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
		c.changed = true
		c.rest()
	}
	c.unlock()
}

// Available returns the number of free slots: of 100, and none while the peer makes
// somebody wait.
func (c *Conn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.slots.waiting > 0 {
		return 0
	}
	return max(maxStreams-c.inUse(), 0)
}

// InUse returns the number of slots taken.
func (c *Conn) InUse() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inUse()
}

// Err returns why the connection takes no more requests, or nil. Requests under way
// may still end well: the connection closes itself after the last of them.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// ExtendedConnect reports whether the peer has announced that it takes requests with
// a Protocol (RFC 9220).
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
	c.end(err, codeNoError)
	<-c.done
	c.helpers.Wait()
}

// unlock frees mu and does what may not be done under it: the hook is called if
// something changed, and a connection that has served its last request is ended.
func (c *Conn) unlock() {
	hook := c.hook
	if !c.changed {
		hook = nil
	}
	c.changed = false
	spent := c.err != nil && !c.dead && c.inUse() == 0
	err := c.err
	c.mu.Unlock()
	if spent {
		c.end(err, codeNoError)
	}
	if hook != nil {
		hook()
	}
}

// open waits for a slot and gives st a stream.
func (c *Conn) open(st *stream, h *message.Head) error {
	c.mu.Lock()
	if c.slots.reserved > 0 {
		c.slots.reserved--
	}
	c.slots.entering++
	err := c.refused()
	c.mu.Unlock()
	if err == nil {
		err = c.ready(st, h)
	}
	if err == nil {
		st.qs, err = c.openStream(st.ctx)
	}
	c.mu.Lock()
	c.slots.entering--
	if err == nil {
		err = c.refused()
	}
	if err != nil {
		c.changed = true
		c.rest()
		c.unlock()
		if st.qs != nil {
			st.qs.CancelRead(codeRequestCancelled)
			st.qs.CancelWrite(codeRequestCancelled)
		}
		return err
	}
	st.first = c.slots.begun == 0
	c.slots.begun++
	c.streams[st.qs.StreamID()] = st
	if st.req.Close {
		c.retire(c.reason(neterr.ConnectionClosed))
	}
	c.unlock()
	return nil
}

// ready waits for what the request needs of the peer: a complete handshake unless it may
// be replayed (RFC 8470), and its word on extended CONNECT (RFC 9220 section 3).
func (c *Conn) ready(st *stream, h *message.Head) error {
	if !st.req.IsSafe() || st.req.AfterHandshake {
		if err := c.wait(st.ctx, c.qc.HandshakeComplete()); err != nil {
			return err
		}
	}
	if h.Protocol == "" {
		return nil
	}
	if err := c.wait(st.ctx, c.settled); err != nil {
		return err
	}
	if !c.ExtendedConnect() {
		return &neterr.Error{Code: neterr.NotImplemented, Op: "extended CONNECT", Addr: c.remote.String()}
	}
	return nil
}

func (c *Conn) wait(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-c.done:
		return c.Err()
	case <-ctx.Done():
		return canceled(ctx)
	}
}

func (c *Conn) openStream(ctx context.Context) (*quic.Stream, error) {
	qs, err := c.qc.OpenStream()
	if isRejected(err) {
		if err = c.wait(ctx, c.renewed); err == nil {
			qs, err = c.qc.OpenStream()
		}
	}
	if err == nil {
		return qs, nil
	}
	if limit := new(quic.StreamLimitReachedError); !errors.As(err, &limit) {
		return nil, err
	}
	c.mu.Lock()
	c.slots.waiting++
	c.mu.Unlock()
	qs, err = c.qc.OpenStreamSync(ctx)
	c.mu.Lock()
	c.slots.waiting--
	c.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		err = canceled(ctx)
	}
	return qs, err
}

// refused is why a request that never went out fails. On a connection that is merely
// retired it may go to another one. mu is held.
func (c *Conn) refused() error {
	if c.err == nil || c.dead {
		return c.err
	}
	return c.reason(neterr.QUICGoawayRequestCanBeRetried)
}

// drop takes a stream from the open ones.
func (c *Conn) drop(st *stream) {
	c.mu.Lock()
	if id := st.qs.StreamID(); c.streams[id] == st {
		delete(c.streams, id)
		c.changed = true
		c.rest()
	}
	c.unlock()
}

// rest lets the time of a connection run that nobody uses. mu is held.
func (c *Conn) rest() {
	switch {
	case c.inUse() > 0 || c.dead || c.cfg.IdleTimeout < 0:
	case c.idle == nil:
		c.idle = time.AfterFunc(c.cfg.IdleTimeout, c.expire)
	default:
		c.idle.Reset(c.cfg.IdleTimeout)
	}
}

// expire retires a connection that has rested for its time; unlock ends it.
func (c *Conn) expire() {
	c.mu.Lock()
	if c.inUse() == 0 {
		c.retire(c.reason(neterr.ConnectionClosed))
	}
	c.unlock()
}
