package fuzz_test

import (
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns/sysconf"
)

// FuzzNSSwitch makes sure that the check gives a short, printable reason, and that
// what does not count changes nothing: other databases, case, what stands behind.
func FuzzNSSwitch(f *testing.F) {
	for _, seed := range []string{
		"passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n",
		"hosts: files myhostname resolve [!UNAVAIL=return] dns",
		"HOSTS:\tfiles [SUCCESS=return NOTFOUND=continue] [[ UNAVAIL=continue]] dns # rest",
		"hosts: files [!SUCCESS=merge", "hosts: [", "hosts: files[a=b] dns", "hosts:\n", "hosts: \x00\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		why := sysconf.CheckNSSwitch(text)
		if why != "" && !strings.HasPrefix(why, "nsswitch: ") || len(why) > 200 {
			t.Errorf("reason %q", why)
		}
		for _, r := range why {
			if r < ' ' || r > '~' {
				t.Errorf("reason %q is not printable", why)
			}
		}
		for what, same := range map[string]string{
			"another database before": "ldap: ldap\n#hosts: x\n" + string(text),
			"another entry behind":    string(text) + "\nhosts: files dns\n",
			"other case":              asciiUpper(string(text)),
		} {
			if what == "another entry behind" && !strings.Contains(asciiLower(string(text)), "hosts:") {
				continue
			}
			if got := sysconf.CheckNSSwitch([]byte(same)); (got == "") != (why == "") {
				t.Errorf("%s: %q, want %q", what, got, why)
			}
		}
	})
}

func asciiUpper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
