package netmon

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// An Address is one address of a network interface.
type Address struct {
	// Interface is the name of the interface, such as "eth0".
	Interface string
	// Prefix is the address and the length of its network, as in 192.0.2.7/24. An
	// IPv6 address that was listed rather than reported has no host part.
	Prefix netip.Prefix
	Flags  Flags
}

// Flags are what is to be known of an address and its interface.
type Flags uint8

// The address counts only if none but Down is set.
const (
	Loopback   Flags = 1 << iota // the interface only reaches this machine
	Tunnel                       // the interface is a VPN's, whose traffic leaves by another one
	Down                         // the interface is switched off or unplugged
	Deprecated                   // not to be used by new connections (RFC 4862 section 2)
	Temporary                    // made for privacy and replaced regularly (RFC 8981)
	Tentative                    // not known to be unique yet (RFC 4862 section 2), or known not to be
)

// counts reports whether the coming and going of the address is a change.
func (a *Address) counts() bool {
	ip := a.Prefix.Addr()
	return a.Flags&^Down == 0 && ip.IsValid() && !ip.IsLoopback() && !ip.IsUnspecified()
}

// isTunnel goes by the name, as Chromium does: "tun" is that of Linux's driver, "utun"
// that of Apple's.
func isTunnel(name string) bool {
	return strings.HasPrefix(name, "tun") || strings.HasPrefix(name, "utun")
}

// A Change is how the addresses that count differ from those before. Both lists are
// empty if only Online changed, or if addresses went and came back at once, perhaps
// in another network. The lists are shared by the subscribers, who must not write.
type Change struct {
	Added, Removed []Address // by interface, then by prefix; Flags are the newest
	Online         bool      // some interface is up and has an address that counts
}

func (c *Change) empty() bool { return len(c.Added) == 0 && len(c.Removed) == 0 }

// Diff compares two lists of addresses, which need no order. It does not change them.
func Diff(old, recent []Address) Change {
	c := Change{Online: online(recent)}
	before, after := counting(old), counting(recent)
	for len(before) > 0 || len(after) > 0 {
		switch order := compareHeads(before, after); {
		case order < 0:
			c.Removed = append(c.Removed, before[0])
			before = before[1:]
		case order > 0:
			c.Added = append(c.Added, after[0])
			after = after[1:]
		default:
			before, after = before[1:], after[1:]
		}
	}
	return c
}

func online(list []Address) bool {
	return slices.ContainsFunc(list, func(a Address) bool { return a.counts() && a.Flags&Down == 0 })
}

// counting returns those that count, sorted and each once.
func counting(list []Address) []Address {
	var counted []Address
	for i := range list {
		if list[i].counts() {
			counted = append(counted, list[i])
		}
	}
	slices.SortFunc(counted, compare)
	return slices.CompactFunc(counted, func(a, b Address) bool { return compare(a, b) == 0 })
}

func compare(a, b Address) int {
	return cmp.Or(strings.Compare(a.Interface, b.Interface), a.Prefix.Compare(b.Prefix))
}

// compareHeads says which of two sorted lists to take from; an empty one is last.
func compareHeads(a, b []Address) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return compare(a[0], b[0])
}
