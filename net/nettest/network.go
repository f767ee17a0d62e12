package nettest

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Network is a set of listeners in memory, dialled by IP address and port. The
// zero Network is ready for use. Nothing it does leaves the process, and everything
// that waits in it does so durably in the sense of testing/synctest, so a test of
// timeouts, races of addresses or idle connections runs in no time.
//
// Use a Network and what it made inside one synctest bubble only.
type Network struct {
	// BufferSize is how many bytes a connection buffers in each direction: 0 is
	// 64 KiB, negative no limit. Set it before the first Dial.
	BufferSize int

	mu        sync.Mutex
	listeners map[netip.AddrPort]*memListener
	routes    map[netip.AddrPort]route
	dialled   []string
	lastPort  uint16
}

// A route is how dials to one address go, before any listener is asked.
type route struct {
	delay time.Duration
	err   error
}

// Listen accepts connections at addr, a literal IP address and port; port 0 picks
// one. Listening twice at an address fails with EADDRINUSE.
func (n *Network) Listen(addr string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), n.nextPort())
	}
	if n.listeners[at] != nil {
		return nil, &net.OpError{
			Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at),
			Err: os.NewSyscallError("bind", syscall.EADDRINUSE),
		}
	}
	l := &memListener{network: n, at: at}
	l.changed.L = &l.mu
	if n.listeners == nil {
		n.listeners = make(map[netip.AddrPort]*memListener)
	}
	n.listeners[at] = l
	return l, nil
}

// Dial connects to a listener; its signature is net.Dialer.DialContext's. addr is a
// literal IP address and port. Where nobody listens it fails with ECONNREFUSED. It
// returns as soon as the connection is queued, before anyone accepts it.
func (n *Network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	target := net.TCPAddrFromAddrPort(at)
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: target, Err: err}
	}
	switch {
	case network == "tcp", network == "tcp4" && at.Addr().Is4(), network == "tcp6" && at.Addr().Is6():
	default:
		return fail(net.UnknownNetworkError(network))
	}

	n.mu.Lock()
	n.dialled = append(n.dialled, addr)
	r := n.routes[at]
	n.mu.Unlock()
	if err := r.pass(ctx); err != nil {
		return fail(err)
	}

	n.mu.Lock()
	l := n.listeners[at]
	source := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), n.nextPort())
	n.mu.Unlock()
	if l == nil {
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	client, server := newPipe(n.BufferSize, net.TCPAddrFromAddrPort(source), target)
	if !l.deliver(server) {
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	return client, nil
}

// Delay makes dials to addr take d; a negative d never answers, as a host does that
// drops packets. Zero answers at once again. It panics if addr is no literal.
func (n *Network) Delay(addr string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setRoute(addr, func(r *route) { r.delay = d })
}

// Fail makes dials to addr fail with err, such as syscall.EHOSTUNREACH, after its
// delay; nil lets them through again. It panics if addr is no literal.
func (n *Network) Fail(addr string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setRoute(addr, func(r *route) { r.err = err })
}

// Dialled returns the addresses dialled until now, in order, failed ones included.
func (n *Network) Dialled() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialled)
}

// setRoute is called with mu held.
func (n *Network) setRoute(addr string, change func(*route)) {
	at := netip.MustParseAddrPort(addr)
	if n.routes == nil {
		n.routes = make(map[netip.AddrPort]route)
	}
	r := n.routes[at]
	change(&r)
	n.routes[at] = r
}

// nextPort is called with mu held. Ports are not given twice before 16384 others.
func (n *Network) nextPort() uint16 {
	n.lastPort++
	return 49152 + n.lastPort%16384
}

func (n *Network) forget(at netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, at)
}

func (r route) pass(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch {
	case r.delay < 0:
		<-ctx.Done()
		return ctx.Err()
	case r.delay > 0:
		timer := time.NewTimer(r.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return r.err
}

// A memListener queues connections until they are accepted.
type memListener struct {
	network *Network
	at      netip.AddrPort

	mu      sync.Mutex
	changed sync.Cond
	queue   []*MemConn
	closed  bool
}

func (l *memListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

// Close also resets the connections that nobody accepted, as the kernel does.
func (l *memListener) Close() error {
	l.network.forget(l.at)
	l.mu.Lock()
	queue := l.queue
	l.queue, l.closed = nil, true
	l.changed.Broadcast()
	l.mu.Unlock()
	for _, c := range queue {
		c.Reset()
	}
	return nil
}

func (l *memListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

func (l *memListener) deliver(c *MemConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.queue = append(l.queue, c)
	l.changed.Signal()
	return true
}
