package mdns

import (
	"net"
	"net/netip"
)

// A link is an interface and what can be reached by it without a router.
type link struct {
	net.Interface
	prefixes []netip.Prefix
}

func newLink(i net.Interface) (link, error) {
	l := link{Interface: i}
	addrs, err := i.Addrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			ip, ok := netip.AddrFromSlice(n.IP)
			ones, _ := n.Mask.Size()
			if p := netip.PrefixFrom(ip.Unmap(), ones); ok && p.IsValid() {
				l.prefixes = append(l.prefixes, p)
			}
		}
	}
	return l, err
}

// has reports whether the interface has an address of that family.
func (l *link) has(is4 bool) bool {
	for _, p := range l.prefixes {
		if p.Addr().Is4() == is4 {
			return true
		}
	}
	return false
}

type links []link

// of returns the name of the link that an address is on. One that is on none is none of
// a neighbour (RFC 6762 section 11).
func (ls links) of(a netip.Addr) (name string, ok bool) {
	zone := a.Zone()
	bare := a.WithZone("")
	for i := range ls {
		if zone != "" {
			if ls[i].Name == zone {
				return zone, true
			}
			continue
		}
		for _, p := range ls[i].prefixes {
			if p.Contains(bare) {
				return ls[i].Name, true
			}
		}
	}
	return "", false
}
