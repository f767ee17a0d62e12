package nettest

import (
	"crypto/sha256"
	stdtls "crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/profile"
)

// A HelloClass is one kind of hello that a browser was seen to send. See the README
// beside tls/testdata/chromium-156-tls.json.
type HelloClass struct {
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

// ReadHelloClasses reads a file of them, by their names.
func ReadHelloClasses(t testing.TB, file string) map[string]HelloClass {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ TLS map[string]HelloClass }
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

// Compare holds a hello for host against the HelloClass: all fields but those that differ by
// their nature, of which the captured lengths count.
func (want *HelloClass) Compare(t testing.TB, h *ClientHello, host string) {
	t.Helper()
	sameHello(t, "version", fmt.Sprintf("%04x", h.Version), want.Version)
	sameHello(t, "session id length", len(h.SessionID), want.SessionIDLen)
	sameHello(t, "ciphers", HexNumbers(h.Ciphers), want.Ciphers)
	sameHello(t, "extensions", HexNumbers(h.Set()), sortedNumbers(want.Extensions))
	sameHello(t, "groups", HexNumbers(h.List(t, profile.ExtSupportedGroups, 2)), CutNames(want.Groups))
	sameHello(t, "signature algorithms", HexNumbers(h.List(t, profile.ExtSignatureAlgorithms, 2)), want.Schemes)
	sameHello(t, "versions", HexNumbers(h.List(t, profile.ExtSupportedVersions, 1)), want.Versions)
	var shares []string
	for _, s := range h.KeyShares(t) {
		shares = append(shares, groupName(s.Group)+":"+strconv.Itoa(len(s.Key)))
	}
	sameHello(t, "key shares", shares, want.KeyShares)

	list := h.Extensions
	if last := len(list) - 1; list[last].ID == profile.ExtPreSharedKey {
		list = list[:last]
	}
	sameHello(t, "first extension", describeExtension(list[0]), want.First)
	sameHello(t, "last extension", describeExtension(list[len(list)-1]), want.Last)

	known := map[string]bool{"GREASE first": true, "GREASE last": true}
	for name, body := range want.Fixed {
		id, _, _ := strings.Cut(name, " ")
		known[id] = true
		if n, err := strconv.ParseUint(id, 16, 16); err == nil && n != profile.ExtServerName {
			got, ok := h.Body(uint16(n))
			sameHello(t, name, fmt.Sprintf("%x %t", got, ok), body+" true")
		}
	}
	for name, lens := range want.Lengths {
		id, _, _ := strings.Cut(name, " ")
		known[id] = true
		n, _ := strconv.ParseUint(id, 16, 16)
		got, ok := h.Body(uint16(n))
		switch {
		case !ok:
			t.Errorf("%s is missing", name)
		case n == profile.ExtServerName, n == profile.ExtSessionTicket, n == profile.ExtPreSharedKey: // the server's doing
		case !slices.Contains(lens, len(got)):
			t.Errorf("%s: got %d bytes, want one of %v", name, len(got), lens)
		}
	}
	for _, e := range h.Extensions {
		if !e.GREASE && !known[fmt.Sprintf("%04x", e.ID)] {
			t.Errorf("extension %04x is not in the capture", e.ID)
		}
	}
	if name, ok := h.Body(profile.ExtServerName); ok && string(name[5:]) != host {
		t.Errorf("server name: got %q, want %q", name[5:], host)
	}
	if psk, ok := h.Body(profile.ExtPreSharedKey); ok {
		r := helloReader{t, psk}
		identities := helloReader{t, r.vector(2)}
		identities.vector(2)
		identities.skip(4)
		binders := helloReader{t, r.vector(2)}
		binder := binders.vector(1)
		if len(identities.b) != 0 || len(binders.b) != 0 || !slices.Contains(want.BinderLens, len(binder)) {
			t.Errorf("pre_shared_key: got %x, want one identity and one binder of %d bytes", psk, want.BinderLens)
		}
	}
	sameHello(t, "JA4", h.JA4(t), want.JA4)
}

// JA4 is the hello's fingerprint by FoxIO's JA4, GREASE left out everywhere.
func (h *ClientHello) JA4(t testing.TB) string {
	t.Helper()
	plain := func(list []uint16) []string {
		return HexNumbers(slices.DeleteFunc(slices.Clone(list), func(v uint16) bool { return v == profile.GREASE }))
	}
	digest := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:12] }

	ciphers, extensions := plain(h.Ciphers), plain(h.Order())
	version := "12"
	if slices.Contains(h.List(t, profile.ExtSupportedVersions, 1), stdtls.VersionTLS13) {
		version = "13"
	}
	sni, alpn := "i", "00"
	if _, ok := h.Body(profile.ExtServerName); ok {
		sni = "d"
	}
	if p := h.Protocols(t, profile.ExtALPN); len(p) > 0 {
		alpn = p[0][:1] + p[0][len(p[0])-1:]
	}
	a := fmt.Sprintf("t%s%s%02d%02d%s", version, sni, len(ciphers), len(extensions), alpn)

	slices.Sort(ciphers)
	listed := slices.DeleteFunc(extensions, func(id string) bool { return id == "0000" || id == "0010" })
	slices.Sort(listed)
	schemes := plain(h.List(t, profile.ExtSignatureAlgorithms, 2))
	return a + "_" + digest(strings.Join(ciphers, ",")) + "_" +
		digest(strings.Join(listed, ",")+"_"+strings.Join(schemes, ","))
}

// HexNumbers writes numbers as captures do, and GREASE by its name.
func HexNumbers(list []uint16) []string {
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

// CutNames leaves the numbers of a list in a capture, where names stand behind them.
func CutNames(list []string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i], _, _ = strings.Cut(out[i], " ")
	}
	return out
}

// sortedNumbers has GREASE where its number stands, as ClientHello.Set does.
func sortedNumbers(list []string) []string {
	out := CutNames(list)
	slices.SortFunc(out, func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "GREASE", "0a0a"), strings.ReplaceAll(b, "GREASE", "0a0a"))
	})
	return out
}

func describeExtension(e HelloExtension) string {
	name := fmt.Sprintf("%04x", e.ID)
	if e.GREASE {
		name = "GREASE"
	}
	return fmt.Sprintf("%s (%d bytes)", name, len(e.Body))
}

func groupName(g uint16) string {
	if IsGREASE(g) {
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

func sameHello(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
