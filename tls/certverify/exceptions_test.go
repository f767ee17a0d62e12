package certverify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

// verify is one question with one certificate.
func verify(t *testing.T, v *certverify.Verifier, name string, cert *identity) (*certverify.Result, error) {
	t.Helper()
	return v.Verify(t.Context(), &certverify.Params{Host: name, Certificates: certs(cert)})
}

func TestAccept(t *testing.T) {
	root := issue(t, "root", nil, ca)
	bad := issue(t, "leaf", nil, func(c *x509.Certificate) { names(host)(c); c.NotAfter = now.Add(time.Hour) })
	clock := now
	v := certverify.New(certverify.Config{Roots: pool(root), Now: func() time.Time { return clock }})
	res, err := verify(t, v, host, bad)
	if neterr.CodeOf(err) != neterr.CertAuthorityInvalid || v.Accepts(host, bad.cert, res, err) {
		t.Fatalf("at first: got %v", err)
	}
	if err := v.Accept(host, bad.cert, res, err); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		host string
		cert *identity
		want neterr.Code
	}{
		{"the same", host, bad, neterr.OK},
		{"the same host, written otherwise", "EXAMPLE.test.", bad, neterr.OK},
		{"another host", "other.test", bad, neterr.CertAuthorityInvalid},
		{"another certificate", host, issue(t, "leaf", nil, names(host)), neterr.CertAuthorityInvalid},
	} {
		res, err := verify(t, v, c.host, c.cert)
		if neterr.CodeOf(err) != c.want || len(res.Problems) == 0 {
			t.Errorf("%s: got %v with %v, want %v", c.name, err, res.Problems, c.want)
		}
	}
	v.SetProc(func(context.Context, *certverify.Request) error { return errors.New("no") })
	if _, err := verify(t, v, host, bad); neterr.CodeOf(err) != neterr.Failed {
		t.Errorf("refused by the program: got %v, want %v", err, neterr.Failed)
	}
	v.SetProc(nil)
	clock = now.Add(2 * time.Hour) // and so it is out of date as well
	if _, err := verify(t, v, host, bad); neterr.CodeOf(err) != neterr.CertAuthorityInvalid {
		t.Errorf("with another problem: got %v, want %v", err, neterr.CertAuthorityInvalid)
	}
}

func TestAcceptRefuses(t *testing.T) {
	v := certverify.New(certverify.Config{})
	leaf := issue(t, "leaf", nil, names(host))
	for _, code := range []neterr.Code{neterr.CertRevoked, neterr.CertInvalid, neterr.SSLPinnedKeyNotInCertChain, neterr.Failed, neterr.OK} {
		if err := v.Accept(host, leaf.cert, &certverify.Result{}, code); !errors.Is(err, neterr.InvalidArgument) {
			t.Errorf("%v: got %v, want %v", code, err, neterr.InvalidArgument)
		}
	}
}

// For strict hosts no exception can be made, and those of before do not count.
func TestStrict(t *testing.T) {
	bad := issue(t, "leaf", nil, names(host))
	strict := ""
	v := certverify.New(certverify.Config{Roots: pool(issue(t, "root", nil, ca)), Now: at(now), Strict: func(h string) bool { return h == strict }})
	res, refused := verify(t, v, host, bad)
	if err := v.Accept(host, bad.cert, res, refused); err != nil {
		t.Fatal(err)
	}
	strict = host
	if _, err := verify(t, v, host, bad); neterr.CodeOf(err) != neterr.CertAuthorityInvalid || v.MayAccept(host+".", refused) {
		t.Errorf("got %v, want %v", err, neterr.CertAuthorityInvalid)
	}
	if err := v.Accept(host, bad.cert, res, refused); !errors.Is(err, neterr.InvalidArgument) {
		t.Errorf("got %v, want %v", err, neterr.InvalidArgument)
	}
	strict = "other.test"
	if _, err := verify(t, v, host, bad); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

// Two users of one Verifier have their own Proc and exceptions, and its changes.
func TestBase(t *testing.T) {
	root := issue(t, "root", nil, ca)
	good, bad := issue(t, "leaf", root, names(host)), issue(t, "leaf", nil, names(host))
	judged := 0
	base := certverify.New(certverify.Config{Roots: pool(root), Now: at(now), Revocation: func(context.Context, *certverify.Chain) error { judged++; return nil }})
	a, b := certverify.New(certverify.Config{Base: base}), certverify.New(certverify.Config{Base: base})
	changes := 0
	defer a.OnChange(func() { changes++ })()
	stop := base.OnChange(a.Forget)
	check := func(when string, v *certverify.Verifier, cert *identity, want neterr.Code) {
		t.Helper()
		if _, err := verify(t, v, host, cert); neterr.CodeOf(err) != want {
			t.Errorf("%s: got %v, want %v", when, err, want)
		}
	}
	check("at first", a, good, neterr.OK)
	check("at first", b, good, neterr.OK)
	if judged != 1 {
		t.Errorf("judged %d times, want once for both", judged)
	}
	a.SetProc(func(_ context.Context, r *certverify.Request) error {
		if r.ErrorCode == neterr.OK {
			return neterr.CertRevoked
		}
		return nil
	})
	check("with a Proc", a, good, neterr.CertRevoked)
	check("with a Proc", a, bad, neterr.OK)
	check("without", b, bad, neterr.CertAuthorityInvalid)
	res, err := verify(t, b, host, bad)
	if err := b.Accept(host, bad.cert, res, err); err != nil {
		t.Fatal(err)
	}
	a.SetProc(nil)
	check("accepted", b, bad, neterr.OK)
	check("accepted elsewhere", a, bad, neterr.CertAuthorityInvalid)
	before := changes
	base.SetRoots(pool(bad), nil)
	if changes != before+1 {
		t.Errorf("the change below was told %d times, want once", changes-before)
	}
	check("after a change below", a, good, neterr.CertAuthorityInvalid)
	check("after a change below", b, good, neterr.OK) // nobody told it
	stop()
	base.SetRoots(pool(root), nil)
	check("after the end", a, good, neterr.CertAuthorityInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.Forget()
	if res, err := b.Verify(ctx, &certverify.Params{Host: host, Certificates: certs(good)}); res != nil || neterr.CodeOf(err) != neterr.Aborted {
		t.Errorf("cancelled: got %v, %v", res, err)
	}
}

func TestCovers(t *testing.T) {
	c := issue(t, "leaf", nil, names("*.com", "*.example.com")).cert
	for name, want := range map[string]bool{"example.com": false, "www.example.com": true} {
		if got := certverify.Covers(c, name); got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
}
