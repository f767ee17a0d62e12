package dial

import (
	"context"
	"net"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// Chromium's numbers.
const (
	defaultFallbackDelay = 300 * time.Millisecond
	defaultTimeout       = 4 * time.Minute
	defaultKeepAlive     = 45 * time.Second
)

// A Func makes one connection to one address, as net.Dialer.DialContext does: it
// gives up when ctx ends, and the connection outlives ctx.
type Func func(ctx context.Context, network, addr string) (net.Conn, error)

// A Dialer connects to hosts. The zero Dialer is ready. Any number of goroutines
// may use it; its fields must not change meanwhile.
type Dialer struct {
	Resolver      *dns.Resolver // nil: one with dns's defaults, made at first use
	FallbackDelay time.Duration // before a second attempt runs beside the first; 0: 300 ms; negative: never
	Timeout       time.Duration // of a whole Dial, resolving included; 0: 4 min; negative: none
	KeepAlive     time.Duration // idle time and interval of TCP keep-alive probes; 0: 45 s; negative: no probes

	// Control, if not nil, is called with each socket before it connects, as
	// net.Dialer's is. Not used with DialContext.
	Control func(network, address string, c syscall.RawConn) error

	DialContext Func // nil: net.Dialer with the settings above

	once sync.Once
	own  *dns.Resolver
}

// A Request says where to connect to and for whom.
type Request struct {
	Host      string // name or address, as [dns.Resolver.Resolve] takes it
	Port      uint16 // not 0
	Scheme    string // of what is to be spoken; with one, Result has the host's Services
	SecureDNS exchange.SecureDNSPolicy
	Isolation origin.Key

	// Resolved, if not nil, is called with the addresses of Host, and again when there
	// are more, before they are connected to. Its error ends Dial, with that error: the
	// caller needs no connection. It runs on the goroutine of Dial.
	Resolved func(addrs []netip.Addr) error

	// Services, if not nil, is called once, like Resolved and after it, when the host's
	// HTTPS records are known, or that there are none; it may block. With ServicesFirst
	// that is before anything is connected to, and Dial waits for it as long as the
	// resolver does; else it may be late, or not at all if the connection comes first.
	Services      func([]dnswire.Service) error
	ServicesFirst bool

	// Connect, if not nil, makes the attempts, in place of TCP: for what is connected to
	// only after a handshake, as QUIC is. It gives up when ctx ends. The log has none of
	// these attempts.
	Connect func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)

	NetLog netlog.Source          // the connect job's; sockets get sources of their own
	Trace  *httptrace.ClientTrace // usually nil; hooks run on the goroutine of Dial
}

// A Result is a connection and how long it took.
type Result struct {
	Conn net.Conn // belongs to the caller

	// NetLog is the socket's source. Whoever closes Conn ends its span SocketAlive.
	NetLog netlog.Source

	// Services are the host's HTTPS records that a client can use (RFC 9460), in no
	// order. They are shared, and must not be changed.
	Services []dnswire.Service

	// DNSStart to DNSEnd is the time spent waiting for addresses; both zero when
	// Host was an address. As in Chromium the two steps do not overlap: while one
	// family was still being asked for and the other connected to, it was connecting.
	DNSStart, DNSEnd         time.Time
	ConnectStart, ConnectEnd time.Time
}

// Dial resolves r.Host and connects to it. The connection has TCP_NODELAY set and
// outlives ctx.
//
// A failure to resolve is the resolver's error as it is. Otherwise the error is that
// of the last attempt, with its address: [neterr.ConnectionRefused],
// [neterr.AddressUnreachable], [neterr.InternetDisconnected] and so on. Port 0 is
// [neterr.AddressInvalid]. [neterr.ConnectionTimedOut] is the system's word for one
// attempt, [neterr.TimedOut] the Dialer's Timeout for them all, as in Chromium. The
// end of ctx ends Dial at once, with the code that its cause has.
func (d *Dialer) Dial(ctx context.Context, r *Request) (*Result, error) {
	if r.Connect != nil {
		return d.dial(ctx, r)
	}
	r.NetLog.Begin(netlog.TCPConnectJobConnect)
	res, err := d.dial(ctx, r)
	r.NetLog.EndErr(netlog.TCPConnectJobConnect, err)
	return res, err
}

