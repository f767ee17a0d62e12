package fuzz_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns/sysconf"
)

// FuzzResolvConf holds what resolv.conf's parser returns to the limits it promises,
// and compares the servers with the plainest way to find them.
func FuzzResolvConf(f *testing.F) {
	for _, seed := range []string{
		"nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch a.test b.test\noptions ndots:2 timeout:3 attempts:4 rotate\n",
		"nameserver fe80::1%eth0\r\ndomain a.test\r\noptions edns0 trust-ad use-vc",
		"# comment\n;nameserver 192.0.2.9\n nameserver 192.0.2.8\nnameserver\t0.0.0.0 # rest",
		"search .\nsearch a b c d e f g h\noptions ndots:-1 timeout:99999999999 attempts:x",
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n\x00\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := sysconf.ParseResolvConf(text)
		if c.Ndots < 0 || c.Ndots > 15 || c.Attempts < 1 || c.Attempts > 5 || c.Timeout < time.Second || c.Timeout > 30*time.Second {
			t.Errorf("ndots %d, attempts %d, timeout %v", c.Ndots, c.Attempts, c.Timeout)
		}
		size := 0
		for _, s := range c.Search {
			size += len(s) + 1
			if s == "" || strings.ContainsAny(s, " \t\n") || strings.Trim(s, ".") != s {
				t.Errorf("suffix %q", s)
			}
		}
		if len(c.Search) > 6 || size > 256 {
			t.Errorf("%d suffixes, %d bytes", len(c.Search), size)
		}
		var want []netip.Addr
		for line := range strings.SplitSeq(string(text), "\n") {
			line = strings.TrimRight(line, "\r")
			fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
			if len(fields) < 2 || !strings.HasPrefix(line, "nameserver") || fields[0] != "nameserver" {
				continue
			}
			if addr, err := netip.ParseAddr(fields[1]); err == nil {
				want = append(want, addr.WithZone(""))
			}
		}
		if len(want) == 0 {
			want = append(want, netip.MustParseAddr("127.0.0.1"))
		}
		want = want[:min(len(want), 3)]
		if len(c.Nameservers) != len(want) {
			t.Fatalf("servers %v, want %v", c.Nameservers, want)
		}
		for i, s := range c.Nameservers {
			if s.Addr().WithZone("") != want[i] || s.Port() != 53 {
				t.Errorf("server %v, want %v", s, want[i])
			}
		}
		if !c.Equal(sysconf.ParseResolvConf(text)) {
			t.Error("read again, it says something else")
		}
	})
}
