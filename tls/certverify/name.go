package certverify

import (
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/kaon-net/kaon/net/origin"
)

// Covers reports whether c is for host, a DNS name or an IP address, by Chromium's
// rules (X509Certificate::VerifyHostname): more strictly than c.VerifyHostname, which
// lets *.com stand for every company.
func Covers(c *x509.Certificate, host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return slices.ContainsFunc(c.IPAddresses, func(ip net.IP) bool {
			shown, ok := netip.AddrFromSlice(ip)
			return ok && shown.Unmap() == addr
		})
	}
	host = normalize(host)
	if host == "" {
		return false
	}
	_, parent, _ := strings.Cut(host, ".")
	wildcard := mayBeWild(host, parent)
	for _, shown := range c.DNSNames {
		shown = normalize(shown)
		if shown == host {
			return true
		}
		if rest, ok := strings.CutPrefix(shown, "*."); ok && wildcard && rest == parent {
			return true
		}
	}
	return false
}

// mayBeWild reports whether a wildcard above parent may stand for host: not over
// everything under a public or unknown suffix, and not for what looks like an address.
func mayBeWild(host, parent string) bool {
	if parent == "" || strings.Trim(host, "0123456789.") == "" {
		return false
	}
	suffix, _ := origin.ICANNSuffix(parent)
	return suffix != parent
}

// isNonUnique reports whether anybody may have host: an address that is not on the
// public Internet, or a name under no suffix that ICANN knows (Chromium's
// IsHostnameNonUnique).
func isNonUnique(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return !isPublic(addr)
	}
	host = normalize(host)
	suffix, known := origin.ICANNSuffix(host)
	return !known || suffix == host
}

func normalize(name string) string {
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

// isPublic reports whether addr can be routed on the Internet, by IANA's registries
// of special addresses as Chromium reads them.
func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		first := addr.As16()[0]
		return first>>5 == 1 || first == 0xff // 2000::/3, ff00::/8
	}
	b := addr.As4()
	for _, r := range reservedIPv4 {
		if netip.PrefixFrom(netip.AddrFrom4(r.base), r.bits).Contains(netip.AddrFrom4(b)) {
			return false
		}
	}
	return true
}

var reservedIPv4 = [...]struct {
	base [4]byte
	bits int
}{
	{[4]byte{0}, 8},
	{[4]byte{10}, 8},
	{[4]byte{100, 64}, 10},
	{[4]byte{127}, 8},
	{[4]byte{169, 254}, 16},
	{[4]byte{172, 16}, 12},
	{[4]byte{192, 0, 0}, 24},
	{[4]byte{192, 0, 2}, 24},
	{[4]byte{192, 88, 99}, 24},
	{[4]byte{192, 168}, 16},
	{[4]byte{198, 18}, 15},
	{[4]byte{198, 51, 100}, 24},
	{[4]byte{203, 0, 113}, 24},
	{[4]byte{224}, 3}, // multicast and reserved
}
