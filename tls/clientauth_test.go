package tls_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
)

// asking is a server that wants a certificate of users's.
func asking(ca, users *nettest.CA, version uint16) *stdtls.Config {
	return &stdtls.Config{
		Certificates: certificate(ca), MaxVersion: version,
		ClientAuth: stdtls.RequireAndVerifyClientCert, ClientCAs: users.Pool(),
	}
}

func user(ca *nettest.CA) *tls.ClientCertificate {
	c := ca.Issue("alice")
	return &tls.ClientCertificate{Chain: []*x509.Certificate{c.Leaf}, Key: c.PrivateKey.(crypto.Signer)}
}

func choose(t testing.TB, c *tls.Client, s *server, cert *tls.ClientCertificate) {
	t.Helper()
	if err := c.SetClientCertificate(host, s.addr.Port(), cert); err != nil {
		t.Fatal(err)
	}
}

func bothVersions(t *testing.T, f func(t *testing.T, version uint16)) {
	for _, v := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		t.Run(stdtls.VersionName(v), func(t *testing.T) { f(t, v) })
	}
}

// refusedAnyhow is a handshake, or with TLS 1.3 the first read, that must fail.
func (s *server) refusedAnyhow(t testing.TB, c *tls.Client, r *tls.Request) error {
	t.Helper()
	conn, err := c.Handshake(t.Context(), s.dial(t), r)
	if err != nil {
		return err
	}
	defer conn.Close()
	n, err := conn.Read(make([]byte, 1))
	if err == nil || err == io.EOF {
		t.Fatalf("read: got %d bytes, %v; want an error", n, err)
	}
	return err
}

func TestClientCertificate(t *testing.T) {
	ca, users := nettest.NewCA(), nettest.NewCA()
	bothVersions(t, func(t *testing.T, version uint16) {
		s := serveTLS(t, asking(ca, users, version))
		client := newClient(t, tls.Config{Verifier: verifier(ca)})

		err := s.refused(t, client, s.request())
		var want *tls.ClientAuthError
		if !errors.Is(err, neterr.SSLClientAuthCertNeeded) || !errors.As(err, &want) {
			t.Fatalf("without a choice: got %v, want %v", err, neterr.SSLClientAuthCertNeeded)
		}
		if want.Host != host || want.Port != s.addr.Port() || len(want.Authorities) != 1 ||
			string(want.Authorities[0]) != string(users.Certificate().RawSubject) || len(want.SignatureSchemes) == 0 {
			t.Errorf("the server wants: got %+v", want)
		}
		<-s.done
		if client.HasClientCertificate(host, s.addr.Port()) {
			t.Error("a choice is remembered before there is one")
		}

		choose(t, client, s, user(users))
		for i, resume := range []bool{false, true} {
			if got, _ := resumed(t, client, s, s.request()); got != resume {
				t.Errorf("connection %d as the user: resumed %t, want %t", i+1, got, resume)
			}
		}
		if !client.HasClientCertificate(host, s.addr.Port()) {
			t.Error("the choice is not remembered")
		}

		// As somebody else, nobody's session is resumed.
		choose(t, client, s, user(users))
		if got, _ := resumed(t, client, s, s.request()); got {
			t.Error("another user went on with the session")
		}
		client.ClearClientCertificates()
		if err := s.refused(t, client, s.request()); !errors.Is(err, neterr.SSLClientAuthCertNeeded) {
			t.Errorf("cleared: got %v, want %v", err, neterr.SSLClientAuthCertNeeded)
		}
	})
}

func TestWithoutClientCertificate(t *testing.T) {
	ca, users := nettest.NewCA(), nettest.NewCA()
	bothVersions(t, func(t *testing.T, version uint16) {
		cfg := asking(ca, users, version)
		cfg.ClientAuth = stdtls.VerifyClientCertIfGiven
		s := serveTLS(t, cfg)
		client := newClient(t, tls.Config{Verifier: verifier(ca)})
		private := s.request()
		private.Private = true
		echo(t, s.connect(t, client, private))

		choose(t, client, s, nil)
		echo(t, s.connect(t, client, s.request()))

		strict := serveTLS(t, asking(ca, users, version))
		choose(t, client, strict, nil)
		if err := strict.refusedAnyhow(t, client, strict.request()); !errors.Is(err, neterr.BadSSLClientAuthCert) {
			t.Errorf("none, and one is needed: got %v, want %v", err, neterr.BadSSLClientAuthCert)
		}
		if client.HasClientCertificate(host, strict.addr.Port()) {
			t.Error("a choice that failed is remembered")
		}
	})
}

