//go:build unix

package eager

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Probe asks the kernel what a connection has to read: one poll that does not wait,
// no read, no goroutine. It is for one goroutine at a time.
type Probe struct {
	raw syscall.RawConn
	ask func(fd uintptr) // made once: a closure for each question would be an allocation
	fds [1]unix.PollFd
}

// Init makes p ask about the socket below nc, which methods NetConn lead to.
func (p *Probe) Init(nc net.Conn) {
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

func (p *Probe) poll(fd uintptr) {
	p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	for {
		if _, err := unix.Poll(p.fds[:], 0); err != unix.EINTR {
			return
		}
	}
}

// CanAsk reports whether there is a socket to ask about.
func (p *Probe) CanAsk() bool { return p.raw != nil }

// Alive reports whether the peer is still there. A silent one must have sent nothing
// too: bytes that nobody asked for, or the end of the stream, end it.
func (p *Probe) Alive(silent bool) bool {
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
	return !silent || got&unix.POLLIN == 0
}

// Readable reports whether a read would return at once, with whatever it may be.
func (p *Probe) Readable() bool { return p.raw.Control(p.ask) != nil || p.fds[0].Revents != 0 }
