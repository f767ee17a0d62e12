package profile

// Go returns the image of a plain Go program: crypto/tls and net/http of Go 1.26.
// Servers see a tool and no browser. The two hybrid groups of P-256 and P-384 with
// ML-KEM, for which crypto/tls sends no key, are left out, for the tls package does
// not know them. The User-Agent is net/http's for HTTP/1.1 on every protocol, and
// fields keep the caller's order, where net/http sorts them.
func Go() *Profile { return &go126 }

var go126 = Profile{
	Name:                   "Go",
	Version:                "1.26",
	Linux:                  Platform{Name: "Linux", UserAgent: "Go-http-client/1.1"},
	Mac:                    Platform{Name: "macOS", UserAgent: "Go-http-client/1.1"},
	Windows:                Platform{Name: "Windows", UserAgent: "Go-http-client/1.1"},
	AcceptEncoding:         "gzip",
	AcceptEncodingInsecure: "gzip",

	TLS: TLS{
		CipherSuites: []uint16{
			0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
			0xc009, 0xc013, 0xc00a, 0xc014, 0x1301, 0x1302, 0x1303,
		},
		Extensions: []uint16{
			ExtServerName, ExtPointFormats, ExtSessionTicket, ExtRenegotiationIndicator,
			ExtExtendedMasterSecret, ExtSignedCertTimestamps, ExtStatusRequest,
			ExtSupportedGroups, ExtSignatureAlgorithms, ExtSignatureAlgorithmsCert,
			ExtALPN, ExtSupportedVersions, ExtKeyShare, ExtPSKModes,
		},
		Groups:    []uint16{0x11ec, 0x001d, 0x0017, 0x0018, 0x0019},
		KeyShares: []uint16{0x11ec, 0x001d},
		SignatureAlgorithms: []uint16{
			0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603,
		},
		CertificateSignatureAlgorithms: []uint16{
			0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603, 0x0201, 0x0203,
		},
		Versions:     []uint16{0x0304, 0x0303},
		ALPN:         []string{"h2", "http/1.1"},
		PSKModes:     []uint8{1},
		PointFormats: []uint8{0},
	},

	HTTP2: HTTP2{
		Settings: []Setting{
			{2, 0},        // ENABLE_PUSH
			{4, 4 << 20},  // INITIAL_WINDOW_SIZE
			{5, 16384},    // MAX_FRAME_SIZE
			{6, 10 << 20}, // MAX_HEADER_LIST_SIZE
		},
		WindowUpdate:  1 << 30,
		PseudoHeaders: []string{":authority", ":method", ":path", ":scheme"},
	},

	Headers: Headers{
		Navigate: goHeaders,
		Fetch:    goHeaders,
	},
}

var goHeaders = []Slot{
	{Name: "User-Agent", Role: UserAgent},
	{Name: "Content-Type", Role: ContentType},
	{Role: Caller},
	{Name: "Accept", Role: CallerAccept},
	{Name: "Referer", Role: Referrer},
	{Name: "Cookie", Role: Cookie},
	{Name: "Range", Role: Range},
	{Name: "Accept-Encoding", Role: AcceptEncoding},
}
