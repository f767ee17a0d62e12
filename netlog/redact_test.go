package netlog_test

import (
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

// fields is a header block of names and values in turn.
func fields(nv ...string) netlog.Header {
	return func(yield func(name, value string) bool) {
		for i := 0; i < len(nv); i += 2 {
			if !yield(nv[i], nv[i+1]) {
				return
			}
		}
	}
}

func TestURLCredentials(t *testing.T) {
	const note = " (credentials redacted)"
	for _, tc := range []struct{ url, want string }{
		{"https://a.test/b?c@d#e@f", "https://a.test/b?c@d#e@f"},
		{"https://user:pass@a.test/", "https://a.test/" + note},
		{"https://user@a.test", "https://a.test" + note},
		{"https://u:p@x@a.test:8/y@z", "https://a.test:8/y@z" + note},
		{"HTTPS:user:pass@a.test/", "HTTPS:a.test/" + note},
		{`http:\\user:pass@a.test\x@y`, `http:\\a.test\x@y` + note},
		{" https:///u:p@a.test/", " https:///a.test/" + note},
		{"wss://u:p@a.test?q", "wss://a.test?q" + note},
		{"foo://u:p@a.test", "foo://a.test" + note},
		{"mailto:a@b.test", "mailto:a@b.test"},
		{"data:text/plain,a@b", "data:text/plain,a@b"},
		{"a@b", "a@b"},
		{"", ""},
	} {
		if got := params(t, netlog.Default, netlog.URL("url", tc.url))["url"]; got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.url, got, tc.want)
		}
		if got := params(t, netlog.IncludeSensitive, netlog.URL("url", tc.url))["url"]; got != tc.url {
			t.Errorf("%q in mode IncludeSensitive: got %q", tc.url, got)
		}
	}
}

func TestHeaderRedaction(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"Accept", "text/html", "text/html"},
		{"Cookie", "a=b; c=d", "[8 bytes were stripped]"},
		{"cookie", "", ""},
		{"SET-COOKIE", "a", "[1 bytes were stripped]"},
		{"Set-Cookie2", "a=b", "[3 bytes were stripped]"},
		{"authorization", "Basic dTpw", "[10 bytes were stripped]"},
		{"Proxy-Authorization", "NTLM x", "[6 bytes were stripped]"},
		{"WWW-Authenticate", `Basic realm="x"`, `Basic realm="x"`},
		{"WWW-Authenticate", `digest realm="x"`, `digest realm="x"`},
		{"www-authenticate", "NTLM", "NTLM"},
		{"WWW-Authenticate", "NTLM TlRMTVNTUAAC", "NTLM [12 bytes were stripped]"},
		{"Proxy-Authenticate", " Negotiate  b2s= ", " Negotiate  [5 bytes were stripped]"},
		{"WWW-Authenticate", `Negotiate, Basic realm="x"`, `Negotiate, Basic realm="x"`},
		{"WWW-Authenticate", "", ""},
	} {
		h := netlog.Headers("", "", fields(tc.name, tc.value))
		for mode, want := range map[netlog.Mode]string{netlog.Default: tc.want, netlog.IncludeSensitive: tc.value, netlog.Everything: tc.value} {
			got := params(t, mode, h)["headers"].([]any)
			if len(got) != 1 || got[0] != tc.name+": "+want {
				t.Errorf("%s: %s in mode %s: got %q, want the value %q", tc.name, tc.value, mode, got, want)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	p := params(t, netlog.Default, netlog.Headers("", "GET / HTTP/1.1", fields("Host", "a.test", "X", "ü")))
	if got := p["line"]; got != "GET / HTTP/1.1\r\n" {
		t.Errorf("line = %q", got)
	}
	got := p["headers"].([]any)
	if want := "%ESCAPED:\u200b X: %C3%BC"; len(got) != 2 || got[0] != "Host: a.test" || got[1] != want {
		t.Errorf("headers = %q", got)
	}
	p = params(t, netlog.Default, netlog.Headers("", "", nil))
	if got, ok := p["headers"].([]any); !ok || len(got) != 0 || p["line"] != nil {
		t.Errorf("no headers: got %v", p)
	}
}
