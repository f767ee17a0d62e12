package tls_test

import (
	"cmp"
	stdtls "crypto/tls"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
)

func capturedHellos(t testing.TB) map[string]nettest.HelloClass {
	t.Helper()
	return nettest.ReadHelloClasses(t, "testdata/chromium-156-tls.json")
}

// Every class of hello, made by Kaon and taken from the wire, is compared with the
// browser's field by field.
func TestHelloMatchesChromium(t *testing.T) {
	ca := nettest.NewCA()
	classes := capturedHellos(t)
	for _, c := range []struct {
		class  string
		server *stdtls.Config
		host   string
		alpn   []string
		nth    int // connection, from 1
		second bool
	}{
		{class: "tcp", nth: 1},
		{class: "tcp+psk", nth: 2},
		{class: "tcp+http1_only", alpn: []string{"http/1.1"}, nth: 1},
		{class: "tcp+http1_only+psk", alpn: []string{"http/1.1"}, nth: 2},
		{class: "tcp+no_sni", host: "127.0.0.1", nth: 1},
		{class: "tcp+tls12_ticket", server: &stdtls.Config{MaxVersion: stdtls.VersionTLS12}, nth: 2},
		{class: "tcp+after_hrr", server: &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.CurveP384}}, nth: 1, second: true},
	} {
		t.Run(c.class, func(t *testing.T) {
			want, ok := classes[c.class]
			if !ok {
				t.Fatal("not in the capture")
			}
			if c.server == nil {
				c.server = new(stdtls.Config)
			}
			c.server.Certificates, c.server.NextProtos = certificate(ca), []string{"http/1.1"}
			s := serveTLS(t, c.server)
			r := s.request()
			r.Host, r.ALPN = cmp.Or(c.host, r.Host), c.alpn
			for range 8 { // what varies varies
				client := newClient(t, tls.Config{Verifier: verifier(ca)})
				var hellos []*nettest.ClientHello
				for range c.nth {
					hellos = helloOf(t, client, s, r)
				}
				h := hellos[0]
				if c.second {
					h = hellos[1]
				}
				want.Compare(t, h, r.Host)
			}
		})
	}
}

func TestJA4OfCapture(t *testing.T) {
	for name, c := range capturedHellos(t) {
		raw, err := hex.DecodeString(c.Sample)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, nettest.ParseClientHello(t, raw).JA4(t), c.JA4)
	}
}

// The Go profile's hello is that of crypto/tls, but for the groups that uTLS lacks.
func TestHelloMatchesGo(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	got := helloOf(t, newClient(t, tls.Config{Verifier: verifier(ca), Profile: profile.Go()}), s, s.request())[0]
	own, err := stdtls.Dial("tcp", s.addr.String(), &stdtls.Config{
		ServerName: host, RootCAs: ca.Pool(), NextProtos: []string{"h2", "http/1.1"},
		ClientSessionCache: stdtls.NewLRUClientSessionCache(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	own.Close()
	want := nettest.ClientHellos(t, (<-s.done).wire.Bytes())[0]

	same(t, "ciphers", nettest.HexNumbers(got.Ciphers), nettest.HexNumbers(want.Ciphers))
	same(t, "extensions", nettest.HexNumbers(got.Order()), nettest.HexNumbers(want.Order()))
	for _, e := range want.Extensions {
		switch e.ID {
		case profile.ExtSupportedGroups:
			groups := slices.DeleteFunc(want.List(t, e.ID, 2), func(g uint16) bool { return g == 0x11eb || g == 0x11ed })
			same(t, "groups", nettest.HexNumbers(got.List(t, e.ID, 2)), nettest.HexNumbers(groups))
		case profile.ExtKeyShare:
			for i, share := range want.KeyShares(t) {
				if g := got.KeyShares(t)[i]; g.Group != share.Group || len(g.Key) != len(share.Key) {
					t.Errorf("key share %d: got group %04x with %d bytes, want %04x with %d", i, g.Group, len(g.Key), share.Group, len(share.Key))
				}
			}
		default:
			body, _ := got.Body(e.ID)
			same(t, fmt.Sprintf("extension %04x", e.ID), fmt.Sprintf("%x", body), fmt.Sprintf("%x", e.Body))
		}
	}
}
