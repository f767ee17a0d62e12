package fuzz_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns/sysconf"
)

// FuzzHosts compares the hosts file parser with the plainest way to say what a
// hosts file means.
func FuzzHosts(f *testing.F) {
	for _, seed := range []string{
		"127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
		"192.0.2.1\ta.test\tA # comment\r\n192.0.2.2 a",
		"::ffff:192.0.2.1 mapped.\nfe80::1%lo0 zone\n256.0.0.1 bad\n",
		"#\n\n \t\n192.0.2.1",
		"192.0.2.1 a,b .\n\x00\xff\xfe",
		"192.0.2.1 \xe2\x84\xaaelvin",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := sysconf.ParseHosts(text)
		if bytes.ContainsRune(text, ',') {
			return // what a comma is depends on the system
		}
		v4, v6 := map[string]netip.Addr{}, map[string]netip.Addr{}
		for line := range strings.SplitSeq(string(text), "\n") {
			line, _, _ = strings.Cut(line, "#")
			fields := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\v\f", r) })
			if len(fields) == 0 {
				continue
			}
			addr, err := netip.ParseAddr(fields[0])
			if err != nil || addr.Zone() != "" {
				continue
			}
			first := v6
			if addr = addr.Unmap(); addr.Is4() {
				first = v4
			}
			for _, name := range fields[1:] {
				name = strings.TrimSuffix(asciiLower(name), ".")
				if _, ok := first[name]; !ok && name != "" {
					first[name] = addr
				}
			}
		}
		names := len(v4)
		for name := range v6 {
			if _, ok := v4[name]; !ok {
				names++
			}
		}
		if h.Len() != names {
			t.Errorf("%d names, want %d", h.Len(), names)
		}
		for _, want := range []map[string]netip.Addr{v4, v6} {
			for name := range want {
				if a4, a6 := h.Lookup(name + "."); a4 != v4[name] || a6 != v6[name] {
					t.Errorf("Lookup(%q) = %v, %v; want %v, %v", name+".", a4, a6, v4[name], v6[name])
				}
			}
		}
	})
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
