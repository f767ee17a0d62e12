package doh_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/dns/doh"
)

func TestUpgrade(t *testing.T) {
	const google, cloudflare = "https://dns.google/dns-query{?dns}", "https://chrome.cloudflare-dns.com/dns-query"
	for _, c := range []struct {
		name        string
		nameservers []string
		want        []string
	}{
		{"nothing", nil, nil},
		{"unknown", []string{"192.0.2.53:53", "[fe80::1%eth0]:53"}, nil},
		{"known", []string{"8.8.8.8:53"}, []string{google}},
		{"once each, in the order of the nameservers", []string{"1.1.1.1:53", "8.8.4.4:53", "1.0.0.1:53", "192.0.2.53:53"}, []string{cloudflare, google}},
		{"IPv6, mapped, another port", []string{"[2606:4700:4700::1111]:5353", "[::ffff:8.8.8.8]:53"}, []string{cloudflare, google}},
		{"two of one provider", []string{"209.18.47.61:53"}, []string{"https://doh-01.spectrum.com/dns-query{?dns}", "https://doh-02.spectrum.com/dns-query{?dns}"}},
		{"switched off", []string{"9.9.9.9:53"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var nameservers []netip.AddrPort
			for _, ns := range c.nameservers {
				nameservers = append(nameservers, netip.MustParseAddrPort(ns))
			}
			var got []string
			for _, s := range doh.Upgrade(nameservers) {
				got = append(got, s.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	levonet := doh.Upgrade([]netip.AddrPort{netip.MustParseAddrPort("109.236.119.2:53")})
	if len(levonet) != 1 || len(levonet[0].Addrs()) != 4 {
		t.Errorf("got %v, want a server with its addresses", levonet)
	}
}
