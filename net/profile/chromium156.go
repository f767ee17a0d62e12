package profile

// Chromium156 returns the image of Chromium 156 as Debian 12 packages it, on a machine
// with AES instructions: desktop, English, no field trials. macOS and Windows differ
// in the platform alone.
func Chromium156() *Profile { return &chromium156 }

// A literal of constants: the linker lays it out, so a program that imports the
// package pays nothing at start.
var chromium156 = Profile{
	Name:    "Chromium",
	Version: "156.0.8078.79",
	Brands:  []Brand{{"Not:A-Brand", "8"}, {"Chromium", "156"}},
	Linux: Platform{
		Name:      "Linux",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	},
	Mac: Platform{
		Name:      "macOS",
		UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	},
	Windows: Platform{
		Name:      "Windows",
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	},
	Languages:              []string{"en-US", "en"},
	AcceptEncoding:         "gzip, deflate, br, zstd",
	AcceptEncodingInsecure: "gzip, deflate",

	TLS: TLS{
		CipherSuites: []uint16{
			GREASE, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
			0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
		},
		Extensions: []uint16{
			GREASE,
			ExtServerName, ExtExtendedMasterSecret, ExtRenegotiationIndicator,
			ExtSupportedGroups, ExtPointFormats, ExtSessionTicket, ExtALPN,
			ExtStatusRequest, ExtSignatureAlgorithms, ExtSignedCertTimestamps,
			ExtKeyShare, ExtPSKModes, ExtSupportedVersions, ExtCompressCertificate,
			ExtALPS, ExtEncryptedClientHello, ExtTrustAnchors,
			GREASE,
		},
		Shuffle:   true,
		Groups:    []uint16{GREASE, 0x11ec, 0x001d, 0x0017, 0x0018},
		KeyShares: []uint16{GREASE, 0x11ec, 0x001d},
		SignatureAlgorithms: []uint16{
			GREASE, 0x0904, 0x0905, 0x0906,
			0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
		},
		Versions:               []uint16{GREASE, 0x0304, 0x0303},
		ALPN:                   []string{"h2", "http/1.1"},
		ALPS:                   []string{"h2"},
		CertificateCompression: []uint16{2},
		PSKModes:               []uint8{1},
		PointFormats:           []uint8{0},
		ECHPayloads:            []int{144, 176, 208, 240},
		TrustAnchors: "00b8" +
			"0582df130201" + "0582df130206" + "0582df13020d" + "0582df13020e" + "0582df13020f" +
			"0582df130212" + "0582df130213" + "0582df130214" +
			"08839a648c9b2d0107" + "08839a648c9b2d0108" + "08839a648c9b2d0109" +
			"08839a648c9b2d010a" + "08839a648c9b2d010b" + "08839a648c9b2d010c" +
			"08839a648c9b2d010d" + "08839a648c9b2d0112" + "08839a648c9b2d0113" +
			"04d6790901" + "04d6790904" + "04d6790905" + "04d6790906" + "04d6790907" +
			"04d6790908" + "04d679090a" + "04d679090b" + "04d679090c" + "04d679090d" + "04d679090f",
	},

	HTTP2: HTTP2{
		Settings: []Setting{
			{1, 65536},   // HEADER_TABLE_SIZE
			{2, 0},       // ENABLE_PUSH
			{4, 6291456}, // INITIAL_WINDOW_SIZE
			{6, 262144},  // MAX_HEADER_LIST_SIZE
		},
		WindowUpdate:  15663105,
		PseudoHeaders: []string{":method", ":authority", ":scheme", ":path"},
		Weights:       [8]uint16{256, 220, 183, 147, 110, 74, 37, 1},
		Exclusive:     true,
	},
	HTTP3: true,

	Headers: Headers{
		Navigate: []Slot{
			{Name: "Pragma", Role: CacheMode},
			{Name: "Cache-Control", Role: CacheMode},
			{Name: "sec-ch-ua", Role: BrandList, Trustworthy: true},
			{Name: "sec-ch-ua-mobile", Value: "?0", Trustworthy: true},
			{Name: "sec-ch-ua-platform", Role: PlatformName, Trustworthy: true},
			{Name: "Upgrade-Insecure-Requests", Value: "1"},
			{Role: Caller},
			{Name: "Content-Type", Role: ContentType},
			{Name: "User-Agent", Role: UserAgent},
			{Name: "Origin", Role: RequestOrigin},
			{Name: "Accept", Role: CallerAccept},
			{Name: "Accept", Role: Accepted},
			{Name: "Sec-Fetch-Site", Role: FetchSite, Trustworthy: true},
			{Name: "Sec-Fetch-Mode", Role: FetchMode, Trustworthy: true},
			{Name: "Sec-Fetch-User", Role: FetchUser, Trustworthy: true},
			{Name: "Sec-Fetch-Dest", Role: FetchDest, Trustworthy: true},
			{Name: "Sec-Fetch-Storage-Access", Role: StorageAccess, Trustworthy: true},
			{Name: "Referer", Role: Referrer},
			{Name: "Accept-Encoding", Role: AcceptEncoding},
			{Name: "Accept-Language", Role: Languages},
			{Name: "Range", Role: Range},
			{Name: "Cookie", Role: Cookie},
		},
		Fetch: []Slot{
			{Name: "Pragma", Role: CacheMode},
			{Name: "Cache-Control", Role: CacheMode},
			{Name: "sec-ch-ua-platform", Role: PlatformName, Trustworthy: true},
			{Name: "User-Agent", Role: UserAgent},
			{Name: "Accept", Role: CallerAccept},
			{Name: "sec-ch-ua", Role: BrandList, Trustworthy: true},
			{Role: Caller},
			{Name: "Content-Type", Role: ContentType},
			{Name: "sec-ch-ua-mobile", Value: "?0", Trustworthy: true},
			{Name: "Accept", Role: Accepted},
			{Name: "Origin", Role: RequestOrigin},
			{Name: "Sec-Fetch-Site", Role: FetchSite, Trustworthy: true},
			{Name: "Sec-Fetch-Mode", Role: FetchMode, Trustworthy: true},
			{Name: "Sec-Fetch-Dest", Role: FetchDest, Trustworthy: true},
			{Name: "Sec-Fetch-Storage-Access", Role: StorageAccess, Trustworthy: true},
			{Name: "Referer", Role: Referrer},
			{Name: "Accept-Encoding", Role: AcceptEncoding},
			{Name: "Accept-Language", Role: Languages},
			{Name: "Range", Role: Range},
			{Name: "Cookie", Role: Cookie},
		},
		Accepts: []Accept{
			{"document", acceptDocument156},
			{"iframe", acceptDocument156},
			{"frame", acceptDocument156},
			{"object", acceptDocument156},
			{"embed", acceptDocument156},
			{"image", "image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"},
			{"style", "text/css,*/*;q=0.1"},
		},
	},
}

const acceptDocument156 = "text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
