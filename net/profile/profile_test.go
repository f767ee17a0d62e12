package profile_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
)

// A capture is testdata/chromium-156.json.
type capture struct {
	TLS struct {
		Ciphers             []string
		ListOrder           []string `json:"list_order"`
		ExtensionsSorted    []string `json:"extensions_sorted"`
		Groups              []string
		KeyShares           []string `json:"key_shares"`
		SignatureAlgorithms []string `json:"signature_algorithms"`
		SupportedVersions   []string `json:"supported_versions"`
		ALPN, ALPS          []string
		CertCompression     []uint16 `json:"cert_compression"`
		PSKModes            []int    `json:"psk_modes"`
		PointFormats        []int    `json:"point_formats"`
		TrustAnchors        string   `json:"trust_anchors"`
		ECHPayloadLens      []int    `json:"ech_payload_lens"`
	}
	H2 struct {
		Akamai      string
		PseudoOrder []string             `json:"pseudo_order"`
		Priorities  map[string][2]string // priority field, frame fields
	}
	Requests map[string]struct {
		Method  string
		Headers [][2]string
	}
}

func load(t *testing.T) *capture {
	t.Helper()
	data, err := os.ReadFile("testdata/chromium-156.json")
	if err != nil {
		t.Fatal(err)
	}
	c := new(capture)
	if err := json.Unmarshal(data, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLSMatchesCapture(t *testing.T) {
	want, p := load(t).TLS, profile.Chromium156().TLS
	sorted := nettest.HexNumbers(p.Extensions)
	slices.Sort(sorted)
	wantSorted := nettest.CutNames(want.ExtensionsSorted)
	slices.Sort(wantSorted)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"cipher suites", nettest.HexNumbers(p.CipherSuites), want.Ciphers},
		{"extensions", nettest.HexNumbers(p.Extensions), want.ListOrder},
		{"set of extensions", sorted, wantSorted},
		{"groups", nettest.HexNumbers(p.Groups), nettest.CutNames(want.Groups)},
		{"signature algorithms", nettest.HexNumbers(p.SignatureAlgorithms), want.SignatureAlgorithms},
		{"versions", nettest.HexNumbers(p.Versions), want.SupportedVersions},
		{"ALPN", p.ALPN, want.ALPN},
		{"ALPS", p.ALPS, want.ALPS},
		{"compression", p.CertificateCompression, want.CertCompression},
		{"PSK modes", fmt.Sprint(p.PSKModes), fmt.Sprint(want.PSKModes)},
		{"point formats", fmt.Sprint(p.PointFormats), fmt.Sprint(want.PointFormats)},
		{"trust anchors", p.TrustAnchors, want.TrustAnchors},
		{"ECH payloads", p.ECHPayloads, want.ECHPayloadLens},
		{"key shares", len(p.KeyShares), len(want.KeyShares)},
	} {
		if fmt.Sprint(c.got) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
	if b, err := hex.DecodeString(p.TrustAnchors); err != nil || len(b) != 186 {
		t.Errorf("trust anchors: got %d bytes and error %v, want 186 bytes", len(b), err)
	}
	for _, g := range p.KeyShares {
		if !slices.Contains(p.Groups, g) {
			t.Errorf("key share for group %04x, which is not offered", g)
		}
	}
}

func TestHTTP2MatchesCapture(t *testing.T) {
	want, p := load(t).H2, profile.Chromium156().HTTP2
	var settings []string
	for _, s := range p.Settings {
		settings = append(settings, fmt.Sprintf("%d:%d", s.ID, s.Value))
	}
	var pseudo []string
	for _, n := range p.PseudoHeaders {
		pseudo = append(pseudo, n[1:2])
	}
	akamai := fmt.Sprintf("%s|%d|0|%s", strings.Join(settings, ";"), p.WindowUpdate, strings.Join(pseudo, ","))
	if akamai != want.Akamai {
		t.Errorf("opening: got %s, want %s", akamai, want.Akamai)
	}
	if !slices.Equal(p.PseudoHeaders, want.PseudoOrder) {
		t.Errorf("pseudo-headers: got %v, want %v", p.PseudoHeaders, want.PseudoOrder)
	}
	for name, pair := range want.Priorities {
		urgency := 3 // RFC 9218 section 4.1
		if u, ok := strings.CutPrefix(pair[0], "u="); ok {
			urgency = int(u[0] - '0')
		}
		got := fmt.Sprintf("weight=%d exclusive=%t", p.Weights[urgency], p.Exclusive)
		if !strings.HasSuffix(pair[1], got) {
			t.Errorf("%s: got %s for urgency %d, want %s", name, got, urgency, pair[1])
		}
	}
}

// fill fills a template as net/fetch does, with what depends on the request taken
// from the captured fields.
func fill(p *profile.Profile, slots []profile.Slot, captured map[string]string, trustworthy bool, caller ...string) [][2]string {
	var out [][2]string
	for _, s := range slots {
		name, value := s.Name, ""
		switch s.Role {
		case profile.Constant:
			value = s.Value
		case profile.UserAgent:
			value = p.Linux.UserAgent
		case profile.BrandList:
			value = p.BrandList()
		case profile.PlatformName:
			value = `"` + p.Linux.Name + `"`
		case profile.Accepted:
			if !slices.Contains(caller, "accept") {
				value = p.Headers.Accept(destination(captured))
			}
		case profile.CallerAccept:
			if slices.Contains(caller, "accept") {
				value = captured["accept"]
			}
		case profile.AcceptEncoding:
			value = p.AcceptEncodingInsecure
			if trustworthy {
				value = p.AcceptEncoding
			}
			if captured["range"] != "" {
				value = "identity"
			}
		case profile.Languages:
			value = profile.AcceptLanguage(p.Languages)
		case profile.Caller:
			for _, n := range caller {
				if n != "accept" && n != "range" {
					out = append(out, [2]string{n, captured[n]})
				}
			}
		default:
			value = captured[strings.ToLower(s.Name)]
		}
		if value != "" && (trustworthy || !s.Trustworthy) {
			out = append(out, [2]string{name, value})
		}
	}
	return out
}

// destination is Sec-Fetch-Dest; requests in the clear do not say, but their Accept
// tells documents, images and style sheets apart.
func destination(captured map[string]string) string {
	if d := captured["sec-fetch-dest"]; d != "" {
		return d
	}
	accept := captured["accept"]
	switch {
	case strings.HasPrefix(accept, "text/html"):
		return "document"
	case strings.HasPrefix(accept, "image/"):
		return "image"
	case strings.HasPrefix(accept, "text/css"):
		return "style"
	}
	return ""
}

func TestHeadersMatchCapture(t *testing.T) {
	p := profile.Chromium156()
	callers := map[string][]string{
		"tls/eventsource":     {"accept"},
		"tls/fetch-range.bin": {"range"},
		"tls/hset-0.json":     {"x-a"},
	}
	for name, req := range load(t).Requests {
		t.Run(name, func(t *testing.T) {
			captured := map[string]string{}
			var want [][2]string
			for _, h := range req.Headers {
				lower := strings.ToLower(h[0])
				captured[lower] = h[1]
				switch lower {
				case "host", "connection", "content-length":
				default:
					want = append(want, h)
				}
			}
			slots := p.Headers.Fetch
			if _, ok := captured["upgrade-insecure-requests"]; ok {
				slots = p.Headers.Navigate
			}
			got := fill(p, slots, captured, strings.HasPrefix(name, "tls/"), callers[name]...)
			for i := range max(len(got), len(want)) {
				var g, w [2]string
				if i < len(got) {
					g = got[i]
				}
				if i < len(want) {
					w = want[i]
				}
				sameName := g[0] == w[0]
				if lower := strings.ToLower(w[0]); lower == "content-type" || lower == "x-a" {
					sameName = strings.EqualFold(g[0], w[0]) // in the caller's case
				}
				if !sameName || g[1] != w[1] {
					t.Errorf("field %d: got %s: %s, want %s: %s", i, g[0], g[1], w[0], w[1])
				}
			}
		})
	}
}

// What every profile must have for the layers that read it.
func TestProfilesAreWhole(t *testing.T) {
	for _, p := range []*profile.Profile{profile.Chromium156(), profile.Go()} {
		t.Run(p.Name, func(t *testing.T) {
			for _, goos := range []string{"linux", "darwin", "windows"} {
				if p.Platform(goos).UserAgent == "" {
					t.Errorf("no User-Agent for %s", goos)
				}
			}
			for _, g := range p.TLS.KeyShares {
				if !slices.Contains(p.TLS.Groups, g) {
					t.Errorf("key share for group %04x, which is not offered", g)
				}
			}
			seen := map[uint16]bool{}
			for _, id := range p.TLS.Extensions {
				if seen[id] && id != profile.GREASE {
					t.Errorf("extension %04x stands twice", id)
				}
				seen[id] = true
			}
			pseudo := slices.Sorted(slices.Values(p.HTTP2.PseudoHeaders))
			if want := []string{":authority", ":method", ":path", ":scheme"}; !slices.Equal(pseudo, want) {
				t.Errorf("pseudo-headers: got %v, want %v in any order", pseudo, want)
			}
			for name, slots := range map[string][]profile.Slot{"Navigate": p.Headers.Navigate, "Fetch": p.Headers.Fetch} {
				if !slices.ContainsFunc(slots, func(s profile.Slot) bool { return s.Role == profile.Caller }) {
					t.Errorf("%s has no place for what the caller sets", name)
				}
			}
		})
	}
}

func TestAcceptLanguage(t *testing.T) {
	for _, c := range []struct {
		languages []string
		want      string
	}{
		{nil, ""},
		{[]string{"de"}, "de"},
		{[]string{"en-US", "en"}, "en-US,en;q=0.9"},
		{[]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}, "a,b;q=0.9,c;q=0.8,d;q=0.7,e;q=0.6,f;q=0.5,g;q=0.4,h;q=0.3,i;q=0.2,j;q=0.1,k;q=0.1,l;q=0.1"},
	} {
		if got := profile.AcceptLanguage(c.languages); got != c.want {
			t.Errorf("AcceptLanguage(%q): got %s, want %s", c.languages, got, c.want)
		}
	}
}

func TestPlatform(t *testing.T) {
	p := profile.Chromium156()
	for goos, want := range map[string]string{"linux": "Linux", "darwin": "macOS", "windows": "Windows", "freebsd": "Linux"} {
		got := p.Platform(goos)
		if got.Name != want || !strings.Contains(got.UserAgent, " Chrome/156.0.0.0 ") {
			t.Errorf("Platform(%s): got %+v, want %s with Chrome/156", goos, got, want)
		}
	}
}
