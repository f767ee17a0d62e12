package tls

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/profile"
)

// A helloMaker makes ClientHello specs from a profile: a new one for each connection,
// since uTLS writes keys and GREASE values into it.
type helloMaker struct {
	tls          profile.TLS // trimmed to the versions in use
	trustAnchors []byte
	min, max     uint16
}

func newHelloMaker(p *profile.Profile, cfg SSLConfig) (helloMaker, error) {
	m := helloMaker{tls: p.TLS}
	lowest, highest, err := cfg.versions()
	if err != nil {
		return m, err
	}
	m.tls.Versions = offered(p.TLS.Versions, lowest, highest)
	for _, v := range m.tls.Versions {
		if v != profile.GREASE {
			m.min, m.max = v, max(m.max, v) // the list falls
		}
	}
	if m.max == 0 {
		return m, fmt.Errorf("profile %s has no version from %04x to %04x", p.Name, lowest, highest)
	}
	m.trim(cfg.DisabledCipherSuites)
	if !slices.ContainsFunc(m.tls.CipherSuites, func(s uint16) bool { return s != profile.GREASE }) {
		return m, errors.New("no cipher suite is left")
	}
	if m.trustAnchors, err = hex.DecodeString(p.TLS.TrustAnchors); err != nil {
		return m, fmt.Errorf("profile %s: trust anchors: %w", p.Name, err)
	}
	for _, id := range m.tls.Extensions {
		if m.extension(id, &ingredients{}) == nil {
			return m, fmt.Errorf("profile %s: extension %04x is not known", p.Name, id)
		}
	}
	return m, nil
}

// trim leaves out the disabled cipher suites and what BoringSSL leaves out when it
// offers TLS 1.2 at most or 1.3 alone.
func (m *helloMaker) trim(disabled []uint16) {
	m.tls.CipherSuites = slices.DeleteFunc(slices.Clone(m.tls.CipherSuites), func(s uint16) bool {
		switch {
		case s == profile.GREASE:
			return false
		case tls13Suite(s):
			return m.max < utls.VersionTLS13
		}
		return m.min >= utls.VersionTLS13 || m.max < utls.VersionTLS12 && needsTLS12(s) || slices.Contains(disabled, s)
	})
	drop := func(ids ...uint16) {
		m.tls.Extensions = slices.DeleteFunc(slices.Clone(m.tls.Extensions), func(id uint16) bool {
			return slices.Contains(ids, id)
		})
	}
	if m.max < utls.VersionTLS13 {
		drop(profile.ExtSupportedVersions, profile.ExtKeyShare, profile.ExtPSKModes,
			profile.ExtCompressCertificate, profile.ExtALPS, profile.ExtEncryptedClientHello,
			profile.ExtTrustAnchors)
		m.tls.KeyShares, m.tls.ECHPayloads = nil, nil
	}
	if m.max < utls.VersionTLS12 {
		drop(profile.ExtSignatureAlgorithms, profile.ExtSignatureAlgorithmsCert)
	}
	if m.min >= utls.VersionTLS13 {
		drop(profile.ExtExtendedMasterSecret, profile.ExtRenegotiationIndicator,
			profile.ExtPointFormats, profile.ExtSessionTicket)
	}
}

// The ingredients of one hello, besides what the profile says.
type ingredients struct {
	host       string
	alpn, alps []string
	resume     bool  // there is a place for a session, which stays empty if none is at hand
	keys       *keys // nil without key shares
	realECH    bool  // uTLS fills in the extension
}

// spec returns a new ClientHello.
func (m *helloMaker) spec(in *ingredients) *utls.ClientHelloSpec {
	s := &utls.ClientHelloSpec{
		TLSVersMin:         m.min,
		TLSVersMax:         m.max,
		CipherSuites:       m.tls.CipherSuites, // uTLS makes a copy
		CompressionMethods: []uint8{0},
		Extensions:         make([]utls.TLSExtension, 0, len(m.tls.Extensions)+1),
	}
	in.alps = m.alps(in.alpn)
	for _, id := range m.tls.Extensions {
		if id == profile.ExtALPN && len(in.alpn) == 0 || id == profile.ExtALPS && len(in.alps) == 0 {
			continue
		}
		s.Extensions = append(s.Extensions, m.extension(id, in))
	}
	if m.tls.Shuffle {
		shuffle(s.Extensions)
	}
	if in.resume && m.max >= utls.VersionTLS13 {
		s.Extensions = append(s.Extensions, &utls.UtlsPreSharedKeyExtension{})
	}
	return s
}

