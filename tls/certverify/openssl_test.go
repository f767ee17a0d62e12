package certverify_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/crypto/ocsp"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// TestOpenSSL has real servers show what is to be refused, or not, to whole
// handshakes of Kaon's.
func TestOpenSSL(t *testing.T) {
	nettest.CheckGoroutines(t)
	root := issue(t, "root", nil, ca)
	inter := issueKey(t, "intermediate", root, rsaKey(t, 2048), ca)
	narrow := issue(t, "narrow intermediate", root, both(ca, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical = true
		c.PermittedDNSDomains = []string{"other.test"}
	}))
	cross := &identity{key: inter.key}
	cross.cert = certify(t, inter, issue(t, "old root", nil, ca))
	stranger := issue(t, "unknown root", nil, ca)
	good := names(host)
	leaf := func(edit func(*x509.Certificate)) *identity { return issue(t, "leaf", inter, both(good, edit)) }
	plain := leaf(func(*x509.Certificate) {})
	revoked := respond(t, inter, inter, ocsp.Response{
		Status: ocsp.Revoked, SerialNumber: plain.cert.SerialNumber,
		ThisUpdate: now.AddDate(0, 0, -1), NextUpdate: now.AddDate(0, 0, 1), RevokedAt: now.AddDate(0, 0, -2),
	})
	tall := tower(t, root, 30, good)
	var bulk []*identity
	for size := 0; size < 100<<10; size += len(stranger.cert.Raw) {
		bulk = append(bulk, stranger)
	}
	tls12 := []string{"-tls1_2"}

	for _, c := range []struct {
		name  string
		leaf  *identity
		chain []*identity
		args  []string
		want  neterr.Code
	}{
		{"good", plain, []*identity{inter}, nil, neterr.OK},
		{"good, TLS 1.2", plain, []*identity{inter}, tls12, neterr.OK},
		{"broken order", plain, []*identity{stranger, root, inter}, nil, neterr.OK},
		{"cross-signed", plain, []*identity{cross, inter}, nil, neterr.OK},
		{"expired", leaf(func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, -1); c.NotBefore = now.AddDate(0, 0, -2) }), []*identity{inter}, nil, neterr.CertDateInvalid},
		{"not yet valid", leaf(func(c *x509.Certificate) { c.NotBefore = now.AddDate(0, 0, 1); c.NotAfter = now.AddDate(0, 0, 2) }), []*identity{inter}, nil, neterr.CertDateInvalid},
		{"wrong name", issue(t, "leaf", inter, names("other.test")), []*identity{inter}, nil, neterr.CertCommonNameInvalid},
		{"common name alone", issue(t, host, inter, nil), []*identity{inter}, nil, neterr.CertCommonNameInvalid},
		{"self-signed", issue(t, "leaf", nil, good), nil, nil, neterr.CertAuthorityInvalid},
		{"unknown issuer", issue(t, "leaf", stranger, good), []*identity{stranger}, nil, neterr.CertAuthorityInvalid},
		{"missing intermediate", plain, nil, nil, neterr.CertAuthorityInvalid},
		{"cross-signed by strangers alone", plain, []*identity{cross}, nil, neterr.CertAuthorityInvalid},
		{"SHA-1", leaf(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }), []*identity{inter}, nil, neterr.CertWeakSignatureAlgorithm},
		{"MD5", &identity{withMD5(t, plain.cert, inter), plain.key}, []*identity{inter}, nil, neterr.CertInvalid},
		{"512 bits", weak(t, inter, good), []*identity{inter}, tls12, neterr.CertWeakKey},
		{"name constraints", issue(t, "leaf", narrow, good), []*identity{narrow}, nil, neterr.CertNameConstraintViolation},
		{"for clients", leaf(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), []*identity{inter}, nil, neterr.CertInvalid},
		{"issued by a server", issue(t, "leaf", plain, good), []*identity{plain, inter}, nil, neterr.CertInvalid},
		{"revoked, stapled", plain, []*identity{inter}, []string{"-status_file", "ocsp.der"}, neterr.CertRevoked},
		{"too deep", tall[0], tall[1:], nil, neterr.CertAuthorityInvalid},
		{"oversized", plain, append([]*identity{inter}, bulk...), nil, neterr.SSLProtocolError},
	} {
		t.Run(c.name, func(t *testing.T) {
			rig := nettest.OpenSSL(t, nettest.OpenSSLConfig{
				Leaf: toPEM(c.leaf), Key: keyPEM(t, c.leaf), Chain: toPEM(c.chain...),
				Args: c.args, Files: map[string][]byte{"ocsp.der": revoked},
			})
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
			client, err := tls.NewClient(tls.Config{Verifier: v})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := shake(t.Context(), client, rig.HTTPS)
			if got := neterr.CodeOf(err); got != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if conn != nil {
				conn.Close()
			}
			var e *neterr.Error
			if c.want.IsCertError() && (!errors.As(err, &e) || e.Addr != host) {
				t.Errorf("got %v, want an error about %s", err, host)
			}

			// A proc that accepts has the last word, but for what crypto/tls cannot do.
			v.SetProc(func(context.Context, *certverify.Request) error { return nil })
			conn, err = shake(t.Context(), client, rig.HTTPS)
			accepted := c.name != "512 bits" && c.name != "oversized"
			if (err == nil) != accepted {
				t.Errorf("with a proc that accepts: got %v, want success: %v", err, accepted)
			}
			if conn != nil {
				conn.Close()
			}
		})
	}
}

func shake(ctx context.Context, client *tls.Client, addr string) (net.Conn, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn, err := client.Handshake(ctx, raw, &tls.Request{Host: host, Port: netip.MustParseAddrPort(addr).Port()})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// certify has another issuer vouch for the name and key of a certificate.
func certify(t testing.TB, subject, issuer *identity) *x509.Certificate {
	t.Helper()
	return issueKey(t, "", issuer, subject.key, both(ca, func(c *x509.Certificate) {
		c.Subject = subject.cert.Subject
	})).cert
}

// weak issues a certificate for a key of 512 bits, which crypto/rsa makes only if
// asked to; what comes after shall do without that.
func weak(t *testing.T, issuer *identity, edit func(*x509.Certificate)) (id *identity) {
	t.Run("key of 512 bits", func(t *testing.T) {
		t.Setenv("GODEBUG", "rsa1024min=0")
		id = issueKey(t, "leaf", issuer, rsaKey(t, 512), edit)
	})
	return id
}

func toPEM(ids ...*identity) (out []byte) {
	for _, id := range ids {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw})...)
	}
	return out
}

func keyPEM(t testing.TB, id *identity) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
