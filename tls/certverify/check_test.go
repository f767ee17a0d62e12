package certverify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

func TestChecks(t *testing.T) {
	root := issue(t, "root", nil, ca)
	leaf := issue(t, "leaf", root, names(publicHost))
	codes := func(list ...neterr.Code) []neterr.Code { return list }
	for _, c := range []struct {
		name           string
		host           string
		revocation, ct error
		want           []neterr.Code
	}{
		{"well", publicHost, nil, nil, nil},
		{"revoked", publicHost, neterr.CertRevoked, nil, codes(neterr.CertRevoked)},
		{"no mechanism", publicHost, fmt.Errorf("no URL: %w", neterr.CertNoRevocationMechanism), nil, codes(neterr.CertNoRevocationMechanism)},
		{"unreachable", publicHost, errors.New("no answer"), nil, codes(neterr.CertUnableToCheckRevocation)},
		{"some other code", publicHost, neterr.TimedOut, nil, codes(neterr.CertUnableToCheckRevocation)},
		{"a code that is no finding", publicHost, neterr.CertContainsErrors, nil, codes(neterr.CertUnableToCheckRevocation)},
		{"not logged", publicHost, nil, errors.New("one log"), codes(neterr.CertificateTransparencyRequired)},
		{"both", publicHost, neterr.CertRevoked, errors.New("no log"), codes(neterr.CertRevoked, neterr.CertificateTransparencyRequired)},
		{"wrong name", "www.example.org", neterr.CertRevoked, nil, codes(neterr.CertRevoked, neterr.CertCommonNameInvalid)},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := ""
			check := func(name string, err error) certverify.Check {
				return func(_ context.Context, chain *certverify.Chain) error {
					asked += name + " "
					if chain.Params.Host != c.host || len(chain.Certificates) != 2 || !chain.KnownRoot {
						t.Errorf("%s: got %s, %d certificates, known %v", name, chain.Params.Host, len(chain.Certificates), chain.KnownRoot)
					}
					return err
				}
			}
			v := certverify.New(certverify.Config{
				Roots: pool(root), Now: at(now), KnownRoot: root.cert.Equal,
				Revocation: check("revocation", c.revocation), CTPolicy: check("ct", c.ct),
			})
			res, _ := v.Verify(t.Context(), &certverify.Params{Host: c.host, Certificates: certs(leaf)})
			if !slices.Equal(res.Problems, c.want) {
				t.Errorf("got %v, want %v", res.Problems, c.want)
			}
			if want := "revocation ct "; asked != want {
				t.Errorf("asked %q, want %q", asked, want)
			}
			if res.Status&certverify.StatusRevCheckingEnabled == 0 {
				t.Errorf("status %#x does not say that revocation was checked", res.Status)
			}
		})
	}
	v := certverify.New(certverify.Config{Roots: pool(issue(t, "other root", nil, ca)), Now: at(now), Revocation: func(context.Context, *certverify.Chain) error {
		t.Error("asked about a chain that does not hold")
		return nil
	}})
	res, _ := v.Verify(t.Context(), &certverify.Params{Host: publicHost, Certificates: certs(leaf)})
	if res.Status != certverify.StatusAuthorityInvalid {
		t.Errorf("status: got %#x, want %#x", res.Status, certverify.StatusAuthorityInvalid)
	}
}
