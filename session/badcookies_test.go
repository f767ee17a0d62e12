package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestBadCookies sends what no server should through a real server and both doors: what
// is refused leaves nothing, and the session goes on.
func TestBadCookies(t *testing.T) {
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprintf("Set-Cookie: c%d=%d\r\n", i, i)
	}
	head := func(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }
	tests := []struct {
		name  string
		lines string // whole header fields
		want  string // the names stored
	}{
		{"control characters", head("Set-Cookie: a=\x01", "Set-Cookie: b=\x7f; Path=/", "Set-Cookie: c=1; Path=/\x02", "Set-Cookie: ok=1"), "ok"},
		{"tabs", head("Set-Cookie: a\tb=1", "Set-Cookie: \tok\t=1\t"), "ok"},
		{"megabyte", head("Set-Cookie: a="+strings.Repeat("x", 1<<20), "Set-Cookie: ok=1"), "ok"},
		{"megabyte of attributes", head("Set-Cookie: a=1"+strings.Repeat("; x=y", 200_000), "Set-Cookie: ok=1"), "a ok"},
		{"ten thousand", strings.Join(many, ""), ""},
		{"signs and nothing", head("Set-Cookie: =", "Set-Cookie: ==", "Set-Cookie: ", "Set-Cookie: ;", "Set-Cookie: ; a=b", "Set-Cookie: ok="), "ok"},
		{"odd names", head("Set-Cookie: a b=1", "Set-Cookie: \"q\"=2", "Set-Cookie: \xff=\xfe", "Set-Cookie: ,=,"), "a b|\"q\"|\xff|,"},
		{"dates", head(
			"Set-Cookie: y1601=1; Expires=Mon, 01 Jan 1601 00:00:00 GMT", "Set-Cookie: y9999=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
			"Set-Cookie: never=1; Expires=31 Feb 2099 25:61:61", "Set-Cookie: words=1; Expires=tomorrow", "Set-Cookie: zero=1; Max-Age=0",
			"Set-Cookie: minus=1; Max-Age=-99999999999999999999", "Set-Cookie: huge=1; Max-Age=99999999999999999999",
		), "y9999 never words huge"},
		{"domains", head(
			"Set-Cookie: a=1; Domain=test", "Set-Cookie: b=1; Domain=.", "Set-Cookie: c=1; Domain=..a.test", "Set-Cookie: d=1; Domain=b.test",
			"Set-Cookie: e=1; Domain=127.0.0.1", "Set-Cookie: f=1; Domain=www.a.test", "Set-Cookie: g=1; Domain=a.test.", "Set-Cookie: h=1; Domain=%61.test",
			"Set-Cookie: i=1; Domain=\xff.test", "Set-Cookie: ok1=1; Domain=", "Set-Cookie: ok2=1; Domain=.A.test",
		), "ok1 ok2"},
		{"prefixes", head("Set-Cookie: __Host-a=1", "Set-Cookie: __Secure-b=1; Secure", "Set-Cookie: __Host-c=1; Path=/; Secure; Domain=a.test"), ""},
	}
	for _, tt := range tests {
		for _, d := range doors {
			t.Run(tt.name+"/"+d.name, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 200 OK\r\n"+tt.lines+"Content-Length: 2\r\n\r\nok"))
				cfg := trusting(nettest.NewCA())
				rules, err := dns.ParseRules("MAP a.test " + srv.Addr())
				if err != nil {
					t.Fatal(err)
				}
				cfg.DNS.Rules, cfg.MaxHeaderBytes = rules, 4<<20
				s := newSession(t, cfg)
				for range 2 { // the second one sends what came of the first
					if x := d.do(t.Context(), s, call{url: "http://a.test/"}); x.err != nil || x.body != "ok" {
						t.Fatalf("%q, %v", x.body, x.err)
					}
				}
				var names []string
				for _, c := range s.Cookies().Snapshot() {
					names = append(names, c.Name)
				}
				sep := " "
				if strings.Contains(tt.want, "|") {
					sep = "|"
				}
				if got := strings.Join(names, sep); got != tt.want && tt.name != "ten thousand" {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if n := len(names); tt.name == "ten thousand" && (n < 150 || n > 180) {
					t.Errorf("got %d cookies, want 150 to 180", n)
				}
				s.CloseAllConnections()
			})
		}
	}
	// NUL and line ends do not get so far: the head is refused.
	srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 200 OK\r\nSet-Cookie: a=\x00\r\nContent-Length: 0\r\n\r\n"))
	s := newSession(t, trusting(nettest.NewCA()))
	if x := doors[0].do(t.Context(), s, call{url: srv.URL()}); x.err == nil || s.Cookies().Len() != 0 {
		t.Errorf("NUL: got %v and %d cookies", x.err, s.Cookies().Len())
	}
}
