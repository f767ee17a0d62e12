package tls_test

import (
	"cmp"
	"crypto/sha256"
	stdtls "crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls"
)

// A class is one kind of hello in testdata/chromium-156-tls.json.
type class struct {
	Version      string `json:"legacy_version"`
	SessionIDLen int    `json:"session_id_len"`
	Ciphers      []string
	Extensions   []string          `json:"extensions_sorted"`
	First        string            `json:"first_extension"`
	Last         string            `json:"last_extension"`
	Groups       []string          // number and name
	KeyShares    []string          `json:"key_shares"` // name and length
	Schemes      []string          `json:"signature_algorithms"`
	Versions     []string          `json:"supported_versions"`
	Fixed        map[string]string `json:"extensions_with_fixed_content"`
	Lengths      map[string][]int  `json:"extensions_with_varying_content_lens"`
	BinderLens   []int             `json:"psk_binder_lens"`
	JA4          string
	Sample       string
}

func capturedHellos(t testing.TB) map[string]class {
	t.Helper()
	b, err := os.ReadFile("testdata/chromium-156-tls.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ TLS map[string]class }
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	// Of some classes few hellos were seen, whose draws are not all that there are.
	for _, c := range all.TLS {
		for _, list := range []string{"000a supported_groups", "000d signature_algorithms", "002b supported_versions"} {
			if body, ok := c.Fixed[list]; ok {
				delete(c.Fixed, list) // is compared without GREASE
				c.Lengths[list] = []int{len(body) / 2}
			}
		}
		const ech = "fe0d encrypted_client_hello"
		c.Lengths[ech] = all.TLS["tcp"].Lengths[ech]
	}
	return all.TLS
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
				var hellos []*hello
				for range c.nth {
					hellos = helloOf(t, client, s, r)
				}
				h := hellos[0]
				if c.second {
					h = hellos[1]
				}
				compare(t, h, &want, r.Host)
			}
		})
	}
}

// compare holds a hello against a class: all fields but those that differ by their
// nature, of which the captured lengths count.
func compare(t *testing.T, h *hello, want *class, host string) {
	t.Helper()
	same(t, "version", fmt.Sprintf("%04x", h.version), want.Version)
	same(t, "session id length", len(h.sessionID), want.SessionIDLen)
	same(t, "ciphers", hexList(h.ciphers), want.Ciphers)
	same(t, "extensions", hexList(h.set()), sortedNumbers(want.Extensions))
	same(t, "groups", hexList(h.list(t, profile.ExtSupportedGroups, 2)), numbers(want.Groups))
	same(t, "signature algorithms", hexList(h.list(t, profile.ExtSignatureAlgorithms, 2)), want.Schemes)
	same(t, "versions", hexList(h.list(t, profile.ExtSupportedVersions, 1)), want.Versions)
	var shares []string
	for _, s := range h.keyShares(t) {
		shares = append(shares, groupName(s.group)+":"+strconv.Itoa(len(s.key)))
	}
	same(t, "key shares", shares, want.KeyShares)

	list := h.extensions
	if last := len(list) - 1; list[last].id == profile.ExtPreSharedKey {
		list = list[:last]
	}
	same(t, "first extension", describe(list[0]), want.First)
	same(t, "last extension", describe(list[len(list)-1]), want.Last)

	known := map[string]bool{"GREASE first": true, "GREASE last": true}
	for name, body := range want.Fixed {
		id, _, _ := strings.Cut(name, " ")
		known[id] = true
		if n, err := strconv.ParseUint(id, 16, 16); err == nil && n != profile.ExtServerName {
			got, ok := h.body(uint16(n))
			same(t, name, fmt.Sprintf("%x %t", got, ok), body+" true")
		}
	}
	for name, lens := range want.Lengths {
		id, _, _ := strings.Cut(name, " ")
		known[id] = true
		n, _ := strconv.ParseUint(id, 16, 16)
		got, ok := h.body(uint16(n))
		switch {
		case !ok:
			t.Errorf("%s is missing", name)
		case n == profile.ExtServerName, n == profile.ExtSessionTicket, n == profile.ExtPreSharedKey: // the server's doing
		case !slices.Contains(lens, len(got)):
			t.Errorf("%s: got %d bytes, want one of %v", name, len(got), lens)
		}
	}
	for _, e := range h.extensions {
		if !e.grease && !known[fmt.Sprintf("%04x", e.id)] {
			t.Errorf("extension %04x is not in the capture", e.id)
		}
	}
	if name, ok := h.body(profile.ExtServerName); ok && string(name[5:]) != host {
		t.Errorf("server name: got %q, want %q", name[5:], host)
	}
	if psk, ok := h.body(profile.ExtPreSharedKey); ok {
		r := reader{t, psk}
		identities := reader{t, r.vector(2)}
		identities.vector(2)
		identities.skip(4)
		binders := reader{t, r.vector(2)}
		binder := binders.vector(1)
		if len(identities.b) != 0 || len(binders.b) != 0 || !slices.Contains(want.BinderLens, len(binder)) {
			t.Errorf("pre_shared_key: got %x, want one identity and one binder of %d bytes", psk, want.BinderLens)
		}
	}
	same(t, "JA4", ja4(t, h), want.JA4)
}

