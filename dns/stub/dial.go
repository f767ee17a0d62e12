package stub

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
)

func (c *Client) dial(ctx context.Context, network string, server int) (net.Conn, error) {
	switch {
	case c.config.Dial != nil:
		return c.config.Dial(ctx, network, c.names[server])
	case network == "udp":
		return dialUDP(ctx, c.config.Servers[server])
	}
	var d net.Dialer
	return d.DialContext(ctx, network, c.names[server])
}

// Chromium's numbers. A system takes ports from a smaller range.
const (
	firstPort = 1024
	bindTries = 10
)

// dialUDP connects a socket whose port is as good as unknown.
func dialUDP(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
	local := netip.IPv6Unspecified()
	if server.Addr().Unmap().Is4() {
		local = netip.IPv4Unspecified()
	}
	var random [2 * bindTries]byte
	rand.Read(random[:])
	var d net.Dialer
	for i := range bindTries {
		port := firstPort + binary.BigEndian.Uint16(random[2*i:])%(1<<16-firstPort)
		conn, err := d.DialUDP(ctx, "udp", netip.AddrPortFrom(local, port), server)
		var call *os.SyscallError
		switch {
		case err == nil:
			return conn, nil
		case !errors.As(err, &call) || call.Syscall != "bind":
			return nil, err
		}
	}
	// Others have them all: the system knows which are left.
	conn, err := d.DialUDP(ctx, "udp", netip.AddrPort{}, server)
	if err != nil {
		return nil, err // not a nil *net.UDPConn
	}
	return conn, nil
}