// alps returns the protocols with application settings among those offered: none
// when only HTTP/1.1 is.
func (m *helloMaker) alps(alpn []string) []string {
	var out []string
	for _, p := range m.tls.ALPS {
		if slices.Contains(alpn, p) {
			out = append(out, p)
		}
	}
	return out
}

// shuffle gives every extension between the GREASE ones each place equally often.
// uTLS's own shuffle skips swaps that meet GREASE, which shows over many hellos.
func shuffle(list []utls.TLSExtension) {
	for len(list) > 0 && isGREASE(list[0]) {
		list = list[1:]
	}
	for len(list) > 0 && isGREASE(list[len(list)-1]) {
		list = list[:len(list)-1]
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func isGREASE(e utls.TLSExtension) bool {
	_, ok := e.(*utls.UtlsGREASEExtension)
	return ok
}

// extension makes one extension. It returns nil if the number is not known.
func (m *helloMaker) extension(id uint16, in *ingredients) utls.TLSExtension {
	switch id {
	case profile.GREASE:
		return &utls.UtlsGREASEExtension{}
	case profile.ExtServerName:
		return &utls.SNIExtension{ServerName: in.host} // leaves itself out for IP addresses
	case profile.ExtStatusRequest:
		return &utls.StatusRequestExtension{}
	case profile.ExtSupportedGroups:
		return &utls.SupportedCurvesExtension{Curves: convert[utls.CurveID](m.tls.Groups)}
	case profile.ExtPointFormats:
		return &utls.SupportedPointsExtension{SupportedPoints: m.tls.PointFormats}
	case profile.ExtSignatureAlgorithms:
		return &utls.SignatureAlgorithmsExtension{SupportedSignatureAlgorithms: schemes(m.tls.SignatureAlgorithms)}
	case profile.ExtSignatureAlgorithmsCert:
		return &utls.SignatureAlgorithmsCertExtension{SupportedSignatureAlgorithms: schemes(m.tls.CertificateSignatureAlgorithms)}
	case profile.ExtALPN:
		return &utls.ALPNExtension{AlpnProtocols: in.alpn}
	case profile.ExtSignedCertTimestamps:
		return &utls.SCTExtension{}
	case profile.ExtExtendedMasterSecret:
		return &utls.ExtendedMasterSecretExtension{}
	case profile.ExtCompressCertificate:
		return &utls.UtlsCompressCertExtension{Algorithms: convert[utls.CertCompressionAlgo](m.tls.CertificateCompression)}
	case profile.ExtSessionTicket:
		return &utls.SessionTicketExtension{}
	case profile.ExtSupportedVersions:
		return &utls.SupportedVersionsExtension{Versions: slices.Clone(m.tls.Versions)}
	case profile.ExtPSKModes:
		return &utls.PSKKeyExchangeModesExtension{Modes: m.tls.PSKModes}
	case profile.ExtKeyShare:
		return &utls.KeyShareExtension{KeyShares: m.keyShares(in.keys)}
	case profile.ExtALPS:
		return &utls.ApplicationSettingsExtensionNew{SupportedProtocols: in.alps}
	case profile.ExtTrustAnchors:
		return &utls.GenericExtension{Id: id, Data: m.trustAnchors}
	case profile.ExtEncryptedClientHello:
		return m.ech(in)
	case profile.ExtRenegotiationIndicator:
		return &renegotiationInfo{}
	}
	return nil
}

// schemes draws the GREASE value itself: uTLS leaves these lists alone.
func schemes(list []uint16) []utls.SignatureScheme {
	out := convert[utls.SignatureScheme](list)
	for i := range out {
		if out[i] == profile.GREASE {
			out[i] = profile.GREASE + 0x1010*utls.SignatureScheme(rand.N(16))
		}
	}
	return out
}

// keyShares lists keys where the profile wants them. uTLS gives GREASE its group.
func (m *helloMaker) keyShares(k *keys) []utls.KeyShare {
	out := make([]utls.KeyShare, 0, len(m.tls.KeyShares))
	for _, g := range m.tls.KeyShares {
		share := utls.KeyShare{Group: utls.CurveID(g), Data: []byte{0}}
		if g != profile.GREASE && k != nil {
			share.Data = k.public[g]
		}
		out = append(out, share)
	}
	return out
}

func convert[T ~uint16](list []uint16) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}
