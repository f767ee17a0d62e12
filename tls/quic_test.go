package tls_test

import (
	"context"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// quicShake carries the messages of a handshake between client and server until neither
// has any, without QUIC. It returns how the client sees it.
func quicShake(t *testing.T, client, server *stdtls.Config) (state stdtls.ConnectionState, err error) {
	t.Helper()
	ends := [2]*stdtls.QUICConn{
		stdtls.QUICClient(&stdtls.QUICConfig{TLSConfig: client}),
		stdtls.QUICServer(&stdtls.QUICConfig{TLSConfig: server}),
	}
	for _, c := range ends {
		defer c.Close()
		c.SetTransportParameters([]byte{})
		if err := c.Start(t.Context()); err != nil {
			return state, err
		}
	}
	for quiet := 0; quiet < 2; {
		quiet = 0
		for i, c := range ends {
			e := c.NextEvent()
			switch e.Kind {
			case stdtls.QUICNoEvent:
				quiet++
			case stdtls.QUICWriteData:
				if err := ends[1-i].HandleData(e.Level, e.Data); err != nil {
					if i == 1 {
						return state, err // the client's
					}
					return state, errServer
				}
			case stdtls.QUICHandshakeDone:
				if i == 1 {
					if err := c.SendSessionTicket(stdtls.QUICSessionTicketOptions{}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	return ends[0].ConnectionState(), nil
}

var errServer = errors.New("the server gave up")

// quicServer is a server's configuration for HTTP/3.
func quicServer(cfg *stdtls.Config) *stdtls.Config {
	cfg.NextProtos, cfg.MinVersion = []string{"h3"}, stdtls.VersionTLS13
	return cfg
}

// TestQUIC: who the server is, is judged as over TCP, and more strictly.
func TestQUIC(t *testing.T) {
	ca, stranger := nettest.NewCA(), nettest.NewCA()
	accept := func(context.Context, *certverify.Request) error { return nil }
	refuse := func(context.Context, *certverify.Request) error { return neterr.CertRevoked }
	for _, tt := range []struct {
		name  string
		ca    *nettest.CA
		names []string
		proc  certverify.Proc
		want  neterr.Code
	}{
		{name: "trusted", ca: ca, names: []string{"a.test", "b.test"}},
		{name: "another name", ca: ca, names: []string{"b.test"}, want: neterr.CertCommonNameInvalid},
		{name: "unknown authority", ca: stranger, names: []string{"a.test"}, want: neterr.CertAuthorityInvalid},
		{name: "unknown authority, accepted", ca: stranger, names: []string{"a.test"}, proc: accept, want: neterr.CertAuthorityInvalid},
		{name: "trusted, refused", ca: ca, names: []string{"a.test"}, proc: refuse, want: neterr.CertRevoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := certverify.New(certverify.Config{Roots: ca.Pool(), Proc: tt.proc})
			c := newClient(t, tls.Config{Verifier: v})
			h, err := c.QUIC(t.Context(), &tls.Request{Host: "a.test", Port: 443})
			if err != nil {
				t.Fatal(err)
			}
			state, err := quicShake(t, h.Config(), quicServer(tt.ca.Config(tt.names...)))
			if neterr.CodeOf(err) != tt.want {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if ok := tt.want == neterr.OK; h.Covers("b.test") != ok || ok && (state.NegotiatedProtocol != "h3" || state.ServerName != "a.test") {
				t.Errorf("covers b.test: %t; %+v", h.Covers("b.test"), state)
			}
			if chains := h.VerifiedChains(); len(chains) != 0 != (tt.want == neterr.OK) || chains != nil && (len(chains[0]) < 2 || !chains[0][0].Equal(state.PeerCertificates[0])) {
				t.Errorf("got the chains %v, and the error %v", chains, err)
			}
		})
	}
}

// TestSpeaksQUIC: not without TLS 1.3, and not as a program that knows no HTTP/3.
func TestSpeaksQUIC(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  tls.Config
		want bool
	}{
		{"by default", tls.Config{}, true},
		{"TLS 1.3 at least", tls.Config{SSL: tls.SSLConfig{MinVersion: "tls1.3"}}, true},
		{"TLS 1.2 at most", tls.Config{SSL: tls.SSLConfig{MaxVersion: "tls1.2"}}, false},
		{"a plain Go program", tls.Config{Profile: profile.Go()}, false},
	} {
		c := newClient(t, tt.cfg)
		_, err := c.QUIC(t.Context(), &tls.Request{Host: "a.test", Port: 443})
		if c.SpeaksQUIC() != tt.want || (err == nil) != tt.want {
			t.Errorf("%s: speaks %t, %v; want %t", tt.name, c.SpeaksQUIC(), err, tt.want)
		}
	}
}

// TestQUICClientCertificate: it is shown as over TCP, where one was chosen.
func TestQUICClientCertificate(t *testing.T) {
	ca := nettest.NewCA()
	mine := ca.Issue("me.test")
	server := func() *stdtls.Config {
		cfg := quicServer(ca.Config("a.test"))
		cfg.ClientAuth, cfg.ClientCAs = stdtls.RequireAndVerifyClientCert, ca.Pool()
		return cfg
	}
	c := newClient(t, tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})})
	shake := func(private bool) error {
		h, err := c.QUIC(t.Context(), &tls.Request{Host: "a.test", Port: 443, Private: private})
		if err != nil {
			t.Fatal(err)
		}
		_, err = quicShake(t, h.Config(), server())
		return err
	}
	var want *tls.ClientAuthError
	if err := shake(false); neterr.CodeOf(err) != neterr.SSLClientAuthCertNeeded || !errors.As(err, &want) || want.Host != "a.test" {
		t.Errorf("none chosen: %v", err)
	}
	if err := c.SetClientCertificate("a.test", 443, &tls.ClientCertificate{
		Chain: []*x509.Certificate{mine.Leaf}, Key: mine.PrivateKey.(crypto.Signer),
	}); err != nil {
		t.Fatal(err)
	}
	if err := shake(false); err != nil {
		t.Errorf("chosen: %v", err)
	}
	if err := shake(true); !errors.Is(err, errServer) {
		t.Errorf("without credentials: %v, want that the server gives up", err)
	}
}

// TestQUICResume: sessions are resumed by the same rules as over TCP, and only while the
// Verifier's judgement stands.
func TestQUICResume(t *testing.T) {
	ca := nettest.NewCA()
	v := certverify.New(certverify.Config{Roots: ca.Pool()})
	c := newClient(t, tls.Config{Verifier: v})
	cfg := quicServer(ca.Config("a.test"))
	var server [32]byte
	shake := func(r *tls.Request) bool {
		t.Helper()
		r.Host, r.Port = "a.test", 443
		h, err := c.QUIC(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		again := cfg.Clone()
		again.SetSessionTicketKeys([][32]byte{server})
		state, err := quicShake(t, h.Config(), again)
		if err != nil {
			t.Fatal(err)
		}
		return state.DidResume
	}
	for _, tt := range []struct {
		name string
		do   func()
		req  tls.Request
		want bool
	}{
		{name: "first"},
		{name: "again", want: true},
		{name: "without credentials", req: tls.Request{Private: true}},
		{name: "again as before", want: true},
		{name: "to be judged anew", do: v.Forget},
		{name: "judged", want: true},
		{name: "new settings", do: func() { _ = c.SetSSLConfig(tls.SSLConfig{}) }},
	} {
		if tt.do != nil {
			tt.do()
		}
		if got := shake(&tt.req); got != tt.want {
			t.Errorf("%s: resumed %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestQUICECH: a server that does not know the configuration is left alone.
func TestQUICECH(t *testing.T) {
	ca := nettest.NewCA()
	key, list := nettest.ECHKey(1, 0x0020, "public.test")
	c := newClient(t, tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})})
	for _, known := range []bool{true, false} {
		h, err := c.QUIC(t.Context(), &tls.Request{Host: "a.test", Port: 443, ECHConfigList: list})
		if err != nil {
			t.Fatal(err)
		}
		cfg := quicServer(ca.Config("a.test", "public.test"))
		if known {
			cfg.EncryptedClientHelloKeys = []stdtls.EncryptedClientHelloKey{key}
		}
		state, err := quicShake(t, h.Config(), cfg)
		if known && (err != nil || !state.ECHAccepted) || !known && neterr.CodeOf(err) != neterr.ECHNotNegotiated {
			t.Errorf("known %t: accepted %t, %v", known, state.ECHAccepted, err)
		}
	}
}

// TestQUICCancelled: the judgement of a certificate ends with the context.
func TestQUICCancelled(t *testing.T) {
	ca := nettest.NewCA()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	proc := func(ctx context.Context, _ *certverify.Request) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	c := newClient(t, tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool(), Proc: proc})})
	h, err := c.QUIC(ctx, &tls.Request{Host: "a.test", Port: 443})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quicShake(t, h.Config(), quicServer(ca.Config("a.test"))); neterr.CodeOf(err) != neterr.Aborted {
		t.Errorf("got %v, want %v", err, neterr.Aborted)
	}
}
