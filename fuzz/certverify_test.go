package fuzz_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"
	"unicode/utf8"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls/certverify"
)

// FuzzCertificate shows any certificate as the API does: in UTF-8, and with its bytes
// as they were.
func FuzzCertificate(f *testing.F) {
	f.Add(nettest.NewCA().Certificate().Raw)
	f.Add(nettest.NewCA().Issue("example.test", "127.0.0.1").Certificate[0])
	f.Fuzz(func(t *testing.T, der []byte) {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Skip()
		}
		c := certverify.NewCertificate([]*x509.Certificate{parsed, parsed})
		block, rest := pem.Decode([]byte(c.Data))
		if block == nil || len(rest) > 0 || !bytes.Equal(block.Bytes, der) {
			t.Errorf("data: got %q, want %x in PEM", c.Data, der)
		}
		for _, s := range []string{c.SubjectName, c.IssuerName, c.Subject.Locality, c.Subject.State, c.Subject.Country} {
			if !utf8.ValidString(s) {
				t.Errorf("got %q, want UTF-8", s)
			}
		}
		shown, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back certverify.Certificate
		if err := json.Unmarshal(shown, &back); err != nil || back.IssuerCert == nil || back.Fingerprint != c.Fingerprint {
			t.Errorf("got %+v, %v from %s", back, err, shown)
		}
	})
}

// FuzzVerify verifies whatever parses: a stranger is never trusted, whatever its
// certificates look like, and a stapled response takes trust away or does nothing.
func FuzzVerify(f *testing.F) {
	ca, other := nettest.NewCA(), nettest.NewCA()
	good := ca.Issue("example.test").Leaf
	stranger := other.Issue("example.test")
	f.Add(bytes.Join(stranger.Certificate, nil), "example.test", []byte("\x30\x03\x0a\x01\x06"))
	f.Add(bytes.Join([][]byte{good.Raw[:len(good.Raw)-1], {0}, ca.Certificate().Raw}, nil), "*.test", []byte(nil))
	v := certverify.New(certverify.Config{Roots: ca.Pool(), CacheSize: -1})
	f.Fuzz(func(t *testing.T, ders []byte, host string, staple []byte) {
		_, err := v.Verify(context.Background(), &certverify.Params{
			Host: "example.test", Certificates: []*x509.Certificate{good}, OCSPResponse: staple,
		})
		if code := neterr.CodeOf(err); code != neterr.OK && code != neterr.CertRevoked {
			t.Errorf("good with the staple %x: got %v", staple, err)
		}
		sent, err := x509.ParseCertificates(ders)
		if err != nil || len(sent) > 0 && bytes.Equal(sent[0].RawTBSCertificate, good.RawTBSCertificate) {
			t.Skip()
		}
		res, err := v.Verify(context.Background(), &certverify.Params{Host: host, Certificates: sent, OCSPResponse: staple})
		switch code := neterr.CodeOf(err); {
		case code == neterr.SSLProtocolError && res == nil:
		case !code.IsCertError() || len(res.Problems) == 0 || res.Problems[0] != code:
			t.Errorf("%x for %q: got %v", ders, host, err)
		}
	})
}
