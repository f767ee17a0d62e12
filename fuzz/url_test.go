package fuzz_test

import (
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
)

// FuzzURL parses anything: without panics, to what the URL Standard's own parser
// makes of it, whichever way was taken; and what comes out parses to itself.
func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"http://example.com/", "https://a.test:8443/a/b?c=d#e", "http://127.0.0.1/%41?%zz", "http://a/b/../c",
		"HTTP://[::1]:80/a|b^c?'", "http://u:p@h/", "http://0x7f.1/", "http://ä.test/", "http:a", "//a", "file:///a",
		"https://a//b|c", "http://a/%2e./", "http://a/?#", "http://1.2.3.4.5/",
	} {
		f.Add(s)
	}
	caret := whatwg.NewParser(whatwg.WithPathPercentEncodeSet(whatwg.PathPercentEncodeSet.Set('^')))
	f.Fuzz(func(t *testing.T, s string) {
		u, err := fetch.ParseURL(s)
		w, libErr := caret.Parse(s)
		if err != nil {
			if u != nil {
				t.Errorf("%q: got both a URL and %v", s, err)
			}
			switch neterr.CodeOf(err) {
			case neterr.DisallowedURLScheme, neterr.UnknownURLScheme:
				if libErr != nil || w.Scheme() == "http" || w.Scheme() == "https" {
					t.Errorf("%q: got %v; the library: %v, %v", s, err, w, libErr)
				}
			case neterr.InvalidURL:
				// Long user info is refused, in whichever form it is long.
				short := func() bool { return len(w.Username())+len(w.Password())+len(w.Host()) < 4000 }
				if libErr == nil && len(s) < 4096 && short() && (w.Scheme() == "http" || w.Scheme() == "https") {
					t.Errorf("%q: got %v, the library %v", s, err, w)
				}
			default:
				t.Errorf("%q: got %v without a code for URLs", s, err)
			}
			return
		}
		if libErr != nil {
			t.Fatalf("%q: got %v, the library %v", s, u, libErr)
		}
		path := w.Pathname()
		if q := w.Query(); q != "" || strings.HasSuffix(w.Href(true), "?") {
			path += "?" + q
		}
		got := u.RequestURI()
		if u.Opaque != "" {
			got = strings.TrimPrefix(got, u.Scheme+"://"+u.Host)
		}
		if u.Scheme != w.Scheme() || u.Host != w.Host() || got != path {
			t.Errorf("%q: got %s %s %s, the library %s", s, u.Scheme, u.Host, got, w)
		}
		for _, c := range []byte(u.Host + got) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("%q: byte %#x in %q", s, c, u.Host+got)
			}
		}
		again, err := fetch.ParseURL(w.Href(false))
		if err != nil || again.Host != u.Host || again.RequestURI() != u.RequestURI() {
			t.Errorf("%q: its serialisation %q parses to %v, %v", s, w, again, err)
		}
	})
}
