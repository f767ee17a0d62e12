package tls_test

import (
	stdtls "crypto/tls"
	"errors"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
)

const publicName = "public.test"

func TestECH(t *testing.T) {
	ca := nettest.NewCA()
	key, list := nettest.ECHKey(1, 0x0020, publicName)
	for _, curve := range []stdtls.CurveID{stdtls.X25519MLKEM768, stdtls.X25519} {
		t.Run(curve.String(), func(t *testing.T) {
			s := serveTLS(t, &stdtls.Config{
				Certificates: []stdtls.Certificate{ca.Issue(host)}, CurvePreferences: []stdtls.CurveID{curve},
				EncryptedClientHelloKeys: []stdtls.EncryptedClientHelloKey{key}, NextProtos: []string{"h2"},
			})
			client := newClient(t, tls.Config{Verifier: verifier(ca)})
			r := s.request()
			r.ECHConfigList = list
			for range 2 { // and no session is resumed
				conn, err := client.Handshake(t.Context(), s.dial(t), r)
				if err != nil {
					t.Fatal(err)
				}
				echo(t, conn)
				if st := conn.State(); !st.ECHAccepted || st.DidResume || st.NegotiatedProtocol != "h2" || st.ServerName != host {
					t.Errorf("got accepted %t, resumed %t, protocol %q, name %q", st.ECHAccepted, st.DidResume, st.NegotiatedProtocol, st.ServerName)
				}
				conn.Close()
				h := nettest.ClientHellos(t, (<-s.done).wire.Bytes())[0]
				if name, _ := h.Body(profile.ExtServerName); string(name[5:]) != publicName {
					t.Errorf("name in the clear: got %q, want %q", name[5:], publicName)
				}
				same(t, "extensions", h.Set(), setOf(profile.Chromium156().TLS.Extensions))
				same(t, "JA4", h.JA4(t), capturedHellos(t)["tcp"].JA4)
			}
		})
	}
}

func TestECHRejected(t *testing.T) {
	ca := nettest.NewCA()
	_, stale := nettest.ECHKey(1, 0x0020, publicName)
	key, fresh := nettest.ECHKey(2, 0x0020, publicName)
	for _, c := range []struct {
		name   string
		shows  string
		keys   []stdtls.EncryptedClientHelloKey
		want   neterr.Code
		second []byte // what to try then
	}{
		{"another key", publicName, []stdtls.EncryptedClientHelloKey{key}, neterr.ECHNotNegotiated, fresh},
		{"no ECH any more", publicName, nil, neterr.ECHNotNegotiated, nil},
		{"not the public name", "other.test", []stdtls.EncryptedClientHelloKey{key}, neterr.ECHFallbackCertificateInvalid, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveTLS(t, &stdtls.Config{
				GetCertificate: func(h *stdtls.ClientHelloInfo) (*stdtls.Certificate, error) {
					cert := ca.Issue(c.shows)
					if h.ServerName == host {
						cert = ca.Issue(host)
					}
					return &cert, nil
				},
				EncryptedClientHelloKeys: c.keys,
			})
			client := newClient(t, tls.Config{Verifier: verifier(ca)})
			r := s.request()
			r.ECHConfigList = stale
			err := s.refused(t, client, r)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			var rejected *tls.ECHRejectedError
			if got := errors.As(err, &rejected); got != (c.want == neterr.ECHNotNegotiated) {
				t.Fatalf("got %#v of an ECHRejectedError, want one with %v alone", rejected, neterr.ECHNotNegotiated)
			}
			if rejected == nil {
				return
			}
			same(t, "configurations to retry with", rejected.RetryConfigList, c.second)
			r.ECHConfigList = rejected.RetryConfigList
			echo(t, s.connect(t, client, r))
		})
	}
}

func TestECHConfigLists(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	_, strange := nettest.ECHKey(1, 0xffff, publicName)
	_, good := nettest.ECHKey(1, 0x0020, publicName)
	for _, c := range []struct {
		name string
		cfg  tls.Config
		list []byte
		want neterr.Code
	}{
		{"no list", tls.Config{}, []byte("nonsense"), neterr.InvalidECHConfigList},
		{"cut short", tls.Config{}, good[:len(good)-1], neterr.InvalidECHConfigList},
		{"a list of one byte", tls.Config{}, good[:1], neterr.InvalidECHConfigList},
		{"nothing that is known", tls.Config{}, strange, neterr.OK},
		{"a profile without a slot", tls.Config{Profile: profile.Go()}, good, neterr.InvalidArgument},
		{"TLS 1.2 at most", tls.Config{SSL: tls.SSLConfig{MaxVersion: "tls1.2"}}, good, neterr.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Verifier = verifier(ca)
			r := s.request()
			r.ECHConfigList = c.list
			conn, err := newClient(t, c.cfg).Handshake(t.Context(), s.dial(t), r)
			if got := neterr.CodeOf(err); got != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil {
				echo(t, conn)
				conn.Close()
			}
			if se := <-s.done; err != nil && se.wire.Len() != 0 {
				t.Errorf("%d bytes were sent", se.wire.Len())
			}
		})
	}
}
