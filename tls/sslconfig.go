package tls

import (
	stdtls "crypto/tls"
	"fmt"
	"slices"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/profile"
)

// An SSLConfig narrows what the profile offers, as Electron's ses.setSSLConfig does.
// The zero SSLConfig is TLS 1.2 and 1.3 with all cipher suites of the profile.
type SSLConfig struct {
	// MinVersion and MaxVersion are "tls1", "tls1.1", "tls1.2" or "tls1.3".
	// An empty MinVersion is "tls1.2", an empty MaxVersion "tls1.3". TLS 1.1 and 1.0
	// are broken, and no browser speaks them any more: a hello that offers them is
	// none of the profile's.
	MinVersion, MaxVersion string

	// DisabledCipherSuites are numbers as 0x009c. Those of TLS 1.3 stay in use, and
	// unknown ones change nothing.
	DisabledCipherSuites []uint16
}

// SetSSLConfig has later handshakes follow c instead of what was set before, and resume
// no session of earlier ones; those under way are not disturbed. The error is
// neterr.InvalidArgument for an unknown version, or if nothing is left to offer, and
// then all stays as it was.
//
// Who keeps connections closes the idle ones.
func (c *Client) SetSSLConfig(cfg SSLConfig) error {
	s, err := newSettings(c.profile, cfg, c.sessionCacheSize)
	if err != nil {
		return err
	}
	c.settings.Store(s)
	return nil
}

// settings are what one SSLConfig comes to. They do not change, but for the sessions
// made under them.
type settings struct {
	hello    helloMaker
	sessions *sessions[*utls.ClientSessionState]   // nil keeps none
	quic     *sessions[*stdtls.ClientSessionState] // likewise
}

func newSettings(p *profile.Profile, cfg SSLConfig, sessionCacheSize int) (*settings, error) {
	hello, err := newHelloMaker(p, cfg)
	if err != nil {
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "tls settings", Err: err}
	}
	s := &settings{hello: hello}
	if sessionCacheSize > 0 {
		s.sessions = newSessions[*utls.ClientSessionState](sessionCacheSize)
		s.quic = newSessions[*stdtls.ClientSessionState](sessionCacheSize)
	}
	return s, nil
}

func (c SSLConfig) versions() (lowest, highest uint16, err error) {
	if lowest, err = version(c.MinVersion, utls.VersionTLS12); err != nil {
		return 0, 0, fmt.Errorf("minimum version: %w", err)
	}
	if highest, err = version(c.MaxVersion, utls.VersionTLS13); err != nil {
		return 0, 0, fmt.Errorf("maximum version: %w", err)
	}
	return lowest, highest, nil
}

func version(name string, unset uint16) (uint16, error) {
	switch name {
	case "":
		return unset, nil
	case "tls1":
		return utls.VersionTLS10, nil
	case "tls1.1":
		return utls.VersionTLS11, nil
	case "tls1.2":
		return utls.VersionTLS12, nil
	case "tls1.3":
		return utls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("%q is none of tls1, tls1.1, tls1.2 and tls1.3", name)
}

// offered returns the versions of a profile from lowest to highest, newest first. A
// profile is of a browser, which has nothing below TLS 1.2: what lies below its last
// version is added.
func offered(versions []uint16, lowest, highest uint16) []uint16 {
	var out []uint16
	var last uint16 // the list falls
	for _, v := range versions {
		if v == profile.GREASE || lowest <= v && v <= highest {
			out = append(out, v)
		}
		if v != profile.GREASE {
			last = v
		}
	}
	if last > 0 {
		for v := min(last, highest+1) - 1; v >= lowest; v-- {
			out = append(out, v)
		}
	}
	return out
}

// tls13Suite reports whether a cipher suite is one of TLS 1.3, which share a row of the
// registry.
func tls13Suite(suite uint16) bool { return suite>>8 == 0x13 }

// needsTLS12 reports whether a cipher suite must not be offered below TLS 1.2.
func needsTLS12(suite uint16) bool {
	for _, s := range slices.Concat(utls.CipherSuites(), utls.InsecureCipherSuites()) {
		if s.ID == suite {
			return !slices.Contains(s.SupportedVersions, utls.VersionTLS11)
		}
	}
	return false
}
