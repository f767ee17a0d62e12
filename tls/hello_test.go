package tls_test

import (
	stdtls "crypto/tls"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
)

// helloOf makes a connection and returns the hellos that the server read.
func helloOf(t testing.TB, c *tls.Client, s *server, r *tls.Request) []*nettest.ClientHello {
	t.Helper()
	conn, err := c.Handshake(t.Context(), s.dial(t), r)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn)
	conn.Close()
	return nettest.ClientHellos(t, (<-s.done).wire.Bytes())
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func setOf(list []uint16) []uint16 {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}

func TestHelloMatchesProfile(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca), NextProtos: []string{"h2"}})
	p := profile.Chromium156().TLS
	anchors, _ := hex.DecodeString(p.TrustAnchors)
	orders, ciphers, algorithms, payloads := map[string]bool{}, map[uint16]bool{}, map[uint16]bool{}, map[int]bool{}
	const hellos = 24
	for range hellos {
		client := newClient(t, tls.Config{Verifier: verifier(ca)}) // without a session
		h := helloOf(t, client, s, s.request())[0]

		same(t, "version", h.Version, stdtls.VersionTLS12)
		same(t, "session id length", len(h.SessionID), 32)
		same(t, "cipher suites", h.Ciphers, p.CipherSuites)
		same(t, "extensions", h.Set(), setOf(p.Extensions))
		same(t, "groups", h.List(t, profile.ExtSupportedGroups, 2), p.Groups)
		same(t, "signature algorithms", h.List(t, profile.ExtSignatureAlgorithms, 2), p.SignatureAlgorithms)
		same(t, "versions", h.List(t, profile.ExtSupportedVersions, 1), p.Versions)
		same(t, "certificate compression", h.List(t, profile.ExtCompressCertificate, 1), p.CertificateCompression)
		same(t, "ALPN", h.Protocols(t, profile.ExtALPN), p.ALPN)
		same(t, "ALPS", h.Protocols(t, profile.ExtALPS), p.ALPS)

		first, last := h.Extensions[0], h.Extensions[len(h.Extensions)-1]
		if !first.GREASE || first.Body != "" || !last.GREASE || last.Body != "\x00" || first.ID == last.ID {
			t.Errorf("first and last extension: got %x %x, %x %x; want two GREASE ones, empty and a zero byte",
				first.ID, first.Body, last.ID, last.Body)
		}
		for id, want := range map[uint16]string{
			profile.ExtServerName:             "\x00\x0f\x00\x00\x0c" + host,
			profile.ExtStatusRequest:          "\x01\x00\x00\x00\x00",
			profile.ExtPointFormats:           "\x01\x00",
			profile.ExtSignedCertTimestamps:   "",
			profile.ExtExtendedMasterSecret:   "",
			profile.ExtSessionTicket:          "",
			profile.ExtPSKModes:               "\x01\x01",
			profile.ExtTrustAnchors:           string(anchors),
			profile.ExtRenegotiationIndicator: "\x00",
		} {
			if got, ok := h.Body(id); !ok || string(got) != want {
				t.Errorf("extension %04x: got %x, %t; want %x", id, got, ok, want)
			}
		}

		shares := h.KeyShares(t)
		groups, _ := h.Body(profile.ExtSupportedGroups)
		if len(shares) != 3 || shares[0].Key != "\x00" || len(shares[1].Key) != 1216 || len(shares[2].Key) != 32 {
			t.Fatalf("key shares: got %x, want GREASE:1, X25519MLKEM768:1216, X25519:32", shares)
		}
		if want := uint16(groups[2])<<8 | uint16(groups[3]); shares[0].Group != want {
			t.Errorf("GREASE key share: got group %04x, want %04x as in groups", shares[0].Group, want)
		}
		same(t, "key shares", []uint16{profile.GREASE, shares[1].Group, shares[2].Group}, p.KeyShares)
		if strings.HasSuffix(shares[1].Key, shares[2].Key) {
			t.Error("both key shares have the same X25519 key")
		}

		ech, _ := h.Body(profile.ExtEncryptedClientHello)
		if len(ech) < 42 || string(ech[:5]) != "\x00\x00\x01\x00\x01" || string(ech[6:8]) != "\x00\x20" {
			t.Fatalf("ECH: got %x, want an outer one with KDF 1, AEAD 1 and a key of 32 bytes", ech)
		}
		payload := int(ech[40])<<8 | int(ech[41])
		if len(ech) != 42+payload || !slices.Contains(p.ECHPayloads, payload) {
			t.Errorf("ECH payload: got %d bytes of %d, want one of %d", payload, len(ech)-42, p.ECHPayloads)
		}

		sig, _ := h.Body(profile.ExtSignatureAlgorithms)
		orders[fmt.Sprint(h.Order())] = true
		ciphers[h.GREASECipher] = true
		algorithms[uint16(sig[2])<<8|uint16(sig[3])] = true
		payloads[payload] = true
	}
	if len(orders) != hellos {
		t.Errorf("orders of extensions: got %d in %d hellos, want all different", len(orders), hellos)
	}
	if len(ciphers) < 2 || len(algorithms) < 2 || len(payloads) < 2 {
		t.Errorf("got GREASE ciphers %v, GREASE algorithms %v, ECH payloads %v; want several of each", ciphers, algorithms, payloads)
	}
}

