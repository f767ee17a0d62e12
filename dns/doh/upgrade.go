package doh

import (
	"net/netip"
	"slices"
	"strings"
)

// Upgrade returns the DoH servers of the providers whose nameservers, of plain DNS,
// are among the given ones: in the order of the nameservers, each once. It is
// Chromium's list of those that it upgrades by itself; most nameservers have none.
func Upgrade(nameservers []netip.AddrPort) []Server {
	var servers []Server
	var taken [len(providers)]bool
	for _, ns := range nameservers {
		addr := ns.Addr().Unmap().WithZone("").String()
		for i := range providers {
			p := &providers[i]
			if taken[i] || !slices.Contains(strings.Fields(p.nameservers), addr) {
				continue
			}
			taken[i] = true
			if s, err := p.server(); err == nil { // a test holds that it is
				servers = append(servers, s)
			}
		}
	}
	return servers
}

// A provider answers both plain DNS and DoH. The texts are read when they are needed.
type provider struct {
	nameservers string // addresses, as netip.Addr writes them
	template    string
	addrs       string // of the DoH server, where its name need not be resolved
}

func (p *provider) server() (Server, error) {
	var addrs []netip.Addr
	for text := range strings.FieldsSeq(p.addrs) {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return Server{}, err
		}
		addrs = append(addrs, addr)
	}
	return NewServer(p.template, addrs...)
}

// providers are those of net/dns/public/doh_provider_entry.cc that Chromium upgrades.
// Missing are the ones that only its settings page offers, which have no nameservers
// here, and Quad9's filtering service (9.9.9.9), which is switched off.
var providers = [...]provider{
	{ // CleanBrowsing, adult filter
		nameservers: "185.228.168.10 185.228.169.11 2a0d:2a00:1::1 2a0d:2a00:2::1",
		template:    "https://doh.cleanbrowsing.org/doh/adult-filter{?dns}",
	},
	{ // CleanBrowsing, family filter
		nameservers: "185.228.168.168 185.228.169.168 2a0d:2a00:1:: 2a0d:2a00:2::",
		template:    "https://doh.cleanbrowsing.org/doh/family-filter{?dns}",
	},
	{ // CleanBrowsing, security filter
		nameservers: "185.228.168.9 185.228.169.9 2a0d:2a00:1::2 2a0d:2a00:2::2",
		template:    "https://doh.cleanbrowsing.org/doh/security-filter{?dns}",
	},
	{ // Cloudflare
		nameservers: "1.1.1.1 1.0.0.1 2606:4700:4700::1111 2606:4700:4700::1001",
		template:    "https://chrome.cloudflare-dns.com/dns-query",
	},
	{ // Comcast
		nameservers: "75.75.75.75 75.75.76.76 2001:558:feed::1 2001:558:feed::2",
		template:    "https://doh.xfinity.com/dns-query{?dns}",
	},
	{ // Cox
		nameservers: "68.105.28.11 68.105.28.12 2001:578:3f::30",
		template:    "https://doh.cox.net/dns-query",
	},
	{ // CZ.NIC
		nameservers: "185.43.135.1 193.17.47.1 2001:148f:fffe::1 2001:148f:ffff::1",
		template:    "https://odvr.nic.cz/doh",
	},
	{ // DNS.SB
		nameservers: "185.222.222.222 45.11.45.11 2a09:: 2a11::",
		template:    "https://doh.dns.sb/dns-query{?dns}",
	},
	{ // Google
		nameservers: "8.8.8.8 8.8.4.4 2001:4860:4860::8888 2001:4860:4860::8844",
		template:    "https://dns.google/dns-query{?dns}",
	},
	{ // Google, DNS64
		nameservers: "2001:4860:4860::64 2001:4860:4860::6464",
		template:    "https://dns64.dns.google/dns-query{?dns}",
	},
	{ // Levonet
		nameservers: "109.236.119.2 109.236.120.2 2a02:6ca3:0:1::2 2a02:6ca3:0:2::2",
		template:    "https://dns.levonet.sk/dns-query{?dns}",
		addrs:       "109.236.119.2 109.236.120.2 2a02:6ca3:0:1::2 2a02:6ca3:0:2::2",
	},
	{ // OpenDNS
		nameservers: "208.67.222.222 208.67.220.220 2620:119:35::35 2620:119:53::53",
		template:    "https://doh.opendns.com/dns-query{?dns}",
	},
	{ // OpenDNS, family filter
		nameservers: "208.67.222.123 208.67.220.123 2620:119:35::123 2620:119:53::123",
		template:    "https://doh.familyshield.opendns.com/dns-query{?dns}",
	},
	{ // Quad9, with the client's subnet
		nameservers: "9.9.9.11 149.112.112.11 2620:fe::11 2620:fe::fe:11",
		template:    "https://dns11.quad9.net/dns-query",
	},
	{ // Quad9, without a filter
		nameservers: "9.9.9.10 149.112.112.10 2620:fe::10 2620:fe::fe:10",
		template:    "https://dns10.quad9.net/dns-query",
	},
	{ // Quickline
		nameservers: "212.60.61.246 212.60.63.246 2001:1a88:10:ffff::1 2001:1a88:10:ffff::2",
		template:    "https://doh.quickline.ch/dns-query{?dns}",
	},
	{ // Spectrum, the first of two
		nameservers: "209.18.47.61 209.18.47.62 2001:1998:f00:1::1 2001:1998:f00:2::1",
		template:    "https://doh-01.spectrum.com/dns-query{?dns}",
	},
	{ // Spectrum, the second
		nameservers: "209.18.47.61 209.18.47.62 2001:1998:f00:1::1 2001:1998:f00:2::1",
		template:    "https://doh-02.spectrum.com/dns-query{?dns}",
	},
}
