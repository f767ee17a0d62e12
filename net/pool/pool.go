package pool

import (
	"context"
	"log/slog"
	"math"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// Config says how a [Pool] works. Connect is needed; the zero value of each other
// field is its default.
type Config struct {
	MaxConnsPerHost int // sockets of one Key, connecting ones included; 0: 6; negative: no limit

	// MaxConns is how many sockets there are at most in all, and MaxConnsPerProxy
	// through one chain of proxies, which do not count for MaxConns. For WebSockets
	// both hold once more. 0 is Chromium's limit: 256 and 128, and by chance up to
	// twice that, so that a site cannot tell whether another has filled the pool.
	// Negative is no limit.
	MaxConns, MaxConnsPerProxy int

	IdleTimeout       time.Duration // of a connection that has served, but for a Multiplexed; 0: 300 s; negative: none
	UnusedIdleTimeout time.Duration // of one that never has; 0: 60 s; negative: none

	// Connect makes a connection for r.Key. It runs on a goroutine of the pool,
	// several at once, and ends soon after ctx does. The connection outlives ctx.
	// r is Connect's own: its NetLog source is the connect job's.
	Connect func(ctx context.Context, r *Request) (Conn, error)

	Logger *slog.Logger // told of requests that wait long for a socket; nil: silent
	Log    *netlog.Log  // where connect jobs get their sources; nil: nowhere
}

// A Request asks for a connection.
type Request struct {
	Key          Key
	Priority     exchange.Priority
	IgnoreLimits bool // connect even beyond the limits; needs priority Highest

	// Repeatable says that the request does no harm if it is sent on a connection
	// that turns out dead: whoever asks will then ask again. A connection that was in
	// use a moment ago is not probed for it.
	Repeatable bool

	// Alternative is the pool's word to Connect that this is the job that
	// [Pool.Alternative] has begun.
	Alternative bool

	// Now is the time, and when Acquire returns a connection, that of having it. Who
	// knows the time saves the pool from reading the clock; zero: it does.
	Now time.Time

	NetLog netlog.Source
	Trace  *httptrace.ClientTrace // for Connect; the pool calls none of it

	job *job // that this is the request of
}

// A Pool keeps connections. Its methods may be called from several goroutines.
type Pool struct {
	cfg  Config
	ctx  context.Context // ends with the pool; what connect jobs run under
	stop context.CancelCauseFunc
	wg   sync.WaitGroup // connect jobs and the closing of connections

	queued atomic.Int32 // requests that wait

	mu       sync.Mutex // guards what follows
	main     *machine
	others   map[shard]*machine // those that have anything
	closed   error              // not nil: of every machine
	warnedAt time.Time          // when the last warning was logged
}

// New returns an empty pool. Close it to free what it came to hold.
func New(cfg Config) *Pool {
	cfg.MaxConnsPerHost = limit(cfg.MaxConnsPerHost, 6)
	cfg.IdleTimeout = timeout(cfg.IdleTimeout, 300*time.Second)
	cfg.UnusedIdleTimeout = timeout(cfg.UnusedIdleTimeout, 60*time.Second)
	p := &Pool{cfg: cfg, others: make(map[shard]*machine)}
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	p.main = p.newMachine(shard{})
	return p
}

func limit(n, unset int) int {
	switch {
	case n < 0:
		return math.MaxInt
	case n == 0:
		return unset
	}
	return n
}

func timeout(d, unset time.Duration) time.Duration {
	switch {
	case d < 0:
		return math.MaxInt64
	case d == 0:
		return unset
	}
	return d
}

// Acquire returns a connection with a slot reserved for the caller, who either
// starts its exchange, which frees the slot when it ends, or calls Release. reused
// tells that the connection has served before or had been made ahead, so that it
// may turn out to be dead.
//
// Without a connection at hand Acquire waits, until ctx ends. A failure to connect
// comes back as Config.Connect gave it, the end of ctx as [neterr.Aborted] or
// [neterr.TimedOut], a closed pool as [neterr.ContextShutDown].
func (p *Pool) Acquire(ctx context.Context, r *Request) (c Conn, reused bool, err error) {
	if err := neterr.FromContext(ctx); err != nil {
		return nil, false, err
	}
	if r.IgnoreLimits && r.Priority != exchange.Highest {
		return nil, false, &neterr.Error{Code: neterr.InvalidArgument, Op: "ignore limits at priority " + r.Priority.String()}
	}
	if !r.NetLog.On() {
		return p.acquire(ctx, r)
	}
	r.NetLog.Event(netlog.TCPClientSocketPoolRequestedSocket, netlog.String("group_id", r.Key.String()))
	r.NetLog.Begin(netlog.SocketPool)
	c, reused, err = p.acquire(ctx, r)
	r.NetLog.EndErr(netlog.SocketPool, err)
	return c, reused, err
}

// acquire takes a connection that is there: one lock, one look at the map.
func (p *Pool) acquire(ctx context.Context, r *Request) (Conn, bool, error) {
	for {
		if r.Now.IsZero() {
			r.Now = time.Now()
		}
		now := r.Now
		p.mu.Lock()
		m := p.machine(&r.Key)
		e := m.take(now, &r.Key)
		if e == nil {
			w := newWaiter(r)
			p.queued.Add(1) // before the last look at what is there: see changed
			m.request(now, w)
			p.unlock(m)
			c, reused, err := p.wait(ctx, w)
			r.Now = time.Now()
			return c, reused, err
		}
		used, idle := e.used, now.Sub(e.idleAt)
		p.unlock(m)
		if err := e.reserve(r, idle); err != nil {
			if err = p.refused(r, e, err); err != nil {
				return nil, false, err
			}
			r.Now = time.Time{} // to reserve may have taken a while
			continue
		}
		if r.NetLog.On() {
			logBound(r.NetLog, e.conn, used, idle)
		}
		return e.conn, true, nil
	}
}

// wait blocks until w has its answer, reserved, or ctx ends.
func (p *Pool) wait(ctx context.Context, w *waiter) (Conn, bool, error) {
	defer p.queued.Add(-1)
	log := w.req.NetLog
	for {
		logStall(log, w.stall)
		if err := p.sleep(ctx, w); err != nil {
			return nil, false, err
		}
		logJob(log, w.job)
		if w.err != nil {
			return nil, false, w.err
		}
		e, reused := w.entry, w.reused
		var idle time.Duration
		if e.multi == nil && e.pooled {
			idle = time.Since(e.idleAt)
		}
		err := e.reserve(&w.req, idle)
		if err == nil {
			if log.On() {
				logBound(log, e.conn, reused, 0)
			}
			return e.conn, reused, nil
		}
		if cause := p.refused(&w.req, e, err); cause != nil {
			return nil, false, cause
		}
		if !reused {
			// The peer accepts connections and drops them: trying again would
			// not end.
			return nil, false, neterr.From(err)
		}
		if err := neterr.FromContext(ctx); err != nil {
			return nil, false, err
		}
		p.mu.Lock()
		m := p.machine(&w.req.Key)
		m.request(time.Now(), w)
		p.unlock(m)
	}
}

// trustFor is how recently a connection must have been in use to be taken on trust.
// To ask the kernel costs as much as all else that the pool does for a request.
const trustFor = time.Millisecond

// errDead says that an idle connection turned out to have ended.
var errDead = &neterr.Error{Code: neterr.ConnectionClosed, Op: "reuse"}

// reserve takes the slot of e that r was promised; e was idle so long. Of a multiplexed
// connection the machine has reserved it.
func (e *entry) reserve(r *Request, idle time.Duration) error {
	if e.multi != nil {
		// One that serves others is there; of one that does not, a request that has
		// one chance alone wants to know.
		if e.prober != nil && !r.Repeatable && e.multi.InUse() == 1 && !e.prober.Alive() {
			e.conn.Release()
			return errDead
		}
		return nil
	}
	if err := e.conn.Reserve(); err != nil {
		return err
	}
	if e.prober != nil && (idle >= trustFor || !r.Repeatable) && !e.prober.Alive() {
		return errDead
	}
	e.claimed.Store(false)
	return nil
}

// refused puts a connection away that r could not reserve. It returns not nil if the
// connection had been taken away on purpose: then the request must end too.
func (p *Pool) refused(r *Request, e *entry, err error) error {
	p.mu.Lock()
	m := p.machine(&r.Key)
	defer p.unlock(m)
	if e.group == nil {
		return e.cause
	}
	m.refused(time.Now(), e, err)
	return nil
}

// changed is the state hook of every connection. A slot of one that goes on serving
// others is nobody's business while nobody waits; who is about to wait will see it.
func (p *Pool) changed(e *entry) {
	if e.multi != nil && p.queued.Load() == 0 && e.multi.InUse() > 0 && e.conn.Err() == nil {
		return
	}
	p.mu.Lock()
	if e.group == nil {
		p.mu.Unlock()
		return
	}
	m := p.machine(&e.group.key)
	m.changed(time.Now(), e)
	p.unlock(m)
}

// Preconnect makes connections for requests to come until the group of r.Key has n
// sockets in all, idle, busy and connecting ones together, but no more than
// MaxConnsPerHost; 1 if one connection serves many requests. They are made at priority
// Idle.
//
// Where a request would queue, Preconnect fails at once with
// [neterr.PreconnectMaxSocketLimit]. Else it waits until they are made, and returns
// the error of the first that was not; when ctx ends it returns, and they go on.
func (p *Pool) Preconnect(ctx context.Context, r *Request, n int) error {
	if n <= 0 {
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "preconnect"}
	}
	if err := neterr.FromContext(ctx); err != nil {
		return err
	}
	if r.NetLog.On() {
		r.NetLog.Event(netlog.TCPClientSocketPoolRequestedSockets, netlog.String("group_id", r.Key.String()))
		r.NetLog.Begin(netlog.SocketPoolConnectingNSockets, netlog.Int("num_sockets", min(n, p.cfg.MaxConnsPerHost)))
	}
	b := &batch{done: make(chan struct{})}
	p.mu.Lock()
	m := p.machine(&r.Key)
	err := m.preconnect(time.Now(), r, n, b)
	begun := b.left > 0
	p.unlock(m)
	r.NetLog.EndErr(netlog.SocketPoolConnectingNSockets, err)
	if err != nil || !begun {
		return err
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return neterr.FromContext(ctx)
	}
}

