package dns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The lists and their order are the examples of RFC 6724 section 10.2, where they do
// not depend on what only the system knows, and some of our own.
func TestSortAddrs(t *testing.T) {
	for _, c := range []struct {
		name    string
		sources string // "destination=source …"
		want    string // the destinations in order
	}{
		{"prefer matching scope", "198.51.100.121=169.254.13.78 2001:db8:1::1=2001:db8:1::2", "2001:db8:1::1 198.51.100.121"},
		{"prefer matching scope, IPv4", "2001:db8:1::1=fe80::1 198.51.100.121=198.51.100.117", "198.51.100.121 2001:db8:1::1"},
		{"prefer higher precedence", "10.1.2.3=10.1.2.4 2001:db8:1::1=2001:db8:1::2", "2001:db8:1::1 10.1.2.3"},
		{"prefer smaller scope", "2001:db8:1::1=2001:db8:1::2 fe80::1=fe80::2", "fe80::1 2001:db8:1::1"},
		{"prefer matching label", "2001:db8:1::1=2002:c633:6401::2 2002:c633:6401::1=2002:c633:6401::2", "2002:c633:6401::1 2001:db8:1::1"},
		{"prefer higher precedence over 6to4", "2002:c633:6401::1=2002:c633:6401::2 2001:db8:1::1=2001:db8:1::2", "2001:db8:1::1 2002:c633:6401::1"},
		{"longest matching prefix", "2001:db8:3ffe::1=2001:db8:1::2 2001:db8:1::1=2001:db8:1::2", "2001:db8:1::1 2001:db8:3ffe::1"},
		{"the longest prefix is one of networks", "2001:db8:1::ff=2001:db8:1::1 2001:db8:1::2=2001:db8:1::1", "2001:db8:1::ff 2001:db8:1::2"},
		{"no way to IPv6", "2001:db8:1::1= 192.0.2.1=192.0.2.9", "192.0.2.1"},
		{"no way at all", "2001:db8:1::1=", ""},
		{"IPv4 alone stays", "192.0.2.1= 10.0.0.1=10.0.0.2 192.0.2.2=", "192.0.2.1 10.0.0.1 192.0.2.2"},
		{"loopback", "127.0.0.1=127.0.0.1 ::1=::1", "::1 127.0.0.1"},
		{"unique local comes last", "fd00::1=fd00::2 192.0.2.1=192.0.2.2 2001:db8::1=2001:db8::2", "2001:db8::1 192.0.2.1 fd00::1"},
		{"site-local, Teredo, 6bone", "3ffe::1=3ffe::2 2001:0:1::1=2001:0:1::2 fec0::1=fec0::2", "2001:0:1::1 fec0::1 3ffe::1"},
		{"equals keep their order", "2001:db8::2=2001:db8::9 2001:db8::1=2001:db8::9", "2001:db8::2 2001:db8::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var addrs []netip.Addr
			from := map[netip.Addr]netip.Addr{}
			for pair := range strings.FieldsSeq(c.sources) {
				to, source, _ := strings.Cut(pair, "=")
				a := netip.MustParseAddr(to)
				addrs = append(addrs, a)
				if source != "" {
					from[a] = netip.MustParseAddr(source)
				}
			}
			var got []string
			for _, a := range sortAddrs(addrs, func(a netip.Addr) netip.Addr { return from[a] }) {
				got = append(got, a.String())
			}
			if want := strings.Fields(c.want); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestSystemSource(t *testing.T) {
	if got, want := systemSource(loopback4), loopback4; got != want {
		t.Errorf("to the loopback: got source %v, want %v", got, want)
	}
}
