// Package tls makes client connections whose handshake looks, on the wire, as a
// browser's does.
//
// A [Client] turns the numbers of a [profile.Profile] into a ClientHello, runs the
// handshake by uTLS and has the server's certificates judged by a
// [certverify.Verifier]. It needs a connection that someone else dialled and gives
// back a [Conn], which is a net.Conn:
//
//	c, err := tls.NewClient(tls.Config{})
//	…
//	conn, err := c.Handshake(ctx, raw, &tls.Request{Host: "example.com", Port: 443})
//	if errors.Is(err, neterr.CertDateInvalid) { … }
//
// Neither Encrypted ClientHello (beyond what is sent to grease it), client
// certificates nor renegotiation are there: a server that asks for a certificate is
// told that there is none, one that asks for renegotiation is refused.
package tls

import (
	"time"

	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls/certverify"
)

const defaultHandshakeTimeout = 30 * time.Second

// Config configures a Client. The zero Config is Chromium with the system's roots.
type Config struct {
	Profile  *profile.Profile     // how the ClientHello looks; nil is profile.Chromium156
	Verifier *certverify.Verifier // nil trusts what the system trusts

	// MinVersion and MaxVersion narrow what Profile offers, as 0x0303 for TLS 1.2.
	// Zero and anything beyond the profile's versions change nothing.
	MinVersion, MaxVersion uint16

	// HandshakeTimeout bounds a handshake without the time that the Verifier takes.
	// Zero is 30 s; negative is none.
	HandshakeTimeout time.Duration

	// SessionCacheSize is for how many servers sessions are kept, to resume them.
	// Zero is 1024; negative keeps none.
	SessionCacheSize int
}

// A Client makes TLS connections. Its methods may be called at the same time.
//
// Sessions belong to their Client. Whoever changes settings makes a new one, so that
// nothing agreed under the old settings is resumed under the new ones.
type Client struct {
	timeout  time.Duration
	verifier *certverify.Verifier
	hello    helloMaker
	sessions *sessions // nil keeps none
}

// NewClient returns a Client. It fails if the profile names an extension that is not
// known, or if no version is left to offer.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Profile == nil {
		cfg.Profile = profile.Chromium156()
	}
	if cfg.Verifier == nil {
		cfg.Verifier = certverify.New(certverify.Config{})
	}
	if cfg.HandshakeTimeout == 0 {
		cfg.HandshakeTimeout = defaultHandshakeTimeout
	}
	if cfg.SessionCacheSize == 0 {
		cfg.SessionCacheSize = defaultSessionServers
	}
	hello, err := newHelloMaker(cfg.Profile, cfg.MinVersion, cfg.MaxVersion)
	if err != nil {
		return nil, err
	}
	c := &Client{timeout: cfg.HandshakeTimeout, verifier: cfg.Verifier, hello: hello}
	if cfg.SessionCacheSize > 0 {
		c.sessions = newSessions(cfg.SessionCacheSize)
	}
	return c, nil
}
