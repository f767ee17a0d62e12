//go:build unix

package h1

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A prober asks the kernel what a connection has to read: one poll that does not
// wait, no read, no goroutine.
type prober struct {
	raw syscall.RawConn
	ask func(fd uintptr) // made once: a closure for each question would be an allocation
	fds [1]unix.PollFd
}

func (p *prober) init(nc net.Conn) {
	for {
		wrapped, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		nc = wrapped.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		p.raw, p.ask = raw, p.poll
	}
}

func (p *prober) poll(fd uintptr) {
	p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	for {
		if _, err := unix.Poll(p.fds[:], 0); err != unix.EINTR {
			return
		}
	}
}

// check reports whether the peer is still there. One that has been used must be
// silent too: bytes that nobody asked for, or the end of the stream, end it.
func (p *prober) check(used bool) bool {
	if p.raw == nil {
		return true // a connection in memory; a failing exchange will tell
	}
	if p.raw.Control(p.ask) != nil {
		return false
	}
	got := p.fds[0].Revents
	if got&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		return false
	}
	return !used || got&unix.POLLIN == 0
}

// canAsk reports whether there is a socket to ask about.
func (p *prober) canAsk() bool { return p.raw != nil }

// readable reports whether a read would return at once, with whatever it may be.
func (p *prober) readable() bool { return p.raw.Control(p.ask) != nil || p.fds[0].Revents != 0 }
