package certverify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

const host = "example.test"

func TestVerify(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make a key of 512 bits at all

	root := issue(t, "root", nil, ca)
	inter := issue(t, "intermediate", root, ca)
	rsaInter := issueKey(t, "RSA intermediate", root, rsaKey(t, 2048), ca)
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }
	early := func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }
	sha1 := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }
	oldInter := issue(t, "old intermediate", root, both(ca, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }))
	narrow := issue(t, "narrow intermediate", root, both(ca, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical = true
		c.PermittedDNSDomains = []string{"other.test"}
	}))
	notCA := issue(t, "not a CA", root, names("ca.test"))
	stranger := issue(t, "unknown root", nil, ca)
	good := names(host)
	clientInter := issue(t, "intermediate for clients", root, both(ca, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}))
	sha1Inter := issueKey(t, "SHA-1 intermediate", rsaInter, rsaKey(t, 2048), both(ca, sha1))
	md5Leaf := &identity{cert: withMD5(t, issue(t, "leaf", rsaInter, good).cert, rsaInter)}

	for _, c := range []struct {
		name  string
		host  string
		certs []*x509.Certificate
		want  []neterr.Code
		chain int // certificates in the result's chain
	}{
		{"good", host, certs(issue(t, "leaf", inter, good), inter), nil, 3},
		{"directly under the root", host, certs(issue(t, "leaf", root, good)), nil, 2},
		{"root sent along", host, certs(issue(t, "leaf", inter, good), inter, root), nil, 3},
		{"wrong order and a stranger", host, certs(issue(t, "leaf", inter, good), stranger, root, inter), nil, 3},
		{"upper case and final dot", "EXAMPLE.test.", certs(issue(t, "leaf", inter, good), inter), nil, 3},
		{"wildcard", "a.example.test", certs(issue(t, "leaf", inter, names("*.example.test")), inter), nil, 3},
		{"IPv4", "127.0.0.1", certs(issue(t, "leaf", inter, names("127.0.0.1")), inter), nil, 3},
		{"IPv6", "::1", certs(issue(t, "leaf", inter, names("::1")), inter), nil, 3},
		{"root as server", host, certs(stranger), []neterr.Code{neterr.CertAuthorityInvalid, neterr.CertCommonNameInvalid}, 0},

		{"none", host, nil, []neterr.Code{neterr.CertInvalid}, 0},
		{"wrong name", host, certs(issue(t, "leaf", inter, names("other.test")), inter), []neterr.Code{neterr.CertCommonNameInvalid}, 3},
		{"common name alone", host, certs(issue(t, host, inter, nil), inter), []neterr.Code{neterr.CertCommonNameInvalid}, 3},
		{"wildcard two labels deep", "a.b.example.test", certs(issue(t, "leaf", inter, names("*.example.test")), inter), []neterr.Code{neterr.CertCommonNameInvalid}, 3},
		{"wildcard inside a label", "ab.example.test", certs(issue(t, "leaf", inter, names("a*.example.test")), inter), []neterr.Code{neterr.CertCommonNameInvalid}, 3},
		{"address as a name", "127.0.0.1", certs(issue(t, "leaf", inter, func(c *x509.Certificate) { c.DNSNames = []string{"127.0.0.1"} }), inter), []neterr.Code{neterr.CertCommonNameInvalid}, 3},
		{"expired", host, certs(issue(t, "leaf", inter, both(good, expired)), inter), []neterr.Code{neterr.CertDateInvalid}, 3},
		{"not yet valid", host, certs(issue(t, "leaf", inter, both(good, early)), inter), []neterr.Code{neterr.CertDateInvalid}, 3},
		{"expired intermediate", host, certs(issue(t, "leaf", oldInter, good), oldInter), []neterr.Code{neterr.CertDateInvalid}, 3},
		{"expired and wrong name", host, certs(issue(t, "leaf", inter, both(names("other.test"), expired)), inter), []neterr.Code{neterr.CertCommonNameInvalid, neterr.CertDateInvalid}, 3},
		{"self-signed", host, certs(issue(t, "leaf", nil, good)), []neterr.Code{neterr.CertAuthorityInvalid}, 0},
		{"self-signed, expired, wrong name", host, certs(issue(t, "leaf", nil, both(names("other.test"), expired))), []neterr.Code{neterr.CertAuthorityInvalid, neterr.CertCommonNameInvalid, neterr.CertDateInvalid}, 0},
		{"unknown root", host, certs(issue(t, "leaf", stranger, good), stranger), []neterr.Code{neterr.CertAuthorityInvalid}, 0},
		{"missing intermediate", host, certs(issue(t, "leaf", inter, good)), []neterr.Code{neterr.CertAuthorityInvalid}, 0},
		{"issuer is no CA", host, certs(issue(t, "leaf", notCA, good), notCA), []neterr.Code{neterr.CertInvalid}, 3},
		{"outside name constraints", host, certs(issue(t, "leaf", narrow, good), narrow), []neterr.Code{neterr.CertNameConstraintViolation}, 0},
		{"outside name constraints, expired", host, certs(issue(t, "leaf", narrow, both(good, expired)), narrow), []neterr.Code{neterr.CertNameConstraintViolation, neterr.CertDateInvalid}, 0},
		{"for clients", host, certs(issue(t, "leaf", inter, both(good, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})), inter), []neterr.Code{neterr.CertInvalid}, 3},
		{"intermediate for clients, wrong name", host, certs(issue(t, "leaf", clientInter, names("other.test")), clientInter), []neterr.Code{neterr.CertInvalid, neterr.CertCommonNameInvalid}, 3},
		{"MD5", host, certs(md5Leaf, rsaInter), []neterr.Code{neterr.CertInvalid}, 3},
		{"SHA-1 in the middle", host, certs(issue(t, "leaf", sha1Inter, good), sha1Inter, rsaInter), []neterr.Code{neterr.CertWeakSignatureAlgorithm}, 4},
		{"as deep as can be", host, certs(tower(t, root, 18, good)...), nil, 20},
		{"too deep", host, certs(tower(t, root, 36, good)...), []neterr.Code{neterr.CertAuthorityInvalid}, 38},
		{"SHA-1", host, certs(issue(t, "leaf", rsaInter, both(good, sha1)), rsaInter), []neterr.Code{neterr.CertWeakSignatureAlgorithm}, 3},
		{"SHA-1, expired", host, certs(issue(t, "leaf", rsaInter, both(both(good, sha1), expired)), rsaInter), []neterr.Code{neterr.CertWeakSignatureAlgorithm, neterr.CertDateInvalid}, 3},
		{"SHA-1 of an unknown root", host, certs(issue(t, "leaf", issueKey(t, "x", nil, rsaKey(t, 2048), ca), both(good, sha1))), []neterr.Code{neterr.CertAuthorityInvalid}, 0},
		{"512 bits", host, certs(issueKey(t, "leaf", inter, rsaKey(t, 512), good), inter), []neterr.Code{neterr.CertWeakKey}, 3},
		{"512 bits, expired", host, certs(issueKey(t, "leaf", inter, rsaKey(t, 512), both(good, expired)), inter), []neterr.Code{neterr.CertWeakKey, neterr.CertDateInvalid}, 3},
		{"1024 bits", host, certs(issueKey(t, "leaf", inter, rsaKey(t, 1024), good), inter), nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(root.cert)
			v := certverify.New(certverify.Config{Roots: roots, Now: func() time.Time { return now }})
			res, err := v.Verify(t.Context(), &certverify.Params{Host: c.host, Certificates: c.certs})
			if res == nil {
				t.Fatalf("got no result, error %v", err)
			}
			if !slices.Equal(res.Problems, c.want) {
				t.Errorf("problems: got %v, want %v (error %v)", res.Problems, c.want, err)
			}
			if len(c.want) == 0 {
				if err != nil {
					t.Errorf("got error %v, want none", err)
				}
			} else {
				var e *neterr.Error
				if !errors.As(err, &e) || e.Code != c.want[0] || e.Addr != c.host {
					t.Errorf("got error %v, want %v for %s", err, c.want[0], c.host)
				}
			}
			sha1 := slices.Contains(c.want, neterr.CertWeakSignatureAlgorithm)
			if got := res.Status&certverify.StatusSHA1SignaturePresent != 0; got != sha1 || (res.Status == 0) != (len(c.want) == 0) {
				t.Errorf("status: got %#x, want SHA-1 %v and a bit for each of %v", res.Status, sha1, c.want)
			}
			if len(res.Chain) != c.chain {
				t.Errorf("chain: got %d certificates, want %d", len(res.Chain), c.chain)
			}
		})
	}
}