func (d *Dialer) dial(ctx context.Context, r *Request) (*Result, error) {
	if r.Port == 0 {
		return nil, &neterr.Error{Code: neterr.AddressInvalid, Op: "dial", Addr: hostPort(r.Host, 0)}
	}
	ctx, cancel := d.withTimeout(ctx)
	defer cancel()

	j := &job{d: d, r: r, ctx: ctx, race: race{delay: d.fallbackDelay()}}
	j.startLookup()
	defer j.lookup.Close()
	err := j.poll()
	if err == nil && r.ServicesFirst {
		err = j.awaitServices()
	}
	switch {
	case err != nil:
	case j.race.complete && j.race.known() == 1:
		// The usual case: nothing to race, so nobody but the caller is needed.
		err = j.connectAlone()
	default:
		err = j.connectRacing()
	}
	if err == nil {
		if err = j.awaitLateServices(); err != nil {
			j.res.Conn.Close()
			j.res.NetLog.End(netlog.SocketAlive)
		}
	}
	j.endLookup(err)
	if err != nil {
		return nil, err
	}
	return &j.res, nil
}

func (d *Dialer) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := or(d.Timeout, defaultTimeout)
	if timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, timeout, neterr.TimedOut)
}

func (d *Dialer) fallbackDelay() time.Duration { return or(d.FallbackDelay, defaultFallbackDelay) }

func (d *Dialer) resolver() *dns.Resolver {
	if d.Resolver != nil {
		return d.Resolver
	}
	// Never closed: it has goroutines only while a Dial waits for them.
	d.once.Do(func() { d.own = dns.New(dns.Config{}) })
	return d.own
}

// CanUDP reports whether UDP has anything to go over: not if DialContext leads elsewhere.
func (d *Dialer) CanUDP() bool { return d.DialContext == nil }

// UDP returns a socket that is connected to addr. The system drops what comes from
// elsewhere, and says if nobody listens there.
func (d *Dialer) UDP(ctx context.Context, addr netip.AddrPort) (*net.UDPConn, error) {
	nd := net.Dialer{Control: d.Control}
	conn, err := nd.DialContext(ctx, "udp", addr.String())
	if err != nil {
		return nil, failure(ctx, addr.String(), err)
	}
	return conn.(*net.UDPConn), nil
}

// connect makes one attempt.
func (j *job) connect(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if j.r.Connect != nil {
		return j.r.Connect(ctx, addr)
	}
	return j.d.connect(ctx, addr)
}

func (d *Dialer) connect(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if d.DialContext != nil {
		return d.DialContext(ctx, "tcp", addr.String())
	}
	if httptrace.ContextClientTrace(ctx) != nil {
		ctx = withoutValues{ctx} // net.Dialer would call the hooks as well
	}
	nd := net.Dialer{Control: d.Control, KeepAlive: -1}
	if idle := or(d.KeepAlive, defaultKeepAlive); idle > 0 {
		nd.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: idle, Interval: idle, Count: -1}
	}
	// Not DialTCP: without a local address it binds the socket to the wildcard one,
	// which takes a port from everybody instead of one per destination.
	return nd.DialContext(ctx, "tcp", addr.String())
}

// withoutValues ends when its parent does and carries nothing.
type withoutValues struct{ context.Context }

func (withoutValues) Value(any) any { return nil }

// failure is what became of an attempt or of waiting for one, in Chromium's words.
func failure(ctx context.Context, addr string, err error) error {
	cause := context.Cause(ctx)
	if cause != nil {
		err = cause
	}
	code := neterr.CodeOf(neterr.From(err))
	if cause == nil {
		code = connectCode(code)
	}
	if c, ok := err.(neterr.Code); ok && c == code {
		err = nil
	}
	return &neterr.Error{Code: code, Op: "dial", Addr: addr, Err: err}
}

// connectCode makes a code of the general table one of connecting (Chromium:
// MapConnectError).
func connectCode(c neterr.Code) neterr.Code {
	switch c {
	case neterr.TimedOut:
		return neterr.ConnectionTimedOut
	case neterr.AccessDenied:
		return neterr.NetworkAccessDenied
	case neterr.Failed:
		return neterr.ConnectionFailed
	}
	return c
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(bare(host), strconv.Itoa(int(port)))
}

// bare takes the brackets off an IPv6 address.
func bare(host string) string { return strings.Trim(host, "[]") }

// or returns v, or def if v is zero.
func or(v, def time.Duration) time.Duration {
	if v == 0 {
		return def
	}
	return v
}
