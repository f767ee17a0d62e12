package mdns

import (
	"net"
	"net/netip"
	"testing"
)

func TestWhoIsANeighbour(t *testing.T) {
	ls := links{
		{net.Interface{Name: "eth0"}, []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("fe80::7/64")}},
		{net.Interface{Name: "eth1"}, []netip.Prefix{netip.MustParsePrefix("198.51.100.7/25"), netip.MustParsePrefix("2001:db8::7/64")}},
	}
	for addr, want := range map[string]string{
		"192.0.2.200":    "eth0",
		"198.51.100.100": "eth1",
		"198.51.100.200": "",
		"203.0.113.1":    "",
		"2001:db8::1":    "eth1",
		"2001:db8:0:1::": "",
		"fe80::1%eth1":   "eth1",
		"fe80::1%eth2":   "",
	} {
		if got, ok := ls.of(netip.MustParseAddr(addr)); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", addr, got, ok, want)
		}
	}
}
