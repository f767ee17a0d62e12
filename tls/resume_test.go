package tls_test

import (
	stdtls "crypto/tls"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// resumed makes a connection, uses it, and reports whether it went on with an earlier
// session, and its first hello.
func resumed(t testing.TB, c *tls.Client, s *server, r *tls.Request) (bool, *nettest.ClientHello) {
	t.Helper()
	conn, err := c.Handshake(t.Context(), s.dial(t), r)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn) // reads the tickets, too
	conn.Close()
	if n := len(conn.State().VerifiedChains); n != 1 {
		t.Errorf("got %d verified chains, want 1", n)
	}
	return conn.State().DidResume, nettest.ClientHellos(t, (<-s.done).wire.Bytes())[0]
}

func TestResumption(t *testing.T) {
	ca := nettest.NewCA()
	for _, c := range []struct {
		name   string
		server *stdtls.Config
		want   []bool
	}{
		{"TLS 1.3", &stdtls.Config{}, []bool{false, true, true}},
		{"TLS 1.2", &stdtls.Config{MaxVersion: stdtls.VersionTLS12}, []bool{false, true, true}},
		// uTLS cannot resume where the server wants another key share, so do not try.
		{"TLS 1.3 with a retry", &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.CurveP256}}, []bool{false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Certificates = certificate(ca)
			s := serveTLS(t, c.server)
			client := newClient(t, tls.Config{Verifier: verifier(ca)})
			for i, want := range c.want {
				got, h := resumed(t, client, s, s.request())
				if got != want {
					t.Errorf("connection %d: resumed %t, want %t", i+1, got, want)
				}
				last := h.Extensions[len(h.Extensions)-1]
				ticket, _ := h.Body(profile.ExtSessionTicket)
				tls13 := c.server.MaxVersion == 0
				if psk := last.ID == profile.ExtPreSharedKey; psk != (want && tls13) {
					t.Errorf("connection %d: pre_shared_key in the hello %t, want %t", i+1, psk, want && tls13)
				}
				if has := len(ticket) > 0; has != (want && !tls13) {
					t.Errorf("connection %d: ticket in the hello %t, want %t", i+1, has, want && !tls13)
				}
				set := h.Set()
				if want && tls13 {
					set = slices.DeleteFunc(set, func(id uint16) bool { return id == profile.ExtPreSharedKey })
				}
				same(t, "other extensions", set, setOf(profile.Chromium156().TLS.Extensions))
			}
		})
	}
}

// A server that begins to want another key share costs one connection.
func TestUnusableSession(t *testing.T) {
	ca := nettest.NewCA()
	cfg := &stdtls.Config{Certificates: certificate(ca)}
	picky := cfg.Clone()
	picky.CurvePreferences = []stdtls.CurveID{stdtls.CurveP256}
	var changed atomic.Bool
	cfg.GetConfigForClient = func(*stdtls.ClientHelloInfo) (*stdtls.Config, error) {
		if changed.Load() {
			return picky, nil
		}
		return nil, nil
	}
	s := serveTLS(t, cfg)
	client := newClient(t, tls.Config{Verifier: verifier(ca)})
	resumed(t, client, s, s.request())
	changed.Store(true)
	err := s.refused(t, client, s.request())
	if !errors.Is(err, tls.ErrSessionUnusable) || !errors.Is(err, neterr.SSLProtocolError) {
		t.Errorf("got %v, want %v", err, tls.ErrSessionUnusable)
	}
	<-s.done
	if got, _ := resumed(t, client, s, s.request()); got {
		t.Error("the next connection resumed a session")
	}
}

func TestSessionsAreNotShared(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: []stdtls.Certificate{ca.Issue(host, "www."+host)}})
	client := newClient(t, tls.Config{Verifier: verifier(ca)})
	site := origin.Site{}
	first := s.request()
	if got, _ := resumed(t, client, s, first); got {
		t.Fatal("the first connection resumed a session")
	}
	for name, r := range map[string]*tls.Request{
		"other isolation key": {Host: host, Port: first.Port, Isolation: origin.NewNonceKey(site, site, "n")},
		"privacy mode":        {Host: host, Port: first.Port, Private: true},
		"other host":          {Host: "www." + host, Port: first.Port},
		"other port":          {Host: host, Port: first.Port + 1},
	} {
		if got, h := resumed(t, client, s, r); got || h.Extensions[len(h.Extensions)-1].ID == profile.ExtPreSharedKey {
			t.Errorf("%s: the session was offered", name)
		}
	}
	if got, _ := resumed(t, client, s, first); !got {
		t.Error("the same request: the session was not resumed")
	}
	off := newClient(t, tls.Config{Verifier: verifier(ca), SessionCacheSize: -1})
	for range 2 {
		if got, _ := resumed(t, off, s, first); got {
			t.Error("a session was resumed without a cache")
		}
	}
}

// What was trusted once is verified again when its session is resumed.
func TestResumedSessionIsVerified(t *testing.T) {
	ca := nettest.NewCA()
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca), MaxVersion: version})
		now := time.Now()
		client := newClient(t, tls.Config{
			Verifier: certverify.New(certverify.Config{Roots: ca.Pool(), Now: func() time.Time { return now }}),
		})
		resumed(t, client, s, s.request())
		now = now.AddDate(1, 0, 0)
		if err := s.refused(t, client, s.request()); !errors.Is(err, neterr.CertDateInvalid) {
			t.Errorf("%s: got %v, want %v", stdtls.VersionName(version), err, neterr.CertDateInvalid)
		}
	}
}
