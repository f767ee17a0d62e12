// Package profile describes one browser as the network sees it: TLS, HTTP/2, header
// order and User-Agent together, so that they never contradict each other.
//
// A [Profile] is data and knows no protocol: tls, net/h2 and net/fetch each read their
// part. It needs nothing but the standard library. [Chromium156] is a browser, [Go] a
// plain Go program. Supporting another version of a browser is one more file like
// chromium156.go.
//
//	p := profile.Chromium156()
//	ua := p.Platform(runtime.GOOS).UserAgent
package profile

import "strings"

// A Profile is one browser's wire image. It is shared and must not be changed; who
// wants another one copies the struct and replaces whole fields.
type Profile struct {
	Name    string // as "Chromium"
	Version string // as captured: "156.0.8078.79"

	Brands    []Brand // for sec-ch-ua, in the order sent
	Linux     Platform
	Mac       Platform
	Windows   Platform
	Languages []string // preferred first, as "en-US", "en"

	AcceptEncoding         string // to trustworthy URLs
	AcceptEncodingInsecure string // to all others

	TLS     TLS
	HTTP2   HTTP2
	HTTP3   bool // whether it speaks HTTP/3 at all
	Headers Headers
}

// A Brand is one entry of the brand list (User-Agent Client Hints section 3.1).
type Brand struct{ Name, Version string }

// A Platform is what depends on the operating system.
type Platform struct {
	Name      string // for sec-ch-ua-platform, without quotes
	UserAgent string
}

// Platform returns the platform for a value of runtime.GOOS; all but "darwin" and
// "windows" are Linux.
func (p *Profile) Platform(goos string) Platform {
	switch goos {
	case "darwin":
		return p.Mac
	case "windows":
		return p.Windows
	}
	return p.Linux
}

// BrandList returns the value of sec-ch-ua.
func (p *Profile) BrandList() string {
	var b strings.Builder
	for i, brand := range p.Brands {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + brand.Name + `";v="` + brand.Version + `"`)
	}
	return b.String()
}

// AcceptLanguage returns the value of Accept-Language for languages in order of
// preference, as Chromium weighs them: 1, 0.9, 0.8 and so on, not below 0.1.
func AcceptLanguage(languages []string) string {
	var b strings.Builder
	for i, lang := range languages {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(lang)
		if i > 0 {
			b.WriteString(";q=0.")
			b.WriteByte(byte('0' + max(10-i, 1)))
		}
	}
	return b.String()
}
