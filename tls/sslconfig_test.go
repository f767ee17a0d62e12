package tls_test

import (
	"crypto/rand"
	"crypto/rsa"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// rsaCertificate signs itself: Chromium has no cipher suite for ECDSA below TLS 1.2.
func rsaCertificate(t testing.TB) ([]stdtls.Certificate, *certverify.Verifier) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host, "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return []stdtls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, certverify.New(certverify.Config{Roots: pool})
}

func TestSSLConfigHello(t *testing.T) {
	cert, trust := rsaCertificate(t)
	p := profile.Chromium156().TLS
	for _, c := range []struct {
		name     string
		cfg      tls.SSLConfig
		server   uint16 // its highest version
		versions []uint16
		without  []uint16 // cipher suites of the profile
	}{
		{name: "default", versions: p.Versions},
		{name: "from TLS 1.0", cfg: tls.SSLConfig{MinVersion: "tls1"}, versions: append(slices.Clone(p.Versions), 0x0302, 0x0301)},
		{name: "from TLS 1.1", cfg: tls.SSLConfig{MinVersion: "tls1.1"}, versions: append(slices.Clone(p.Versions), 0x0302)},
		{name: "up to TLS 1.2", cfg: tls.SSLConfig{MinVersion: "tls1", MaxVersion: "tls1.2"}, without: []uint16{0x1301, 0x1302, 0x1303}},
		{
			name: "up to TLS 1.1", cfg: tls.SSLConfig{MinVersion: "tls1", MaxVersion: "tls1.1"}, server: stdtls.VersionTLS11,
			without: []uint16{0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x009d},
		},
		{
			name: "disabled suites", cfg: tls.SSLConfig{DisabledCipherSuites: []uint16{0x009c, 0x1301, 0xffff, 0xc02f}},
			versions: p.Versions, without: []uint16{0x009c, 0xc02f},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveTLS(t, &stdtls.Config{Certificates: cert, MinVersion: stdtls.VersionTLS10, MaxVersion: c.server})
			h := helloOf(t, newClient(t, tls.Config{Verifier: trust, SSL: c.cfg}), s, s.request())[0]
			same(t, "versions", h.List(t, profile.ExtSupportedVersions, 1), c.versions)
			same(t, "cipher suites", h.Ciphers, slices.DeleteFunc(slices.Clone(p.CipherSuites), func(s uint16) bool {
				return slices.Contains(c.without, s)
			}))
		})
	}
}

func TestSSLConfigHandshake(t *testing.T) {
	cert, trust := rsaCertificate(t)
	for _, c := range []struct {
		name   string
		cfg    tls.SSLConfig
		server *stdtls.Config
		want   neterr.Code
	}{
		{"TLS 1.0, allowed", tls.SSLConfig{MinVersion: "tls1"}, &stdtls.Config{MaxVersion: stdtls.VersionTLS10}, neterr.OK},
		{"TLS 1.0, not allowed", tls.SSLConfig{}, &stdtls.Config{MaxVersion: stdtls.VersionTLS10}, neterr.SSLVersionOrCipherMismatch},
		{"TLS 1.1, not allowed", tls.SSLConfig{}, &stdtls.Config{MaxVersion: stdtls.VersionTLS11}, neterr.SSLVersionOrCipherMismatch},
		{"TLS 1.2, not allowed", tls.SSLConfig{MinVersion: "tls1.3"}, &stdtls.Config{MaxVersion: stdtls.VersionTLS12}, neterr.SSLVersionOrCipherMismatch},
		{"TLS 1.3, not allowed", tls.SSLConfig{MaxVersion: "tls1.2"}, &stdtls.Config{MinVersion: stdtls.VersionTLS13}, neterr.SSLVersionOrCipherMismatch},
		{
			"the one suite of the server, disabled",
			tls.SSLConfig{DisabledCipherSuites: []uint16{0xc02f}},
			&stdtls.Config{MaxVersion: stdtls.VersionTLS12, CipherSuites: []uint16{0xc02f}}, neterr.SSLVersionOrCipherMismatch,
		},
		{"a suite of TLS 1.3, disabled in vain", tls.SSLConfig{DisabledCipherSuites: []uint16{0x1301, 0x1302, 0x1303}}, &stdtls.Config{MinVersion: stdtls.VersionTLS13}, neterr.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Certificates = cert
			c.server.MinVersion = max(c.server.MinVersion, stdtls.VersionTLS10)
			s := serveTLS(t, c.server)
			client := newClient(t, tls.Config{Verifier: trust})
			if err := client.SetSSLConfig(c.cfg); err != nil {
				t.Fatal(err)
			}
			conn, err := client.Handshake(t.Context(), s.dial(t), s.request())
			if got := neterr.CodeOf(err); got != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil {
				echo(t, conn)
				conn.Close()
			}
		})
	}
}

func TestSSLConfigErrors(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	client := newClient(t, tls.Config{Verifier: verifier(ca), SSL: tls.SSLConfig{MaxVersion: "tls1.2"}})
	all := profile.Chromium156().TLS.CipherSuites
	for name, cfg := range map[string]tls.SSLConfig{
		"unknown minimum":   {MinVersion: "ssl3"},
		"unknown maximum":   {MaxVersion: "TLS1.3"},
		"no version left":   {MinVersion: "tls1.3", MaxVersion: "tls1.2"},
		"no suite left":     {MaxVersion: "tls1.2", DisabledCipherSuites: all},
		"no old suite left": {MinVersion: "tls1", MaxVersion: "tls1.1", DisabledCipherSuites: all},
	} {
		if err := client.SetSSLConfig(cfg); !errors.Is(err, neterr.InvalidArgument) {
			t.Errorf("%s: got %v, want %v", name, err, neterr.InvalidArgument)
		}
	}
	conn := s.connect(t, client, s.request())
	if got := conn.State().Version; got != stdtls.VersionTLS12 {
		t.Errorf("after errors: got version %04x, want the setting from before", got)
	}
}

// What was agreed under other settings is not resumed, and tickets that come late stay
// where they belong.
func TestSSLConfigEndsSessions(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	client := newClient(t, tls.Config{Verifier: verifier(ca)})
	late := s.connect(t, client, s.request())
	if err := client.SetSSLConfig(tls.SSLConfig{MinVersion: "tls1.3"}); err != nil {
		t.Fatal(err)
	}
	echo(t, late) // its tickets are read here
	for i, want := range []bool{false, true} {
		if got, _ := resumed(t, client, s, s.request()); got != want {
			t.Errorf("connection %d under new settings: resumed %t, want %t", i+1, got, want)
		}
	}
}
