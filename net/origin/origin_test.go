package origin_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/net/origin"
)

func TestOf(t *testing.T) {
	tests := []struct {
		url, want string
		site      string
		trusted   bool
	}{
		{"http://example.com/", "http://example.com", "http://example.com", false},
		{"HTTP://EXAMPLE.com:80/x", "http://example.com", "http://example.com", false},
		{"https://a.b.example.co.uk:8443", "https://a.b.example.co.uk:8443", "https://example.co.uk", true},
		{"wss://a.example.com", "wss://a.example.com", "https://example.com", true},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1", true},
		{"http://[::1]", "http://[::1]", "http://::1", true},
		{"http://x.localhost.", "http://x.localhost.", "http://x.localhost.", true},
		{"http://notlocalhost", "http://notlocalhost", "http://notlocalhost", false},
		{"http://bücher.example", "http://xn--bcher-kva.example", "http://xn--bcher-kva.example", false},
		{"https://github.io", "https://github.io", "https://github.io", true},
		{"mailto:a@b", "null", "null", false},
		{"foo://host", "null", "null", false},
		{"http://a:99999", "null", "null", false},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.url)
		if err != nil {
			u = &url.URL{Scheme: "http", Host: "a:99999"}
		}
		o := origin.Of(u)
		if got := o.String(); got != tt.want {
			t.Errorf("Of(%s) = %s, want %s", tt.url, got, tt.want)
		}
		if got := o.Site().String(); got != tt.site {
			t.Errorf("Of(%s).Site() = %s, want %s", tt.url, got, tt.site)
		}
		if got := o.Trustworthy(); got != tt.trusted {
			t.Errorf("Of(%s).Trustworthy() = %v", tt.url, got)
		}
	}
}

func TestSplitHostPort(t *testing.T) {
	tests := []struct {
		in   string
		host string
		port uint16
		ok   bool
	}{
		{"a.test", "a.test", 443, true},
		{"a.test:", "a.test", 443, true},
		{"a.test:0", "a.test", 0, true},
		{"a.test:65535", "a.test", 65535, true},
		{"[::1]:8", "::1", 8, true},
		{"[::1]", "::1", 443, true},
		{"A.Test:1", "a.test", 1, true},
		{"a.test:65536", "", 0, false},
		{"a.test:-1", "", 0, false},
		{"a.test:x", "", 0, false},
		{"::1", "", 0, false},
		{"[::1", "", 0, false},
		{"[::1]x", "", 0, false},
		{"a b", "", 0, false},
		{"a\xffb", "", 0, false},
	}
	for _, tt := range tests {
		host, port, ok := origin.SplitHostPort("https", tt.in)
		if ok != tt.ok || ok && (host != tt.host || port != tt.port) {
			t.Errorf("SplitHostPort(%q) = %q %d %v, want %q %d %v", tt.in, host, port, ok, tt.host, tt.port, tt.ok)
		}
	}
	u := &url.URL{Scheme: "https", Host: "www.example.com:8443"}
	if n := testing.AllocsPerRun(100, func() { origin.Of(u) }); n != 0 {
		t.Errorf("Of allocates %v times for a canonical URL", n)
	}
}

func TestRegistrable(t *testing.T) {
	tests := []struct{ host, want string }{
		{"a.b.example.co.uk", "example.co.uk"},
		{"example.com", "example.com"},
		{"www.example.com.", "example.com."},
		{"me.github.io", "me.github.io"},
		{"intranet", ""},
		{"a.intranet", "a.intranet"},
		{"github.io", ""},
		{"co.uk", ""},
		{"localhost", ""},
		{"127.0.0.1", ""},
		{"::1", ""},
		{"fe80::a", ""},
		{"a..com", ""},
		{".", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got, ok := origin.Registrable(tt.host); got != tt.want || ok != (tt.want != "") {
			t.Errorf("Registrable(%q) = %q, %v; want %q", tt.host, got, ok, tt.want)
		}
	}
}

func TestKey(t *testing.T) {
	a, b := origin.Site{Scheme: "https", Domain: "a.test"}, origin.Site{Scheme: "https", Domain: "b.test"}
	if again := origin.NewKey(a, b); origin.NewKey(a, b) != again {
		t.Error("equal sites give different keys")
	}
	if origin.NewKey(a, b) == origin.NewKey(b, a) || origin.NewKey(a, b) == (origin.Key{}) {
		t.Error("different sites give one key")
	}
	if origin.NewNonceKey(a, b, "1") == origin.NewNonceKey(a, b, "2") || origin.NewNonceKey(a, b, "1") == origin.NewKey(a, b) {
		t.Error("a nonce does not part keys")
	}
	k := origin.NewKey(a, b)
	if k.HasNonce() || (origin.Key{}).HasNonce() || !origin.NewNonceKey(a, b, "1").HasNonce() {
		t.Error("a key does not know its nonce")
	}
	if k.Top() != a || k.Frame() != b || !(origin.Key{}).IsZero() || k.IsZero() {
		t.Error("a key does not say what it was made of")
	}
}

func ExampleOrigin_Site() {
	u, _ := url.Parse("https://user@mail.example.co.uk:8443/inbox")
	o := origin.Of(u)
	fmt.Println(o, o.Site())
	// Output: https://mail.example.co.uk:8443 https://example.co.uk
}

func TestICANNSuffix(t *testing.T) {
	tests := []struct {
		name, want string
		known      bool
	}{
		{"www.example.com", "com", true},
		{"com", "com", true},
		{"www.example.co.uk", "co.uk", true},
		{"someone.github.io", "io", true}, // github.io is a company's
		{"printer.intranet", "intranet", false},
		{"localhost", "localhost", false},
		{"www.ck", "ck", true},
	}
	for _, tt := range tests {
		if got, known := origin.ICANNSuffix(tt.name); got != tt.want || known != tt.known {
			t.Errorf("%s: got %q, %t; want %q, %t", tt.name, got, known, tt.want, tt.known)
		}
	}
}
