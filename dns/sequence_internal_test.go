package dns

import (
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
)

// letters are the steps as the table below has them.
var letters = map[step]string{
	stepCache: "C", stepSecureCache: "S", stepInsecureCache: "I", stepHosts: "H", stepPreset: "P",
	stepSecureDNS: "DOH", stepDNS: "DNS", stepSystem: "SYS", stepMDNS: "MDNS",
}

// TestSequence holds the whole table of who is asked, in what order.
func TestSequence(t *testing.T) {
	const (
		automatic, secure  = SecureDNSAutomatic, SecureDNSSecure
		bootstrap, disable = exchange.SecureDNSBootstrap, exchange.SecureDNSDisable
	)
	for _, c := range []struct {
		name string
		at   situation
		want string
	}{
		{"any", situation{}, "C H SYS"},
		{"any, servers known", situation{haveDNS: true}, "C H SYS"},
		{"any, built-in", situation{haveDNS: true, builtIn: true}, "C H DNS SYS"},
		{"any, cache disallowed", situation{usage: CacheDisallowed, haveDNS: true, builtIn: true}, "H DNS SYS"},
		{"any, automatic without servers", situation{mode: automatic, haveDNS: true, builtIn: true}, "C H DNS SYS"},
		{"any, automatic, none answers", situation{mode: automatic, doh: true, haveDNS: true, builtIn: true}, "C H DNS SYS"},
		{"any, automatic", situation{mode: automatic, doh: true, dohWorks: true, haveDNS: true, builtIn: true}, "H S DOH I DNS SYS"},
		{"any, automatic, cache disallowed", situation{mode: automatic, usage: CacheDisallowed, doh: true, dohWorks: true}, "H DOH SYS"},
		{"any, automatic, stale", situation{mode: automatic, usage: CacheStaleAllowed, doh: true, dohWorks: true, haveDNS: true, builtIn: true}, "C H DOH DNS SYS"},
		{"any, automatic, disabled", situation{mode: automatic, policy: disable, doh: true, dohWorks: true}, "C H SYS"},
		{"any, secure", situation{mode: secure, doh: true, haveDNS: true, builtIn: true}, "S H DOH"},
		{"any, secure, stale", situation{mode: secure, usage: CacheStaleAllowed, doh: true}, "S H DOH"},
		{"any, secure without servers", situation{mode: secure, haveDNS: true, builtIn: true}, "S H DOH"},
		{"any, secure, disabled", situation{mode: secure, policy: disable, doh: true, haveDNS: true, builtIn: true}, "C H DNS SYS"},
		{"any, secure, .local", situation{mode: secure, doh: true, multicastName: true}, "C H SYS"},
		{"any, .local", situation{haveDNS: true, builtIn: true, multicastName: true}, "C H SYS"},
		{"bootstrap", situation{mode: secure, policy: bootstrap, doh: true, haveDNS: true}, "C P H SYS"},
		{"system", situation{source: SourceSystem, haveDNS: true, builtIn: true}, "C H SYS"},
		{"system, secure", situation{source: SourceSystem, mode: secure, doh: true}, "C H SYS"},
		{"dns", situation{source: SourceDNS, haveDNS: true}, "C H DNS"},
		{"dns, nobody to ask", situation{source: SourceDNS}, "C H"},
		{"dns, automatic", situation{source: SourceDNS, mode: automatic, doh: true, dohWorks: true, haveDNS: true}, "H S DOH I DNS"},
		{"dns, secure", situation{source: SourceDNS, mode: secure, doh: true, haveDNS: true}, "S H DOH"},
		{"dns, .local", situation{source: SourceDNS, haveDNS: true, multicastName: true}, "C H DNS"},
		{"mdns", situation{source: SourceMDNS, haveDNS: true, builtIn: true}, "C H MDNS"},
		{"mdns, cache disallowed", situation{source: SourceMDNS, usage: CacheDisallowed}, "H MDNS"},
		{"local", situation{source: SourceLocalOnly, haveDNS: true, builtIn: true}, "C H"},
		{"local, secure", situation{source: SourceLocalOnly, mode: secure, doh: true}, "S H"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range c.at.sequence(nil) {
				got = append(got, letters[s])
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
