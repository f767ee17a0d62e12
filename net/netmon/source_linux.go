package netmon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	netlinkBuffer    = 16 << 10 // grows if the kernel has more to say at once
	maxNetlinkBuffer = 1 << 20
	maxBurst         = 256 // datagrams taken for one change
	maxDrain         = 1 << 16
	maxLoads         = 3               // tries to get lists that no change overtakes
	loadTimeout      = 5 * time.Second // of each; the kernel answers within the system call
)

var errLost = errors.New("rtnetlink messages lost")

// newSource asks the kernel to report, or lists addresses if it refuses.
func newSource(cfg *Config) source {
	p := newPoller(cfg)
	if cfg.List == nil {
		k, err := openKernel(p)
		if err == nil {
			return k
		}
		cfg.Logger.Warn("netmon: polling, since the kernel does not report changes", "err", err)
	}
	p.look()
	return p
}

// A kernel is the source that is told of changes by rtnetlink.
type kernel struct {
	file   *os.File // of the socket; closing it wakes who reads
	conn   syscall.RawConn
	table  Table
	last   []Address
	buf    []byte
	broken bool    // since then poller takes its place
	poller *poller // idle until then
}

func openKernel(p *poller) (*kernel, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	k := &kernel{file: os.NewFile(uintptr(fd), "rtnetlink"), buf: make([]byte, netlinkBuffer), poller: p}
	if err := k.start(fd); err != nil {
		k.file.Close()
		return nil, err
	}
	return k, nil
}

func (k *kernel) start(fd int) (err error) {
	// Groups first, lists second: nothing can happen in between unnoticed.
	groups := &unix.SockaddrNetlink{
		Family: unix.AF_NETLINK,
		Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR,
	}
	if err := unix.Bind(fd, groups); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if k.conn, err = k.file.SyscallConn(); err != nil {
		return err
	}
	return k.load()
}

func (k *kernel) list() []Address {
	if k.broken {
		return k.poller.list()
	}
	return k.last
}

// close tells the poller first: so whoever finds the file closed knows why.
func (k *kernel) close() {
	k.poller.close()
	k.file.Close()
}

func (k *kernel) closed() bool {
	select {
	case <-k.poller.quit:
		return true
	default:
		return false
	}
}

func (k *kernel) wait(deadline time.Time) (touched bool, err error) {
	if k.broken {
		return k.poller.wait(deadline)
	}
	// On a closed file this fails, and then so does the read.
	_ = k.file.SetReadDeadline(deadline)
	all, err := k.burst()
	switch {
	case k.closed():
		return false, net.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, err
	case err != nil:
		if err = k.load(); err != nil && !k.closed() {
			k.giveUp(err)
		}
	case all.Addresses || all.Links:
		k.last = k.table.Addresses()
	}
	return all.Addresses, nil
}

// burst waits for a report, and takes what the kernel has reported meanwhile for
// part of the same change.
func (k *kernel) burst() (all Applied, err error) {
	for i := range maxBurst {
		datagram, err := k.receive(i == 0)
		if i > 0 && (errors.Is(err, unix.EAGAIN) || errors.Is(err, os.ErrDeadlineExceeded)) {
			break
		}
		if err != nil {
			return all, err
		}
		one, err := k.table.Apply(datagram)
		all.add(one)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// giveUp hands over to the poller. That knows less of each address, and so its first
// list may look like a change.
func (k *kernel) giveUp(err error) {
	k.poller.logger.Warn("netmon: polling, since the kernel's reports failed", "err", err)
	k.poller.last, k.broken = k.last, true
	k.buf = nil
}

// load fills the table anew.
func (k *kernel) load() (err error) {
	for range maxLoads {
		if err = k.file.SetDeadline(time.Now().Add(loadTimeout)); err != nil {
			return err
		}
		k.drain()
		k.table = Table{}
		// Links come first, because they tell which addresses count.
		if err = k.dump(messageGetLink); err == nil {
			err = k.dump(messageGetAddr)
		}
		if err == nil {
			k.last = k.table.Addresses()
			return nil
		}
		if k.closed() || errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return err
}

// drain throws away what is there to read. That includes the rest of a list that was
// given up, which would pass for the next one.
func (k *kernel) drain() {
	for range maxDrain {
		if _, err := k.receive(false); err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, errLost) {
			return
		}
	}
}

func (k *kernel) dump(kind uint16) error {
	if err := k.send(appendRequest(nil, kind)); err != nil {
		return err
	}
	for {
		datagram, err := k.receive(true)
		if err != nil {
			return err
		}
		applied, err := k.table.Apply(datagram)
		if applied.Done || err != nil {
			return err
		}
	}
}

func (k *kernel) send(b []byte) error {
	var sent error
	err := k.conn.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return sent != unix.EAGAIN
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("sendto", sent)
}

// receive returns the next datagram of the kernel's, valid until the next call.
func (k *kernel) receive(block bool) ([]byte, error) {
	for {
		var n int
		var from unix.Sockaddr
		var got error
		err := k.conn.Read(func(fd uintptr) bool {
			for {
				n, from, got = unix.Recvfrom(int(fd), k.buf, unix.MSG_TRUNC)
				if got != unix.EINTR {
					return !block || got != unix.EAGAIN
				}
			}
		})
		switch {
		case err != nil:
			return nil, err
		case got != nil:
			return nil, os.NewSyscallError("recvfrom", got)
		case n == 0 || n > len(k.buf):
			k.buf = make([]byte, max(len(k.buf), min(n, maxNetlinkBuffer)))
			return nil, fmt.Errorf("%w: one of %d bytes", errLost, n)
		}
		if sender, ok := from.(*unix.SockaddrNetlink); ok && sender.Pid == 0 {
			return k.buf[:n], nil
		} // else another program's, which has no say here
	}
}
