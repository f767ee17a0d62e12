package profile

// GREASE stands in a list of [TLS] for one of the reserved values of RFC 8701, drawn
// anew for each ClientHello.
const GREASE = 0x0a0a

// Extension numbers (IANA registry "TLS ExtensionType Values"; ALPS and trust_anchors
// are drafts that Chromium sends).
const (
	ExtServerName              = 0
	ExtStatusRequest           = 5
	ExtSupportedGroups         = 10
	ExtPointFormats            = 11
	ExtSignatureAlgorithms     = 13
	ExtALPN                    = 16
	ExtSignedCertTimestamps    = 18
	ExtExtendedMasterSecret    = 23
	ExtCompressCertificate     = 27
	ExtSessionTicket           = 35
	ExtPreSharedKey            = 41
	ExtSupportedVersions       = 43
	ExtPSKModes                = 45
	ExtSignatureAlgorithmsCert = 50
	ExtKeyShare                = 51
	ExtALPS                    = 0x44cd
	ExtTrustAnchors            = 0xca34
	ExtEncryptedClientHello    = 0xfe0d
	ExtRenegotiationIndicator  = 0xff01
)

// TLS is a ClientHello over TCP (RFC 8446 section 4.1.2) as numbers. Lists are in
// wire order, and GREASE in one stands for a fresh value.
type TLS struct {
	CipherSuites []uint16

	// Extensions by number. pre_shared_key is not listed: it comes last, and only
	// when there is a session to resume. With Shuffle those between the first and
	// the last GREASE change places at random in each hello.
	Extensions []uint16
	Shuffle    bool

	// What the extensions hold.

	Groups                         []uint16
	KeyShares                      []uint16 // the groups for which a key goes along
	SignatureAlgorithms            []uint16
	CertificateSignatureAlgorithms []uint16 // of certificates, where it differs
	Versions                       []uint16 // newest first
	ALPN                           []string
	ALPS                           []string // protocols with settings; left out of hellos that do not offer them in ALPN
	CertificateCompression         []uint16 // RFC 8879: 2 is brotli
	PSKModes                       []uint8
	PointFormats                   []uint8
	ECHPayloads                    []int  // lengths of a GREASE ECH payload, one drawn for each hello
	TrustAnchors                   string // body of trust_anchors in hex
}
