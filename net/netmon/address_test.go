package netmon_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/netmon"
)

// addr makes an address of "eth0 192.0.2.7/24".
func addr(s string, flags ...netmon.Flags) netmon.Address {
	name, prefix, _ := strings.Cut(s, " ")
	a := netmon.Address{Interface: name, Prefix: netip.MustParsePrefix(prefix)}
	for _, f := range flags {
		a.Flags |= f
	}
	return a
}

// names is the opposite of addr, without the flags.
func names(list []netmon.Address) string {
	var s []string
	for _, a := range list {
		s = append(s, a.Interface+" "+a.Prefix.String())
	}
	return strings.Join(s, ", ")
}

func TestDiff(t *testing.T) {
	type list = []netmon.Address
	var (
		lo    = addr("lo 127.0.0.1/8", netmon.Loopback)
		eth   = addr("eth0 192.0.2.7/24")
		eth6  = addr("eth0 2001:db8::7/64")
		local = addr("eth0 fe80::1/64")
		wlan  = addr("wlan0 198.51.100.7/24")
	)
	tests := []struct {
		name           string
		old, recent    list
		added, removed string
		online         bool
	}{
		{name: "nothing"},
		{name: "loopback alone", recent: list{lo}},
		{name: "the first address", old: list{lo}, recent: list{lo, eth}, added: "eth0 192.0.2.7/24", online: true},
		{name: "the last one goes", old: list{eth, lo}, recent: list{lo}, removed: "eth0 192.0.2.7/24"},
		{name: "the same in another order", old: list{eth, wlan, eth6}, recent: list{eth6, eth, wlan}, online: true},
		{name: "the same twice", old: list{eth}, recent: list{eth, eth}, online: true},
		{name: "sorted", recent: list{wlan, eth6, eth}, added: "eth0 192.0.2.7/24, eth0 2001:db8::7/64, wlan0 198.51.100.7/24", online: true},
		{name: "from one network to another", old: list{lo, eth}, recent: list{lo, wlan}, added: "wlan0 198.51.100.7/24", removed: "eth0 192.0.2.7/24", online: true},
		{name: "another length", old: list{eth}, recent: list{addr("eth0 192.0.2.7/25")}, added: "eth0 192.0.2.7/25", removed: "eth0 192.0.2.7/24", online: true},
		{name: "the same address elsewhere", old: list{local}, recent: list{local, addr("wlan0 fe80::1/64")}, added: "wlan0 fe80::1/64", online: true},
		{name: "link-local counts", recent: list{local}, added: "eth0 fe80::1/64", online: true},
		{name: "a tunnel", old: list{eth}, recent: list{eth, addr("tun0 10.8.0.2/24", netmon.Tunnel)}, online: true},
		{name: "a deprecated one", old: list{eth}, recent: list{eth, addr("eth0 192.0.2.8/24", netmon.Deprecated)}, online: true},
		{name: "gets deprecated", old: list{eth, eth6}, recent: list{eth, addr("eth0 2001:db8::7/64", netmon.Deprecated)}, removed: "eth0 2001:db8::7/64", online: true},
		{name: "goes deprecated", old: list{eth, addr("eth0 192.0.2.8/24", netmon.Deprecated)}, recent: list{eth}, online: true},
		{
			name: "privacy addresses rotate", online: true,
			old:    list{eth6, addr("eth0 2001:db8::1234/64", netmon.Temporary)},
			recent: list{eth6, addr("eth0 2001:db8::1234/64", netmon.Temporary, netmon.Deprecated), addr("eth0 2001:db8::5678/64", netmon.Temporary)},
		},
		{name: "not unique yet", old: list{eth}, recent: list{eth, addr("eth0 2001:db8::7/64", netmon.Tentative)}, online: true},
		{name: "now unique", old: list{addr("eth0 2001:db8::7/64", netmon.Tentative)}, recent: list{eth6}, added: "eth0 2001:db8::7/64", online: true},
		{name: "unplugged", old: list{eth}, recent: list{addr("eth0 192.0.2.7/24", netmon.Down)}},
		{name: "one of two unplugged", old: list{eth, wlan}, recent: list{addr("eth0 192.0.2.7/24", netmon.Down), wlan}, online: true},
		{name: "loopback addresses elsewhere", recent: list{addr("eth0 127.0.0.2/8"), addr("eth0 ::1/128"), addr("eth0 0.0.0.0/0"), {}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old, recent := slices.Clone(tt.old), slices.Clone(tt.recent)
			c := netmon.Diff(old, recent)
			if got := names(c.Added); got != tt.added {
				t.Errorf("added: got %q, want %q", got, tt.added)
			}
			if got := names(c.Removed); got != tt.removed {
				t.Errorf("removed: got %q, want %q", got, tt.removed)
			}
			if c.Online != tt.online {
				t.Errorf("online: got %v, want %v", c.Online, tt.online)
			}
			if back := netmon.Diff(recent, old); names(back.Added) != tt.removed || names(back.Removed) != tt.added {
				t.Errorf("the other way round: got %v", back)
			}
			if !slices.Equal(old, tt.old) || !slices.Equal(recent, tt.recent) {
				t.Errorf("the lists were written to")
			}
		})
	}
}