func TestExtraRoots(t *testing.T) {
	root := issue(t, "root", nil, ca)
	mine := issueKey(t, "mine", nil, rsaKey(t, 2048), ca)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	cfg := certverify.Config{Roots: roots, ExtraRoots: []*x509.Certificate{mine.cert}, Now: func() time.Time { return now }}
	v := certverify.New(cfg)
	for _, c := range []struct {
		name string
		leaf *identity
		want neterr.Code
	}{
		{"of the pool", issue(t, "leaf", root, names(host)), neterr.OK},
		{"extra", issue(t, "leaf", mine, names(host)), neterr.OK},
		{"SHA-1 by an extra root", issue(t, "leaf", mine, both(names(host), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })), neterr.CertWeakSignatureAlgorithm},
	} {
		_, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: []*x509.Certificate{c.leaf.cert}})
		if got := neterr.CodeOf(err); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	// The caller's pool is left alone.
	if _, err := mine.cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now}); err == nil {
		t.Error("the extra root was added to Config.Roots")
	}
}

func TestSystemRootsDoNotTrustStrangers(t *testing.T) {
	leaf := issue(t, "leaf", issue(t, "root", nil, ca), names(host))
	v := certverify.New(certverify.Config{Now: func() time.Time { return now }})
	_, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: []*x509.Certificate{leaf.cert}})
	if !errors.Is(err, neterr.CertAuthorityInvalid) {
		t.Errorf("got %v, want %v", err, neterr.CertAuthorityInvalid)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	leaf := issue(t, "leaf", nil, names(host))
	res, err := certverify.New(certverify.Config{}).Verify(ctx, &certverify.Params{Host: host, Certificates: []*x509.Certificate{leaf.cert}})
	if res != nil || !errors.Is(err, context.Canceled) || !errors.Is(err, neterr.Aborted) {
		t.Errorf("got %v, %v; want context.Canceled and %v", res, err, neterr.Aborted)
	}
}

func TestOversizedChain(t *testing.T) {
	leaf := issue(t, "leaf", nil, names(host))
	var sent []*x509.Certificate
	for size := 0; size <= 100<<10; size += len(leaf.cert.Raw) {
		sent = append(sent, leaf.cert)
	}
	v := certverify.New(certverify.Config{Roots: pool(), Now: at(now)})
	if res, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: sent}); res != nil || !errors.Is(err, neterr.SSLProtocolError) {
		t.Errorf("got %v, %v; want no result, %v", res, err, neterr.SSLProtocolError)
	}
	if _, err := v.Verify(t.Context(), &certverify.Params{Host: host, Certificates: sent[1:]}); !errors.Is(err, neterr.CertAuthorityInvalid) {
		t.Errorf("one fewer: got %v, want %v", err, neterr.CertAuthorityInvalid)
	}
}
