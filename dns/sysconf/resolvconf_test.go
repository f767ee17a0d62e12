package sysconf_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns/sysconf"
)

// describe writes a Config as the lines that it may have come from, leaving out what
// is as by default.
func describe(c *sysconf.Config) string {
	var words []string
	add := func(set bool, format string, args ...any) {
		if set {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	for _, s := range c.Nameservers {
		add(s.String() != "127.0.0.1:53", "%v", s)
	}
	for _, s := range c.Search {
		add(true, "search %s", s)
	}
	add(c.Ndots != 1, "ndots %d", c.Ndots)
	add(c.Timeout != 5*time.Second, "timeout %v", c.Timeout)
	add(c.Attempts != 2, "attempts %d", c.Attempts)
	add(c.Rotate, "rotate")
	add(c.UseTCP, "use-vc")
	add(c.EDNS0, "edns0")
	add(c.TrustAD, "trust-ad")
	add(c.SingleRequest, "single-request")
	add(c.SingleRequestReopen, "single-request-reopen")
	add(c.NoAAAA, "no-aaaa")
	add(c.NoTLDQuery, "no-tld-query")
	for _, reason := range c.Unhandled {
		add(true, "unhandled: %s", reason)
	}
	return strings.Join(words, ", ")
}

func TestParseResolvConf(t *testing.T) {
	suffix := strings.Repeat("x", 100)
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"one server", "nameserver 192.0.2.1\n", "192.0.2.1:53"},
		{"no line end", "nameserver 192.0.2.1", "192.0.2.1:53"},
		{"carriage return", "nameserver 192.0.2.1\r\nsearch a.test\r\n", "192.0.2.1:53, search a.test"},
		{"tabs", "nameserver\t \t192.0.2.1\t # mine", "192.0.2.1:53"},
		{"three servers at most", "nameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver 192.0.2.3\nnameserver 192.0.2.4", "192.0.2.1:53, [2001:db8::1]:53, 192.0.2.3:53"},
		{"bad servers do not count", "nameserver x\nnameserver\nnameserver 256.0.0.1\nnameserver 192.0.2.1", "192.0.2.1:53"},
		{"zone", "nameserver fe80::1%eth0", "[fe80::1%eth0]:53"},
		{"zone of a global address", "nameserver 2001:db8::1%eth0", "[2001:db8::1]:53"},
		{"mapped", "nameserver ::ffff:192.0.2.1", "[::ffff:192.0.2.1]:53"},
		{"unspecified", "nameserver 0.0.0.0\nnameserver ::", "0.0.0.0:53, [::]:53, unhandled: nameserver 0.0.0.0, unhandled: nameserver ::"},
		{"domain", "domain a.test b.test", "search a.test"},
		{"search", "search a.test\tb.test  c.test", "search a.test, search b.test, search c.test"},
		{"the last counts", "search a.test b.test\ndomain c.test", "search c.test"},
		{"an empty one does not", "search a.test\nsearch \ndomain\t\nsearch", "search a.test"},
		{"the root", "search .", ""},
		{"dots", "search .a.test. b.test.", "search a.test, search b.test"},
		{"six suffixes at most", "search a b c d e f g", "search a, search b, search c, search d, search e, search f"},
		{"256 bytes of suffixes at most", "search " + suffix + " " + suffix + " " + suffix + " a", "search " + suffix + ", search " + suffix},
		{"options", "options ndots:3 timeout:7 attempts:4 rotate", "ndots 3, timeout 7s, attempts 4, rotate"},
		{"their limits", "options ndots:99 timeout:99999999999999999999 attempts:6", "ndots 15, timeout 30s, attempts 5"},
		{"their lower limits", "options ndots:0 timeout:0 attempts:-1", "ndots 0, timeout 1s, attempts 1"},
		{"not numbers", "options ndots:2x timeout: attempts:x", "ndots 2, timeout 1s, attempts 1"},
		{"more options", "options edns0 trust-ad\noptions single-request single-request-reopen no-aaaa no-tld-query", "edns0, trust-ad, single-request, single-request-reopen, no-aaaa, no-tld-query"},
		{"TCP", "options use-vc", "use-vc, unhandled: use-vc"},
		{"unknown options", "options inet6 debug rotated Rotate\nfamily inet4", ""},
		{"comments", "#nameserver 192.0.2.1\n;nameserver 192.0.2.2\n# options rotate", ""},
		{"indented", " nameserver 192.0.2.1\n\toptions rotate", ""},
		{"case", "NAMESERVER 192.0.2.1", ""},
		{"glued", "nameserver192.0.2.1\noptions:rotate", ""},
		{"noise", "\x00\xff\xfe\nnameserver \x00\nsearch\x00a\nnameserver 192.0.2.1", "192.0.2.1:53"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := sysconf.ParseResolvConf([]byte(tt.text))
			if got := describe(c); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if got := sysconf.ParseResolvConf(nil).Nameservers; len(got) != 1 || got[0] != netip.MustParseAddrPort("127.0.0.1:53") {
		t.Errorf("without servers: got %v, want this machine's", got)
	}
}

// Whatever comes, it ends soon and what is kept is small.
func TestHugeFiles(t *testing.T) {
	random := make([]byte, sysconf.MaxConfigSize)
	for i, source := 0, rand.New(rand.NewPCG(1, 2)); i < len(random); i++ {
		random[i] = byte(source.Uint32())
	}
	full := func(s string) []byte { return []byte(strings.Repeat(s, sysconf.MaxConfigSize/len(s))) }
	for name, text := range map[string][]byte{
		"noise":             random,
		"one word":          full("x"),
		"many servers":      full("nameserver 192.0.2.1\n"),
		"many suffixes":     append([]byte("search"), full(" a.test")...),
		"many options":      append([]byte("options"), full(" ndots:3")...),
		"a long zone":       append([]byte("nameserver fe80::1%"), full("z")...),
		"many services":     append([]byte("hosts:"), full(" myhostname")...),
		"many actions":      append([]byte("hosts: files "), full("[notfound=continue]")...),
		"many brackets":     append([]byte("hosts: files "), full("[")...),
		"brackets that end": append([]byte("hosts: files "), full("[]")...),
		"a long service":    append([]byte("hosts: "), full("s")...),
		"many databases":    full("passwd: files\n"),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			c := sysconf.ParseResolvConf(text)
			why := sysconf.CheckNSSwitch(text)
			if len(c.Nameservers) > 3 || len(c.Search) > 6 || len(why) > 200 {
				t.Errorf("got %d servers, %d suffixes, a reason of %d bytes", len(c.Nameservers), len(c.Search), len(why))
			}
			for _, s := range c.Nameservers {
				if n := len(s.String()); n > 100 {
					t.Errorf("a server of %d bytes", n)
				}
			}
			sysconf.ParseHosts(text)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
