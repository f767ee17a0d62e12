package certverify_test

import (
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

func TestNames(t *testing.T) {
	root := issue(t, "root", nil, ca)
	for _, c := range []struct {
		shown, host string
		want        bool
	}{
		{"example.com", "example.com", true},
		{"EXAMPLE.com", "example.COM", true},
		{"example.com.", "example.com", true},
		{"example.com", "example.com.", true},
		{"example.com", "www.example.com", false},
		{"www.example.com", "example.com", false},
		{"*.example.com", "www.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "a.www.example.com", false},
		{"*.*.example.com", "a.b.example.com", false},
		{"w*.example.com", "www.example.com", false},
		{"*w.example.com", "www.example.com", false},
		{"*", "localhost", false},
		{"*.com", "example.com", false},
		{"*.co.uk", "example.co.uk", false},
		{"*.github.io", "someone.github.io", true},
		{"*.intranet", "printer.intranet", false},
		{"*.floor.intranet", "printer.floor.intranet", true},
		{"under_score.example.com", "under_score.example.com", true},
		{"*.0.0.1", "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "::ffff:127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"::1", "0:0:0:0:0:0:0:1", true},
		{"example.com", "", false},
	} {
		leaf := issue(t, "leaf", root, names(c.shown))
		v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
		_, err := v.Verify(t.Context(), &certverify.Params{Host: c.host, Certificates: certs(leaf)})
		want := neterr.OK
		if !c.want {
			want = neterr.CertCommonNameInvalid
		}
		if got := neterr.CodeOf(err); got != want {
			t.Errorf("%s for %q: got %v, want %v", c.shown, c.host, err, want)
		}
	}
}
