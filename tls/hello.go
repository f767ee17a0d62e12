package tls

import (
	"encoding/hex"
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

func newHelloMaker(p *profile.Profile, minVersion, maxVersion uint16) (helloMaker, error) {
	m := helloMaker{tls: p.TLS}
	m.tls.Versions = slices.DeleteFunc(slices.Clone(p.TLS.Versions), func(v uint16) bool {
		return v != profile.GREASE && (v < minVersion || maxVersion != 0 && v > maxVersion)
	})
	for _, v := range m.tls.Versions {
		if v != profile.GREASE {
			m.min, m.max = v, max(m.max, v) // the list falls
		}
	}
	if m.max == 0 {
		return m, fmt.Errorf("tls: profile %s has no version from %04x to %04x", p.Name, minVersion, maxVersion)
	}
	m.trim()

	var err error
	if m.trustAnchors, err = hex.DecodeString(p.TLS.TrustAnchors); err != nil {
		return m, fmt.Errorf("tls: profile %s: trust anchors: %w", p.Name, err)
	}
	for _, id := range m.tls.Extensions {
		if m.extension(id, "", nil) == nil {
			return m, fmt.Errorf("tls: profile %s: extension %04x is not known", p.Name, id)
		}
	}
	return m, nil
}

// trim leaves out what BoringSSL leaves out when it offers TLS 1.2 alone or 1.3 alone.
func (m *helloMaker) trim() {
	drop := func(ids ...uint16) {
		m.tls.Extensions = slices.DeleteFunc(slices.Clone(m.tls.Extensions), func(id uint16) bool {
			return slices.Contains(ids, id)
		})
	}
	keepSuites := func(tls13 bool) {
		m.tls.CipherSuites = slices.DeleteFunc(slices.Clone(m.tls.CipherSuites), func(s uint16) bool {
			return s != profile.GREASE && (s>>8 == 0x13) != tls13
		})
	}
	if m.max < utls.VersionTLS13 {
		keepSuites(false)
		drop(profile.ExtSupportedVersions, profile.ExtKeyShare, profile.ExtPSKModes,
			profile.ExtCompressCertificate, profile.ExtALPS, profile.ExtEncryptedClientHello,
			profile.ExtTrustAnchors)
	}
	if m.min >= utls.VersionTLS13 {
		keepSuites(true)
		drop(profile.ExtExtendedMasterSecret, profile.ExtRenegotiationIndicator,
			profile.ExtPointFormats, profile.ExtSessionTicket)
	}
}

// spec returns a new ClientHello for host. With resume there is a place for a
// session, which stays empty if none is at hand.
func (m *helloMaker) spec(host string, alpn []string, resume bool) *utls.ClientHelloSpec {
	s := &utls.ClientHelloSpec{
		TLSVersMin:         m.min,
		TLSVersMax:         m.max,
		CipherSuites:       slices.Clone(m.tls.CipherSuites),
		CompressionMethods: []uint8{0},
		Extensions:         make([]utls.TLSExtension, 0, len(m.tls.Extensions)+1),
	}
	alps := m.alps(alpn)
	for _, id := range m.tls.Extensions {
		switch {
		case id == profile.ExtALPN && len(alpn) == 0, id == profile.ExtALPS && len(alps) == 0:
			continue
		case id == profile.ExtALPS:
			s.Extensions = append(s.Extensions, m.extension(id, host, alps))
		default:
			s.Extensions = append(s.Extensions, m.extension(id, host, alpn))
		}
	}
	if m.tls.Shuffle {
		shuffle(s.Extensions)
	}
	if resume && m.max >= utls.VersionTLS13 {
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

// extension makes one extension; protocols is for ALPN and ALPS. It returns nil if
// the number is not known.
func (m *helloMaker) extension(id uint16, host string, protocols []string) utls.TLSExtension {
	switch id {
	case profile.GREASE:
		return &utls.UtlsGREASEExtension{}
	case profile.ExtServerName:
		return &utls.SNIExtension{ServerName: host} // leaves itself out for IP addresses
	case profile.ExtStatusRequest:
		return &utls.StatusRequestExtension{}
	case profile.ExtSupportedGroups:
		return &utls.SupportedCurvesExtension{Curves: convert[utls.CurveID](m.tls.Groups)}
	case profile.ExtPointFormats:
		return &utls.SupportedPointsExtension{SupportedPoints: m.tls.PointFormats}
	case profile.ExtSignatureAlgorithms:
		return &utls.SignatureAlgorithmsExtension{SupportedSignatureAlgorithms: m.signatureAlgorithms()}
	case profile.ExtALPN:
		return &utls.ALPNExtension{AlpnProtocols: protocols}
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
		return &utls.KeyShareExtension{KeyShares: m.keyShares()}
	case profile.ExtALPS:
		return &utls.ApplicationSettingsExtensionNew{SupportedProtocols: protocols}
	case profile.ExtTrustAnchors:
		return &utls.GenericExtension{Id: id, Data: m.trustAnchors}
	case profile.ExtEncryptedClientHello:
		return m.greaseECH()
	case profile.ExtRenegotiationIndicator:
		return &utls.RenegotiationInfoExtension{Renegotiation: utls.RenegotiateNever}
	}
	return nil
}

// signatureAlgorithms draws the GREASE value itself: uTLS leaves this list alone.
func (m *helloMaker) signatureAlgorithms() []utls.SignatureScheme {
	out := convert[utls.SignatureScheme](m.tls.SignatureAlgorithms)
	for i := range out {
		if out[i] == profile.GREASE {
			out[i] = profile.GREASE + 0x1010*utls.SignatureScheme(rand.N(16))
		}
	}
	return out
}

func (m *helloMaker) keyShares() []utls.KeyShare {
	out := make([]utls.KeyShare, len(m.tls.KeyShares))
	for i, g := range m.tls.KeyShares {
		out[i].Group = utls.CurveID(g)
		if g == profile.GREASE {
			out[i].Data = []byte{0}
		}
	}
	return out
}

// greaseECH is an extension that a server without ECH cannot tell from a real one
// (RFC 9849 section 6.2). uTLS counts payloads without the 16 bytes of the AEAD's tag.
func (m *helloMaker) greaseECH() utls.TLSExtension {
	e := &utls.GREASEEncryptedClientHelloExtension{
		CandidateCipherSuites: []utls.HPKESymmetricCipherSuite{{KdfId: 1, AeadId: 1}}, // HKDF-SHA256, AES-128-GCM
	}
	for _, n := range m.tls.ECHPayloads {
		e.CandidatePayloadLens = append(e.CandidatePayloadLens, uint16(n-16))
	}
	return e
}

func convert[T ~uint16](list []uint16) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}