// CloseIdle closes all connections that serve nobody.
func (p *Pool) CloseIdle() {
	p.all(func(m *machine) { m.closeIdle(neterr.Aborted, reasonFlushed) })
}

// CloseAll ends every connection, idle, connecting or serving; exchanges under way
// and waiting requests fail with err. The pool stays open for new requests.
func (p *Pool) CloseAll(err error) {
	p.all(func(m *machine) { m.flush(err, func(*entry) bool { return false }) })
}

// Flush is for when the network is not what it was: later requests get new connections,
// and those that wait for one fail with err. Exchanges that have their connection to
// themselves end in peace; those on multiplexed connections do so if drain is set, and
// else fail with err.
func (p *Pool) Flush(err error, drain bool) {
	p.all(func(m *machine) { m.flush(err, func(e *entry) bool { return drain || e.multi == nil }) })
}

// Refresh is for when settings changed that connections depend on: no later request
// is served by a connection made, or begun, before. Exchanges under way end in
// peace, requests that wait go on waiting for new connections, idle ones are closed
// with err.
func (p *Pool) Refresh(err error) {
	now := time.Now()
	p.all(func(m *machine) { m.refresh(now, err) })
}

// Close is CloseAll with [neterr.ContextShutDown], for good, and waits until
// every Config.Connect has returned and every connection is closed.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = neterr.ContextShutDown
	p.mu.Unlock()
	p.all(func(m *machine) {
		m.closed = neterr.ContextShutDown
		m.flush(neterr.ContextShutDown, func(*entry) bool { return false })
	})
	p.stop(neterr.ContextShutDown)
	p.wg.Wait()
}
