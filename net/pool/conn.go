package pool

import (
	"net/netip"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// A Conn is one client connection; h1, h2 and h3 implement it.
//
// A Conn that serves several requests at once implements [Multiplexed] as well. One
// that has a NetLog source may have a method NetLog() netlog.Source: the pool then
// names it in the events of the requests it serves.
//
// Available and Err are called with the pool's lock held, and of a Multiplexed InUse
// and Reserve as well: they must return at once and must not call the pool. The other
// methods are called without locks.
type Conn interface {
	exchange.RoundTripper

	// Reserve takes one slot for the caller's request. The response's end frees the
	// slot. An error means that the connection is of no use.
	Reserve() error

	// Release gives a reserved slot back that was not used.
	Release()

	// Available is the number of free slots; 0 or 1 for HTTP/1.1, and 0 once Err
	// is not nil.
	Available() int

	// Err is not nil once the connection takes no more requests, as when the peer
	// said so or it was handed over to somebody else. From then on the pool does not
	// close it: it closes itself when the last exchange under way has ended.
	Err() error

	// SetStateHook registers the pool's interest, once, before the first use. The
	// hook is called on any goroutine, with no locks held, after a slot has become
	// free or the connection has ended. To call it more often does no harm.
	SetStateHook(func())

	// Close ends the connection; exchanges under way fail with err. It may block,
	// and may be called more than once.
	Close(err error)
}

// Multiplexed is a [Conn] that serves several requests at once. It counts as one
// socket however many it serves, and is idle only when it serves none.
type Multiplexed interface {
	Conn

	// InUse is the number of slots taken.
	InUse() int
}

// A Sharer is a [Multiplexed] connection that may serve other hosts than the one that
// it was made for; see [Request.Share].
type Sharer interface {
	Multiplexed

	// Peer is where the connection leads. It is called with the pool's lock held, and
	// always says the same; an invalid one means that it serves no other host.
	Peer() netip.AddrPort

	// Covers reports whether the peer has proved that it may answer for host.
	Covers(host string) bool
}

// A Prober is a [Conn] that can tell whether its peer is still there: by a system
// call, while the caller has its slot, and without locks. The pool asks before it
// gives out a connection that has been idle, and closes one that is not alive.
type Prober interface {
	Conn

	Alive() bool
}

// source returns c's NetLog source, the silent one if it has none.
func source(c Conn) netlog.Source {
	if l, ok := c.(interface{ NetLog() netlog.Source }); ok {
		return l.NetLog()
	}
	return netlog.Source{}
}
