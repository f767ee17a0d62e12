package certverify_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

func TestProcAnswers(t *testing.T) {
	root := issue(t, "root", nil, ca)
	good := certs(issue(t, "leaf", root, names(host)))
	bad := certs(issue(t, "leaf", nil, names("other.test")))
	for _, c := range []struct {
		name      string
		says      error
		good, bad neterr.Code
	}{
		{"accepts", nil, neterr.OK, neterr.OK},
		{"default", certverify.UseDefault, neterr.OK, neterr.CertAuthorityInvalid},
		{"default, wrapped", fmt.Errorf("not mine: %w", certverify.UseDefault), neterr.OK, neterr.CertAuthorityInvalid},
		{"rejects", errors.New("no"), neterr.Failed, neterr.Failed},
		{"rejects with a code", neterr.CertRevoked, neterr.CertRevoked, neterr.CertRevoked},
		{"an error that is OK", neterr.OK, neterr.Failed, neterr.Failed},
		{"a cancellation of its own", context.Canceled, neterr.Aborted, neterr.Aborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now), Proc: func(context.Context, *certverify.Request) error { return c.says }})
			res, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: good})
			if neterr.CodeOf(err) != c.good || len(res.Problems) != 0 {
				t.Errorf("good: got %v with %v, want %v with nothing", err, res.Problems, c.good)
			}
			res, err = v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: bad})
			if neterr.CodeOf(err) != c.bad || len(res.Problems) != 2 {
				t.Errorf("bad: got %v with %v, want %v with two problems", err, res.Problems, c.bad)
			}
			var e *neterr.Error
			if err != nil && (!errors.As(err, &e) || e.Addr != host || !errors.Is(c.says, certverify.UseDefault) && !errors.Is(err, c.says)) {
				t.Errorf("got error %v, want one about %s and what the proc said", err, host)
			}
		})
	}
}

func TestProcRequest(t *testing.T) {
	root := issue(t, "Root CA", nil, ca)
	inter := issue(t, "Intermediate CA", root, ca)
	leaf := issue(t, "localhost", inter, names("localhost"))
	// line is the subjects up to the root.
	line := func(c *certverify.Certificate) (s string) {
		for ; c != nil; c = c.IssuerCert {
			s += c.SubjectName + " < "
		}
		return s
	}
	for _, c := range []struct {
		name            string
		host            string
		sent            []*identity
		sentAs, builtAs string
		result          string
		code            neterr.Code
	}{
		{"good", "localhost", []*identity{leaf, inter}, "localhost < Intermediate CA < ", "localhost < Intermediate CA < Root CA < ", "OK", neterr.OK},
		{"wrong order", "localhost", []*identity{leaf, root, inter}, "localhost < Root CA < Intermediate CA < ", "localhost < Intermediate CA < Root CA < ", "OK", neterr.OK},
		{"wrong name", host, []*identity{leaf, inter}, "localhost < Intermediate CA < ", "localhost < Intermediate CA < Root CA < ", "net::ERR_CERT_COMMON_NAME_INVALID", neterr.CertCommonNameInvalid},
		{"no chain", "localhost", []*identity{leaf}, "localhost < ", "localhost < ", "net::ERR_CERT_AUTHORITY_INVALID", neterr.CertAuthorityInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *certverify.Request
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
			v.SetProc(func(_ context.Context, r *certverify.Request) error {
				got = r
				return certverify.UseDefault
			})
			_, _ = v.Verify(t.Context(), &certverify.Params{Host: c.host, Certificates: certs(c.sent...)})
			if got == nil {
				t.Fatal("the proc was not asked")
			}
			if got.Host != c.host || got.IsIssuedByKnownRoot || got.VerificationResult != c.result || got.ErrorCode != c.code {
				t.Errorf("got %+v, want %s, %v", got, c.result, c.code)
			}
			if s := line(got.Certificate); s != c.sentAs {
				t.Errorf("certificate: got %q, want %q", s, c.sentAs)
			}
			if s := line(got.ValidatedCertificate); s != c.builtAs {
				t.Errorf("validated certificate: got %q, want %q", s, c.builtAs)
			}
		})
	}

	// A root that browsers ship.
	known := false
	v := certverify.New(certverify.Config{
		Roots: pool(root), Now: at(now), KnownRoot: root.cert.Equal,
		Proc: func(_ context.Context, r *certverify.Request) error {
			known = r.IsIssuedByKnownRoot
			return nil
		},
	})
	if _, err := v.Verify(t.Context(), &certverify.Params{Host: "localhost", Certificates: certs(leaf, inter)}); err != nil || !known {
		t.Errorf("got known %v, %v; want true, no error", known, err)
	}
}

func TestProcIsOfOneVerifier(t *testing.T) {
	leaf := certs(issue(t, "leaf", nil, names(host)))
	cfg := certverify.Config{Roots: pool(), Now: at(now)}
	mine, other := certverify.New(cfg), certverify.New(cfg)
	mine.SetProc(func(context.Context, *certverify.Request) error { return nil })
	p := &certverify.Params{Host: host, Certificates: leaf}
	if _, err := mine.Verify(t.Context(), p); err != nil {
		t.Errorf("with the proc: got %v, want none", err)
	}
	if _, err := other.Verify(t.Context(), p); !errors.Is(err, neterr.CertAuthorityInvalid) {
		t.Errorf("without: got %v, want %v", err, neterr.CertAuthorityInvalid)
	}
}