func TestHelloVariants(t *testing.T) {
	ca := nettest.NewCA()
	p := profile.Chromium156().TLS
	without := func(ids ...uint16) []uint16 {
		return slices.DeleteFunc(setOf(p.Extensions), func(id uint16) bool { return slices.Contains(ids, id) })
	}
	for _, c := range []struct {
		name   string
		client tls.Config
		host   string
		alpn   []string
		want   []uint16
		alpns  []string
	}{
		{name: "HTTP/1.1 alone", host: host, alpn: []string{"http/1.1"}, want: without(profile.ExtALPS), alpns: []string{"http/1.1"}},
		{name: "no ALPN", host: host, alpn: []string{}, want: without(profile.ExtALPN, profile.ExtALPS)},
		{name: "IP address", host: "127.0.0.1", want: without(profile.ExtServerName), alpns: p.ALPN},
		{
			name: "TLS 1.3 alone", client: tls.Config{SSL: tls.SSLConfig{MinVersion: "tls1.3"}}, host: host, alpns: p.ALPN,
			want: without(profile.ExtExtendedMasterSecret, profile.ExtRenegotiationIndicator, profile.ExtPointFormats, profile.ExtSessionTicket),
		},
		{
			name: "TLS 1.2 alone", client: tls.Config{SSL: tls.SSLConfig{MaxVersion: "tls1.2"}}, host: host, alpns: p.ALPN,
			want: without(profile.ExtSupportedVersions, profile.ExtKeyShare, profile.ExtPSKModes, profile.ExtCompressCertificate,
				profile.ExtALPS, profile.ExtEncryptedClientHello, profile.ExtTrustAnchors),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca), NextProtos: []string{"http/1.1"}})
			c.client.Verifier = verifier(ca)
			r := s.request()
			r.Host, r.ALPN = c.host, c.alpn
			h := helloOf(t, newClient(t, c.client), s, r)[0]
			same(t, "extensions", h.Set(), c.want)
			same(t, "ALPN", h.Protocols(t, profile.ExtALPN), c.alpns)
			for _, suite := range h.Ciphers {
				tls13 := suite>>8 == 0x13
				if suite != profile.GREASE && (tls13 && c.client.SSL.MaxVersion == "tls1.2" || !tls13 && c.client.SSL.MinVersion == "tls1.3") {
					t.Errorf("suite %04x is offered", suite)
				}
			}
		})
	}
}

// After a HelloRetryRequest all but the key share stays.
func TestSecondHello(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca), CurvePreferences: []stdtls.CurveID{stdtls.CurveP256}})
	hellos := helloOf(t, newClient(t, tls.Config{Verifier: verifier(ca)}), s, s.request())
	if len(hellos) != 2 {
		t.Fatalf("got %d hellos, want 2", len(hellos))
	}
	first, second := hellos[0], hellos[1]
	shares := second.KeyShares(t)
	if len(shares) != 1 || shares[0].Group != uint16(stdtls.CurveP256) {
		t.Errorf("key shares: got %x, want one for P-256", shares)
	}
	for _, h := range hellos {
		for i := range h.Extensions {
			if h.Extensions[i].ID == profile.ExtKeyShare {
				h.Extensions[i].Body = ""
			}
		}
	}
	if !reflect.DeepEqual(second, first) {
		t.Errorf("second hello: got %+v, want %+v", second, first)
	}
}

func TestNewClientRefuses(t *testing.T) {
	edit := func(f func(*profile.Profile)) *profile.Profile {
		p := *profile.Chromium156()
		f(&p)
		return &p
	}
	for _, c := range []struct {
		name string
		cfg  tls.Config
	}{
		{"unknown extension", tls.Config{Profile: edit(func(p *profile.Profile) { p.TLS.Extensions = []uint16{0x1234} })}},
		{"bad trust anchors", tls.Config{Profile: edit(func(p *profile.Profile) { p.TLS.TrustAnchors = "0" })}},
		{"no version", tls.Config{Profile: edit(func(p *profile.Profile) { p.TLS.Versions = nil })}},
		{"two curves", tls.Config{Profile: edit(func(p *profile.Profile) { p.TLS.KeyShares = []uint16{0x1d, 0x17} })}},
		{"unknown group", tls.Config{Profile: edit(func(p *profile.Profile) { p.TLS.KeyShares = []uint16{0x1234} })}},
		{"versions that do not meet", tls.Config{SSL: tls.SSLConfig{MinVersion: "tls1.3", MaxVersion: "tls1.2"}}},
	} {
		if got, err := tls.NewClient(c.cfg); got != nil || err == nil {
			t.Errorf("%s: got %v, %v; want an error", c.name, got, err)
		}
	}
}
