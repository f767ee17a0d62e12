//go:build !unix

package eager

import "net"

// A Probe would ask the kernel what a connection has to read. Here it cannot, so a
// request may be the first to notice that the peer went away; it is then retried by
// the same rules as everywhere (net/transport).
type Probe struct{}

// Init does nothing.
func (*Probe) Init(net.Conn) {}

// CanAsk returns false.
func (*Probe) CanAsk() bool { return false }

// Alive returns true.
func (*Probe) Alive(bool) bool { return true }

// Readable returns true.
func (*Probe) Readable() bool { return true }
