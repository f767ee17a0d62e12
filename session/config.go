package session

import (
	"log/slog"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/session/storage"
	"github.com/kaon-net/kaon/tls"
)

// A Config configures a [Session]. The zero Config is an in-memory session that
// behaves as Chromium does.
type Config struct {
	Path string // storage directory, absolute; empty keeps everything in memory

	// RestoreSessionCookies keeps cookies that end with the session, too, for the next one
	// with the same Path.
	RestoreSessionCookies bool

	// CookieKey seals the values of cookies in the Path: 32 bytes. OldCookieKeys open what
	// was sealed with other keys, which is then sealed with CookieKey, as is what was not
	// sealed at all. What no key opens is kept, but is not restored. nil: no seal.
	CookieKey     []byte
	OldCookieKeys [][]byte

	// Keyring has the CookieKey instead, and is given a random one if it has none:
	// keyring.System{} of session/storage/keyring is the operating system's. It is asked
	// when the session is made, for service "kaon" and KeyringName, which is the Path
	// if empty. If it fails, there is a warning, and cookies last as long as the session.
	Keyring     storage.Keyring
	KeyringName string

	DisableCache bool  // no HTTP cache
	CacheSize    int64 // of the HTTP cache, in bytes; 0 is Chromium's choice for the disk or, without a Path, the memory

	// CacheStore keeps the HTTP cache in place of the Path or memory: cache/redis shares
	// one among many machines. The program closes it, after the session.
	CacheStore store.Store

	UserAgent       string // empty: the TLS profile's, which is Chromium's, for this operating system
	AcceptLanguages string // as "en-US,fr": the q-values are added; empty: "en-US,en"

	DNS     dns.Config
	Cookies cookiejar.Config // its Policy may block what other sites set: cookiejar.BlockThirdParty
	HSTS    hsts.Config      // its Preload lists hosts that are https from the start
	TLS     tls.Config       // its Profile is what requests look like, too; its Verifier may be several sessions'

	MaxConnsPerHost int           // HTTP/1.1 sockets to one host; 0 is 6, negative no limit
	MaxConns        int           // sockets in all; 0 is 256, negative no limit
	IdleTimeout     time.Duration // of a socket that served before; 0 is 5 minutes
	MaxHeaderBytes  int           // of a response's head; 0 is 256 KiB

	DisableHTTP2 bool     // offer servers HTTP/1.1 alone over TCP (Electron: --disable-http2)
	DisableQUIC  bool     // no HTTP/3 (Electron: --disable-quic); nor with profile.Go, which has none
	AllowedPorts []uint16 // restricted ports, as 6667, that are used all the same

	// Monitor notices that the network changed, so that no later request uses a
	// connection made before. The program closes it, after the session. nil: one of the
	// session's own, or of its profile, that is opened with the first connection. In a
	// testing/synctest bubble, where waiting for the system stops the clock, give one
	// with a List.
	Monitor *netmon.Monitor

	Logger  *slog.Logger          // operational warnings; nil is silent
	Network exchange.RoundTripper // replaces everything below the cache; nil is the real network
}