// brokenKey is a key of a card that was pulled out.
type brokenKey struct{ crypto.Signer }

var errCard = errors.New("no card")

func (brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errCard }

// smallRSA is a certificate whose key is too short for RSA-PSS with SHA-256, which is
// the least that TLS 1.3 has.
func smallRSA(t testing.TB) *tls.ClientCertificate {
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 512)
	if err != nil {
		t.Fatal(err)
	}
	issuer := user(nettest.NewCA())
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, issuer.Chain[0], &key.PublicKey, issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.ClientCertificate{Chain: []*x509.Certificate{cert}, Key: key}
}

func TestClientCertificateFailures(t *testing.T) {
	ca, users := nettest.NewCA(), nettest.NewCA()
	broken := user(users)
	broken.Key = brokenKey{broken.Key}
	bothVersions(t, func(t *testing.T, version uint16) {
		for _, c := range []struct {
			name string
			cert *tls.ClientCertificate
			want neterr.Code
		}{
			{"of a stranger", user(nettest.NewCA()), neterr.BadSSLClientAuthCert},
			{"key that cannot sign", broken, neterr.SSLClientAuthSignatureFailed},
			{"key that knows no common algorithm", smallRSA(t), neterr.SSLClientAuthNoCommonAlgorithms},
		} {
			if c.want == neterr.SSLClientAuthNoCommonAlgorithms && version < stdtls.VersionTLS13 {
				continue // TLS 1.2 has SHA-1
			}
			t.Run(c.name, func(t *testing.T) {
				s := serveTLS(t, asking(ca, users, version))
				client := newClient(t, tls.Config{Verifier: verifier(ca)})
				choose(t, client, s, c.cert)
				err := s.refusedAnyhow(t, client, s.request())
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if c.cert == broken && !errors.Is(err, errCard) {
					t.Errorf("got %v, want the key's own error in it", err)
				}
				if client.HasClientCertificate(host, s.addr.Port()) {
					t.Error("the choice is still remembered")
				}
			})
		}
	})
}

func TestSetClientCertificateRefuses(t *testing.T) {
	ca := nettest.NewCA()
	good := user(ca)
	client := newClient(t, tls.Config{})
	for _, c := range []struct {
		name string
		cert tls.ClientCertificate
		want neterr.Code
	}{
		{"no certificate", tls.ClientCertificate{Key: good.Key}, neterr.SSLClientAuthCertBadFormat},
		{"no key", tls.ClientCertificate{Chain: good.Chain}, neterr.SSLClientAuthCertNoPrivateKey},
		{"another key", tls.ClientCertificate{Chain: good.Chain, Key: user(ca).Key}, neterr.SSLClientAuthCertNoPrivateKey},
	} {
		if err := client.SetClientCertificate(host, 443, &c.cert); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if client.HasClientCertificate(host, 443) {
		t.Error("something is remembered")
	}
}

func TestClientAuthErrorAccepts(t *testing.T) {
	ca, now := nettest.NewCA(), time.Now()
	ours := [][]byte{ca.Certificate().RawSubject}
	for _, c := range []struct {
		name        string
		authorities [][]byte
		cert        *tls.ClientCertificate
		now         time.Time
		want        bool
	}{
		{"any issuer", nil, user(ca), now, true},
		{"the issuer", ours, user(ca), now, true},
		{"another issuer", [][]byte{[]byte("other")}, user(ca), now, false},
		{"expired", ours, user(ca), now.AddDate(1, 0, 0), false},
		{"not yet valid", ours, user(ca), now.AddDate(-1, 0, 0), false},
		{"nothing", nil, &tls.ClientCertificate{}, now, false},
	} {
		e := tls.ClientAuthError{Authorities: c.authorities}
		if got := e.Accepts(c.cert, c.now); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
}

// Servers say access_denied to those whom they do not let in. Without a certificate in
// play it tells nothing.
func TestAccessDenied(t *testing.T) {
	s := serve(t, alerting(49))
	if err := s.refused(t, newClient(t, tls.Config{}), s.request()); !errors.Is(err, neterr.SSLProtocolError) {
		t.Errorf("got %v, want %v", err, neterr.SSLProtocolError)
	}
}
