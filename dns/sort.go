package dns

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net"
	"net/netip"
	"slices"
)

// sortAddrs orders addresses by which a connection is the likelier to work with
// (RFC 6724 section 6), in place, and returns those to which there is a way. source
// returns the address that a connection to one would come from, invalid if there is
// none. Where the rules make no difference the order stays. Rules about what only the
// system knows (deprecated and home addresses, the kind of interface) are left out.
//
// A list without IPv6 is left as the server had it, as Chromium does.
func sortAddrs(addrs []netip.Addr, source func(netip.Addr) netip.Addr) []netip.Addr {
	if !slices.ContainsFunc(addrs, netip.Addr.Is6) {
		return addrs
	}
	list := make([]destination, 0, len(addrs))
	for _, a := range addrs {
		if from := source(a); from.IsValid() {
			list = append(list, destinationOf(a, from))
		}
	}
	slices.SortStableFunc(list, func(a, b destination) int { return a.compare(&b) })
	for i := range list {
		addrs[i] = list[i].addr
	}
	return addrs[:len(list)]
}

// A destination is what the rules look at in an address.
type destination struct {
	addr       netip.Addr
	scope      int
	precedence int
	scopeFits  bool // the source is of the same scope
	labelFits  bool // and has the same label
	prefix     int  // bits in common with an IPv6 source
}

func destinationOf(a, source netip.Addr) destination {
	p := policyOf(a)
	d := destination{
		addr: a, scope: scopeOf(a), precedence: p.precedence,
		scopeFits: scopeOf(source) == scopeOf(a),
		labelFits: policyOf(source).label == p.label,
	}
	if a.Is6() && source.Is6() {
		d.prefix = commonPrefix(a, source)
	}
	return d
}

func (d *destination) compare(other *destination) int {
	order := cmp.Or(
		better(d.scopeFits, other.scopeFits),        // rule 2
		better(d.labelFits, other.labelFits),        // rule 5
		cmp.Compare(other.precedence, d.precedence), // rule 6
		cmp.Compare(d.scope, other.scope),           // rule 8
	)
	if order == 0 && d.addr.Is6() && other.addr.Is6() {
		return cmp.Compare(other.prefix, d.prefix) // rule 9
	}
	return order
}

func better(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// A policy is what the table of RFC 6724 section 2.1 says of an address.
type policy struct{ precedence, label int }

var teredo = policy{5, 5}

func policyOf(a netip.Addr) policy {
	b := a.As16()
	switch {
	case a.Is4():
		return policy{35, 4} // ::ffff:0:0/96
	case a == netip.IPv6Loopback():
		return policy{50, 0}
	case [12]byte(b[:12]) == [12]byte{}: // ::/96
		return policy{1, 3}
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // 2001::/32
		return teredo
	case b[0] == 0x20 && b[1] == 0x02: // 2002::/16, 6to4
		return policy{30, 2}
	case b[0] == 0x3f && b[1] == 0xfe: // 3ffe::/16
		return policy{1, 12}
	case b[0] == 0xfe && b[1]&0xc0 == 0xc0: // fec0::/10
		return policy{1, 11}
	case b[0]&0xfe == 0xfc: // fc00::/7
		return policy{3, 13}
	}
	return policy{40, 1}
}

// The scopes (RFC 4007 section 5, RFC 6724 section 3.2).
const (
	linkLocal = 0x2
	siteLocal = 0x5
	global    = 0xe
)

func scopeOf(a netip.Addr) int {
	b := a.As16()
	switch {
	case a.IsLoopback(), a.IsLinkLocalUnicast():
		return linkLocal
	case a.Is6() && a.IsMulticast():
		return int(b[1] & 0xf)
	case a.Is6() && b[0] == 0xfe && b[1]&0xc0 == 0xc0:
		return siteLocal
	}
	return global
}

// commonPrefix counts the leading bits that two IPv6 addresses have in common, in the
// half that names the network.
func commonPrefix(a, b netip.Addr) int {
	x, y := a.As16(), b.As16()
	return bits.LeadingZeros64(binary.BigEndian.Uint64(x[:8]) ^ binary.BigEndian.Uint64(y[:8]))
}

// systemSource asks the system by connecting a UDP socket, which sends nothing.
func systemSource(a netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 80)))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
