package dns_test

import (
	"errors"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestRules(t *testing.T) {
	const gone = "gone"
	for _, c := range []struct {
		rules, host string
		port        uint16
		want        string
		wantPort    uint16
	}{
		{"", "a.test", 80, "a.test", 80},
		{" , ", "a.test", 80, "a.test", 80},
		{"MAP * 127.0.0.1", "a.test", 80, "127.0.0.1", 80},
		{"map *.TEST b.example:8080", "a.test", 80, "b.example", 8080},
		{"MAP *.test b.example", "test", 80, "test", 80},
		{"MAP *.test b.example", "a.b.test", 80, "b.example", 80},
		{"MAP ?.test b.example", "a.test", 80, "b.example", 80},
		{"MAP ?.test b.example", "ab.test", 80, "ab.test", 80},
		{"MAP a.test:81 b.example", "a.test", 80, "a.test", 80},
		{"MAP a.test:81 b.example", "a.test", 81, "b.example", 81},
		{"MAP *:443 b.example:1", "a.test", 443, "b.example", 1},
		{"MAP *:443 b.example:1", "2001:db8::1", 443, "b.example", 1},
		{"MAP [2001:db8::1]:443 b.example", "2001:db8::1", 443, "b.example", 443},
		{"MAP 2001:db8::1 b.example", "2001:db8::1", 443, "b.example", 443},
		{"MAP a.test [::1]:8443", "a.test", 443, "::1", 8443},
		{"MAP a.test [::1]", "a.test", 443, "::1", 443},
		{"MAP a.test b.example, MAP * c.example", "a.test", 80, "b.example", 80},
		{"MAP a.test b.example, MAP * c.example", "x.test", 80, "c.example", 80},
		{"MAP * ^NOTFOUND, EXCLUDE a.test", "a.test", 80, "a.test", 80},
		{"EXCLUDE *.ok.test,MAP * ~notfound", "x.ok.test", 80, "x.ok.test", 80},
		{"MAP * ^NOTFOUND, EXCLUDE a.test", "b.test", 80, gone, 0},
		{"MAP * ~NOTFOUND", "127.0.0.1", 80, gone, 0},
	} {
		r, err := dns.ParseRules(c.rules)
		if err != nil {
			t.Errorf("%q: %v", c.rules, err)
			continue
		}
		host, port, err := r.Apply(c.host, c.port)
		if errors.Is(err, neterr.NameNotResolved) {
			host, err = gone, nil
		}
		if host != c.want || port != c.wantPort || err != nil {
			t.Errorf("%q, %s:%d: got %s:%d, %v, want %s:%d", c.rules, c.host, c.port, host, port, err, c.want, c.wantPort)
		}
	}
	for _, bad := range []string{
		"MAP", "MAP a.test", "MAP a b c", "EXCLUDE", "EXCLUDE a b", "PROXY a b", "MAP a b:0", "MAP a b:65536", "MAP a b:x", "MAP a b:",
		"MAP a [::1", "MAP a [::1]80", "MAP a ..", "MAP a b/c",
	} {
		if r, err := dns.ParseRules("MAP * x.test," + bad); !errors.Is(err, neterr.InvalidArgument) {
			t.Errorf("%q: got %+v, %v, want %v", bad, r, err, neterr.InvalidArgument)
		}
	}
}