func TestJA4OfCapture(t *testing.T) {
	for name, c := range capturedHellos(t) {
		raw, err := hex.DecodeString(c.Sample)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, ja4(t, parseHello(t, raw)), c.JA4)
	}
}

// ja4 is the fingerprint of FoxIO's JA4, GREASE left out everywhere.
func ja4(t testing.TB, h *hello) string {
	t.Helper()
	plain := func(list []uint16) []string {
		return hexList(slices.DeleteFunc(slices.Clone(list), func(v uint16) bool { return v == profile.GREASE }))
	}
	digest := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:12] }

	ciphers, extensions := plain(h.ciphers), plain(h.order())
	version := "12"
	if slices.Contains(h.list(t, profile.ExtSupportedVersions, 1), stdtls.VersionTLS13) {
		version = "13"
	}
	sni, alpn := "i", "00"
	if _, ok := h.body(profile.ExtServerName); ok {
		sni = "d"
	}
	if p := h.protocols(t, profile.ExtALPN); len(p) > 0 {
		alpn = p[0][:1] + p[0][len(p[0])-1:]
	}
	a := fmt.Sprintf("t%s%s%02d%02d%s", version, sni, len(ciphers), len(extensions), alpn)

	slices.Sort(ciphers)
	listed := slices.DeleteFunc(extensions, func(id string) bool { return id == "0000" || id == "0010" })
	slices.Sort(listed)
	schemes := plain(h.list(t, profile.ExtSignatureAlgorithms, 2))
	return a + "_" + digest(strings.Join(ciphers, ",")) + "_" +
		digest(strings.Join(listed, ",")+"_"+strings.Join(schemes, ","))
}

func hexList(list []uint16) []string {
	var out []string
	for _, v := range list {
		if v == profile.GREASE {
			out = append(out, "GREASE")
		} else {
			out = append(out, fmt.Sprintf("%04x", v))
		}
	}
	return out
}

// numbers cuts the names off.
func numbers(list []string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i], _, _ = strings.Cut(out[i], " ")
	}
	return out
}

// sortedNumbers has GREASE where its number stands, as hello.set does.
func sortedNumbers(list []string) []string {
	out := numbers(list)
	slices.SortFunc(out, func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "GREASE", "0a0a"), strings.ReplaceAll(b, "GREASE", "0a0a"))
	})
	return out
}

func describe(e extension) string {
	name := fmt.Sprintf("%04x", e.id)
	if e.grease {
		name = "GREASE"
	}
	return fmt.Sprintf("%s (%d bytes)", name, len(e.body))
}

func groupName(g uint16) string {
	if isGREASE(g) {
		return "GREASE"
	}
	switch g {
	case 0x0017:
		return "P-256"
	case 0x0018:
		return "P-384"
	}
	return stdtls.CurveID(g).String()
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
	want := clientHellos(t, (<-s.done).wire.Bytes())[0]

	same(t, "ciphers", hexList(got.ciphers), hexList(want.ciphers))
	same(t, "extensions", hexList(got.order()), hexList(want.order()))
	for _, e := range want.extensions {
		switch e.id {
		case profile.ExtSupportedGroups:
			groups := slices.DeleteFunc(want.list(t, e.id, 2), func(g uint16) bool { return g == 0x11eb || g == 0x11ed })
			same(t, "groups", hexList(got.list(t, e.id, 2)), hexList(groups))
		case profile.ExtKeyShare:
			for i, share := range want.keyShares(t) {
				if g := got.keyShares(t)[i]; g.group != share.group || len(g.key) != len(share.key) {
					t.Errorf("key share %d: got group %04x with %d bytes, want %04x with %d", i, g.group, len(g.key), share.group, len(share.key))
				}
			}
		default:
			body, _ := got.body(e.id)
			same(t, fmt.Sprintf("extension %04x", e.id), fmt.Sprintf("%x", body), fmt.Sprintf("%x", e.body))
		}
	}
}
