package netmon

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const defaultPollInterval = 5 * time.Second

// A poller is the source that lists all addresses again and again.
type poller struct {
	lister   func() ([]Address, error)
	interval time.Duration
	logger   *slog.Logger
	quit     chan struct{}
	shut     sync.Once

	last    []Address
	next    time.Time // when to list again
	failing bool      // so that a failure is logged once, not at every turn
}

func newPoller(cfg *Config) *poller {
	p := &poller{lister: cfg.List, interval: cfg.PollInterval, logger: cfg.Logger, quit: make(chan struct{})}
	if p.lister == nil {
		p.lister = systemAddresses
	}
	if p.interval <= 0 {
		p.interval = defaultPollInterval
	}
	return p
}

func (p *poller) list() []Address { return p.last }

func (p *poller) close() { p.shut.Do(func() { close(p.quit) }) }

func (p *poller) wait(deadline time.Time) (touched bool, err error) {
	until := p.next
	expires := !deadline.IsZero() && deadline.Before(until)
	if expires {
		until = deadline
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-p.quit:
		return false, net.ErrClosed
	default: // a timer that is due as well must not win
	}
	select {
	case <-p.quit:
		return false, net.ErrClosed
	case <-timer.C:
	}
	if expires {
		return false, os.ErrDeadlineExceeded
	}
	p.look()
	return false, nil
}

// look lists the addresses now.
func (p *poller) look() {
	list, err := p.lister()
	p.next = time.Now().Add(p.interval)
	if err != nil {
		if !p.failing {
			p.logger.Warn("netmon: cannot list the network's addresses", "err", err)
		}
		p.failing = true
		return
	}
	p.last, p.failing = list, false
}

// systemAddresses lists what package net knows. That does not include which IPv6
// addresses are temporary, and so their host part is left out: a new one in the same
// network looks the same.
func systemAddresses() ([]Address, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var list []Address
	for i := range interfaces {
		ifc := &interfaces[i]
		addrs, err := ifc.Addrs()
		if err != nil {
			return nil, err // half a list would look like a change; the next turn tells
		}
		flags := interfaceFlags(ifc.Name, ifc.Flags)
		for _, a := range addrs {
			if prefix, ok := toPrefix(a); ok {
				list = append(list, Address{Interface: ifc.Name, Prefix: prefix, Flags: flags})
			}
		}
	}
	return list, nil
}

func interfaceFlags(name string, f net.Flags) (flags Flags) {
	if f&net.FlagLoopback != 0 {
		flags |= Loopback
	}
	if isTunnel(name) {
		flags |= Tunnel
	}
	if f&net.FlagUp == 0 || f&net.FlagRunning == 0 {
		flags |= Down
	}
	return flags
}

func toPrefix(a net.Addr) (netip.Prefix, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	ip = ip.Unmap()
	if ip.Is6() && !ip.IsLoopback() {
		return netip.PrefixFrom(ip, 64).Masked(), true // all but tunnels have 64 bits, RFC 4291 section 2.5.4
	}
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(ip, min(ones, ip.BitLen())), true
}
