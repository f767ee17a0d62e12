package certverify_test

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

// publicHost is a name that a known root may stand for.
const publicHost = "www.example.com"

// verifyKnown verifies a certificate below a root as if browsers shipped it.
func verifyKnown(t *testing.T, host string, root *identity, when time.Time, sent ...*identity) []neterr.Code {
	t.Helper()
	v := certverify.New(certverify.Config{
		Roots:     pool(root),
		Now:       at(when),
		KnownRoot: root.cert.Equal,
	})
	res, _ := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: certs(sent...)})
	if !res.KnownRoot {
		t.Errorf("the root is not known")
	}
	return res.Problems
}

func TestKnownRootValidity(t *testing.T) {
	root := issue(t, "root", nil, both(ca, func(c *x509.Certificate) {
		c.NotBefore = now.AddDate(-10, 0, 0)
		c.NotAfter = now.AddDate(10, 0, 0)
	}))
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		from time.Time
		days int
		want []neterr.Code
	}{
		{day(2026, 3, 14), 398, nil},
		{day(2026, 3, 14), 399, []neterr.Code{neterr.CertValidityTooLong}},
		{day(2026, 3, 15), 200, nil},
		{day(2026, 3, 15), 201, []neterr.Code{neterr.CertValidityTooLong}},
		{day(2027, 3, 14), 200, nil},
		{day(2027, 3, 15), 100, nil},
		{day(2027, 3, 15), 101, []neterr.Code{neterr.CertValidityTooLong}},
		{day(2029, 3, 14), 100, nil},
		{day(2029, 3, 15), 47, nil},
		{day(2029, 3, 15), 48, []neterr.Code{neterr.CertValidityTooLong}},
	} {
		leaf := issue(t, "leaf", root, both(names(publicHost), func(x *x509.Certificate) {
			x.NotBefore = c.from
			x.NotAfter = c.from.AddDate(0, 0, c.days)
		}))
		if got := verifyKnown(t, publicHost, root, c.from.AddDate(0, 0, 1), leaf); !slices.Equal(got, c.want) {
			t.Errorf("%d days from %s: got %v, want %v", c.days, c.from.Format(time.DateOnly), got, c.want)
		}
	}
}

func TestKnownRootNames(t *testing.T) {
	root := issue(t, "root", nil, ca)
	nonUnique := []neterr.Code{neterr.CertNonUniqueName}
	for _, c := range []struct {
		host string
		want []neterr.Code
	}{
		{"example.com", nil},
		{"Example.COM.", nil},
		{"a.co.uk", nil},
		{"github.io", nil}, // a suffix, but not ICANN's
		{"someone.github.io", nil},
		{"com", nonUnique},
		{"co.uk", nonUnique},
		{"localhost", nonUnique},
		{"intranet", nonUnique},
		{"printer.intranet", nonUnique},
		{"host.test", nonUnique},
		{"8.8.8.8", nil},
		{"9.255.255.255", nil},
		{"0.0.0.0", nonUnique},
		{"10.1.2.3", nonUnique},
		{"100.127.0.1", nonUnique},
		{"100.128.0.1", nil},
		{"127.0.0.1", nonUnique},
		{"169.254.1.1", nonUnique},
		{"172.31.0.1", nonUnique},
		{"172.32.0.1", nil},
		{"192.0.0.9", nonUnique},
		{"192.0.1.1", nil},
		{"192.168.255.1", nonUnique},
		{"198.19.0.1", nonUnique},
		{"203.0.113.7", nonUnique},
		{"224.0.0.1", nonUnique},
		{"255.255.255.255", nonUnique},
		{"2606:4700::1", nil},
		{"::1", nonUnique},
		{"fe80::1", nonUnique},
		{"fd00::1", nonUnique},
		{"::ffff:10.0.0.1", nonUnique},
		{"::ffff:8.8.8.8", nil},
	} {
		leaf := issue(t, "leaf", root, names(c.host))
		if got := verifyKnown(t, c.host, root, now, leaf); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.host, got, c.want)
		}
	}
}

func TestKnownRootKeys(t *testing.T) {
	root := issue(t, "root", nil, ca)
	weak := issueKey(t, "weak intermediate", root, rsaKey(t, 1024), ca)
	weakLeaf := issueKey(t, "leaf", root, rsaKey(t, 1024), names(publicHost))
	want := []neterr.Code{neterr.CertWeakKey}
	if got := verifyKnown(t, publicHost, root, now, weakLeaf); !slices.Equal(got, want) {
		t.Errorf("leaf: got %v, want %v", got, want)
	}
	if got := verifyKnown(t, publicHost, root, now, issue(t, "leaf", weak, names(publicHost)), weak); !slices.Equal(got, want) {
		t.Errorf("intermediate: got %v, want %v", got, want)
	}
	strong := issueKey(t, "leaf", root, rsaKey(t, 2048), names(publicHost))
	if got := verifyKnown(t, publicHost, root, now, strong); got != nil {
		t.Errorf("2048 bits: got %v, want nothing", got)
	}
}

// TestShippedRoots has roots of Mozilla's list stand for themselves: nobody has their
// keys to issue with.
func TestShippedRoots(t *testing.T) {
	shipped := 0
	for r := range bundle.Roots() {
		c, err := x509.ParseCertificate(r.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		shipped++
		v := certverify.New(certverify.Config{ExtraRoots: []*x509.Certificate{c}, Roots: x509.NewCertPool(), Now: at(c.NotAfter)})
		res, err := v.Verify(t.Context(), &certverify.Params{Host: publicHost, Certificates: []*x509.Certificate{c}})
		want := []neterr.Code{neterr.CertCommonNameInvalid, neterr.CertValidityTooLong}
		if !res.KnownRoot || !slices.Equal(res.Problems, want) {
			t.Errorf("%s: got known %v, %v (%v); want known, %v", c.Subject, res.KnownRoot, res.Problems, err, want)
		}
	}
	if shipped < 50 {
		t.Errorf("got %d roots, want more", shipped)
	}
	root := issue(t, "root", nil, ca)
	v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
	res, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", root, names(host)))})
	if err != nil || res.KnownRoot {
		t.Errorf("own root: got known %v, %v; want neither", res.KnownRoot, err)
	}
}
