package certverify_test

import (
	"crypto/x509"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

func respond(t testing.TB, issuer, responder *identity, r ocsp.Response) []byte {
	t.Helper()
	if responder != issuer {
		r.Certificate = responder.cert
	}
	der, err := ocsp.CreateResponse(issuer.cert, responder.cert, r, responder.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestStapledOCSP(t *testing.T) {
	root := issue(t, "root", nil, ca)
	inter := issue(t, "intermediate", root, ca)
	leaf := issue(t, "leaf", inter, names(host))
	other := issue(t, "other", inter, names(host))
	stranger := issue(t, "intermediate", nil, ca)
	responder := issue(t, "responder", inter, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	})
	hours := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	answer := func(status int, serial *big.Int, from, until time.Time) ocsp.Response {
		return ocsp.Response{Status: status, SerialNumber: serial, ThisUpdate: from, NextUpdate: until, RevokedAt: hours(-10)}
	}
	revoked := answer(ocsp.Revoked, leaf.cert.SerialNumber, hours(-1), hours(24))
	good := respond(t, inter, inter, revoked)
	for _, c := range []struct {
		name    string
		staple  []byte
		revoked bool
	}{
		{"revoked", good, true},
		{"revoked by a responder", respond(t, inter, responder, revoked), true},
		{"revoked without an end", respond(t, inter, inter, answer(ocsp.Revoked, leaf.cert.SerialNumber, hours(-1), time.Time{})), true},
		{"good", respond(t, inter, inter, answer(ocsp.Good, leaf.cert.SerialNumber, hours(-1), hours(24))), false},
		{"unknown", respond(t, inter, inter, answer(ocsp.Unknown, leaf.cert.SerialNumber, hours(-1), hours(24))), false},
		{"about another", respond(t, inter, inter, answer(ocsp.Revoked, other.cert.SerialNumber, hours(-1), hours(24))), false},
		{"by a stranger", respond(t, stranger, stranger, revoked), false},
		{"by who may not", respond(t, inter, other, revoked), false},
		{"expired", respond(t, inter, inter, answer(ocsp.Revoked, leaf.cert.SerialNumber, hours(-24), hours(0))), false},
		{"from the future", respond(t, inter, inter, answer(ocsp.Revoked, leaf.cert.SerialNumber, hours(1), hours(24))), false},
		{"a week old", respond(t, inter, inter, answer(ocsp.Revoked, leaf.cert.SerialNumber, hours(-7*24), hours(24))), false},
		{"less than a week old", respond(t, inter, inter, answer(ocsp.Revoked, leaf.cert.SerialNumber, hours(-7*24+1), hours(24))), true},
		{"cut short", good[:len(good)-1], false},
		{"an error", ocsp.TryLaterErrorResponse, false},
		{"noise", []byte("noise"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
			res, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: certs(leaf, inter), OCSPResponse: c.staple})
			var want []neterr.Code
			if c.revoked {
				want = []neterr.Code{neterr.CertRevoked}
			}
			if !slices.Equal(res.Problems, want) || (err == nil) == c.revoked {
				t.Errorf("got %v, %v; want %v", res.Problems, err, want)
			}
		})
	}

	// Where the chain does not hold, nothing vouches for the response.
	v := certverify.New(certverify.Config{Roots: x509.NewCertPool(), Now: at(now)})
	res, _ := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: certs(leaf, inter), OCSPResponse: good})
	if want := []neterr.Code{neterr.CertAuthorityInvalid}; !slices.Equal(res.Problems, want) {
		t.Errorf("unknown root: got %v, want %v", res.Problems, want)
	}
}
