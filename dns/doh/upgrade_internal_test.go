package doh

import (
	"net/netip"
	"strings"
	"testing"
)

// TestProviders: the table has no text that cannot be read, and the addresses are
// written as they are compared.
func TestProviders(t *testing.T) {
	for i := range providers {
		p := &providers[i]
		s, err := p.server()
		if err != nil || len(s.Addrs()) != len(strings.Fields(p.addrs)) {
			t.Errorf("%s: got %v, %v", p.template, s.Addrs(), err)
		}
		nameservers := strings.Fields(p.nameservers)
		if len(nameservers) == 0 {
			t.Errorf("%s: nothing leads to it", p.template)
		}
		for _, text := range nameservers {
			if a, err := netip.ParseAddr(text); err != nil || a.String() != text {
				t.Errorf("%s: got %q, want %v, %v", p.template, text, a, err)
			}
		}
	}
}
