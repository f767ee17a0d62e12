package stub_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/kaon-net/kaon/dns/stub"
)

// TestIPv6: a server's address may be of either family.
func TestIPv6(t *testing.T) {
	conn, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	ended := make(chan struct{})
	defer func() { conn.Close(); <-ended }()
	go func() {
		defer close(ended)
		b := make([]byte, 512)
		if n, from, err := conn.ReadFrom(b); err == nil {
			conn.WriteTo(replyTo(b[:n], "answer"), from)
		}
	}()
	c := stub.New(stub.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort(conn.LocalAddr().String())}})
	if a, err := c.Query(context.Background(), question, stub.Options{}); err != nil || len(a.Addrs) != 1 {
		t.Errorf("got %+v, %v", a, err)
	}
}
