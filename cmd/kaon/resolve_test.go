package main

import (
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		status int
		out    []string // what is printed, in this order
		err    string
	}{
		{"literal", []string{"192.0.2.1"}, statusOK, []string{"192.0.2.1, by literal", "  192.0.2.1\n"}, ""},
		{"localhost", []string{"-t", "A", "a.localhost"}, statusOK, []string{"by localhost", "  127.0.0.1\n"}, ""},
		{"rules", []string{"--host-resolver-rules", "MAP *.test 192.0.2.7", "a.test"}, statusOK, []string{"a.test, by literal", "  192.0.2.7\n"}, ""},
		{"nobody", []string{"--source", "localOnly", "a.test"}, statusFailed, nil, "ERR_NAME_NOT_RESOLVED"},
		{"one of two", []string{"--source", "localOnly", "a.test", "::1"}, statusFailed, []string{"::1, by literal"}, "1 of 2 hosts failed"},
		{"no host", nil, statusUsage, nil, "no host given"},
		{"source", []string{"--source", "oracle", "a.test"}, statusUsage, nil, `one of any, system, dns, mdns, localOnly, not "oracle"`},
		{"type", []string{"--type", "MX", "a.test"}, statusUsage, nil, "A, AAAA or any"},
		{"policy", []string{"--secure-dns-policy", "maybe", "a.test"}, statusUsage, nil, "allow or disable"},
		{"server", []string{"--server", "ns.test", "a.test"}, statusUsage, nil, "--server"},
		{"template", []string{"--secure-dns-server", "http://a.test/", "a.test"}, statusUsage, nil, "not a valid DoH template: http://a.test/"},
		{"bad rules", []string{"--host-resolver-rules", "SEND a b", "a.test"}, statusUsage, nil, "host rule"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := kaon(t, "", append([]string{"resolve"}, c.args...)...)
			if r.status != c.status || !strings.Contains(r.err, c.err) {
				t.Errorf("got status %d and %q, want %d and %q", r.status, r.err, c.status, c.err)
			}
			rest := r.out
			for _, want := range c.out {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Errorf("got %q, want %q in it, in this order", r.out, c.out)
					break
				}
				rest = after
			}
		})
	}
}
