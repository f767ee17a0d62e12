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
// A server that asks for a client certificate gets the one that
// [Client.SetClientCertificate] named for it; without one the handshake ends with a
// [ClientAuthError]. The server may renegotiate where Chromium lets it: over HTTP/1.1.
//
// Bounds on what a server can have us hold during a handshake are uTLS's: messages of
// 64 KiB, 256 KiB for certificates, 16 MiB for what compressed ones say they become.
package tls

import (
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/tls/certverify"
)

const defaultHandshakeTimeout = 30 * time.Second

// Config configures a Client. The zero Config is Chromium with the system's roots.
type Config struct {
	Profile  *profile.Profile     // how the ClientHello looks; nil is profile.Chromium156
	Verifier *certverify.Verifier // nil trusts what the system trusts

	SSL SSLConfig // what of the profile is in use at first; see Client.SetSSLConfig

	// HandshakeTimeout bounds a handshake without the time that the Verifier takes.
	// Zero is 30 s; negative is none.
	HandshakeTimeout time.Duration

	// SessionCacheSize is for how many servers sessions are kept, to resume them.
	// Zero is 1024; negative keeps none.
	SessionCacheSize int
}

// A Client makes TLS connections. Its methods may be called at the same time.
type Client struct {
	timeout          time.Duration
	verifier         *certverify.Verifier
	profile          *profile.Profile
	sessionCacheSize int

	settings   atomic.Pointer[settings]
	identities identities
	stock      stock
}

// NewClient returns a Client. It fails if the profile names what is not known, such as
// an extension, or if cfg.SSL leaves nothing to offer.
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
	groups := cfg.Profile.TLS.KeyShares
	if err := checkKeyShares(groups); err != nil {
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "tls profile", Err: err}
	}
	c := &Client{
		timeout: cfg.HandshakeTimeout, verifier: cfg.Verifier,
		profile: cfg.Profile, sessionCacheSize: cfg.SessionCacheSize,
	}
	c.stock.make = func() *keys { return makeKeys(groups) }
	if err := c.SetSSLConfig(cfg.SSL); err != nil {
		return nil, err
	}
	return c, nil
}

// Profile returns the image that the Client's hellos have, which goes beyond TLS.
func (c *Client) Profile() *profile.Profile { return c.profile }

// Verifier returns what judges the servers' certificates.
func (c *Client) Verifier() *certverify.Verifier { return c.verifier }

// Close frees what the Client made ahead and waits for what it does in the background.
// Connections live on, and new ones may still be made.
func (c *Client) Close() { c.stock.close() }
