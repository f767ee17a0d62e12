//go:build !unix

package h1

import "net"

// A prober would ask the kernel whether an idle connection is still good. Here it
// cannot, so a request may be the first to notice that the peer went away; it is
// then retried by the same rules as everywhere (net/transport).
type prober struct{}

func (*prober) init(net.Conn) {}

func (*prober) check(bool) bool { return true }

func (*prober) canAsk() bool { return false }

func (*prober) readable() bool { return true }
