package dns

import (
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns/sysconf"
)

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		conf, name, want string
	}{
		{"", "host", "host"},
		{"search a.test b.test", "host", "host.a.test host.b.test host"},
		{"search a.test", "host.", "host"},
		{"search a.test", "www.host", "www.host www.host.a.test"},
		{"search a.test\noptions ndots:2", "www.host", "www.host.a.test www.host"},
		{"search a.test\noptions ndots:2", "x.www.host", "x.www.host x.www.host.a.test"},
		{"search a.test\noptions ndots:0", "host", "host host.a.test"},
		{"search a.test\noptions no-tld-query", "host", "host.a.test"},
		{"options no-tld-query", "host", ""},
		{"search " + strings.Repeat("x", 60) + ".test", strings.Repeat("y.", 100) + "z", strings.Repeat("y.", 100) + "z"},
	} {
		got := strings.Join(candidates(c.name, sysconf.ParseResolvConf([]byte(c.conf))), " ")
		if got != c.want {
			t.Errorf("%q, %s: got %q, want %q", c.conf, c.name, got, c.want)
		}
	}
}
