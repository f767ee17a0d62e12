package dns

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"runtime"

	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/netlog"
)

// Config configures a [Resolver]. The zero Config is a resolver that asks the operating
// system's, under Chromium's limits, and remembers what it said.
type Config struct {
	System     System // nil: net.DefaultResolver
	MaxLookups int    // names asked for at once, others wait; 0: 64; negative: no limit

	HostsFile    string // path; empty: the system's
	DisableHosts bool   // do not read a hosts file; the System may still do so

	CacheSize int // answers remembered; 0: 1,000; negative: none

	Rules Rules // map names to others before anything else; zero: none

	// Nameservers are whom the built-in client asks. nil: those of the operating
	// system, with its other settings, as they change.
	Nameservers []netip.AddrPort

	// Dial connects to name servers, at addresses as text, over "udp" and "tcp". What it
	// must return is said at stub.Config. nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Client says how names are looked up. [Resolver.Configure] changes it later.
	Client ClientConfig

	// HTTP carries questions to DNS over HTTPS servers. It must not resolve names by
	// this resolver with a policy other than exchange.SecureDNSBootstrap, which the
	// context of each request has. nil: there is no secure DNS.
	HTTP http.RoundTripper

	Log *netlog.Log // where probes of DNS over HTTPS servers are written; nil: nowhere

	// IPv6Reachable says whether there is a way to the IPv6 internet. Without one,
	// nobody is asked for IPv6 addresses, unless they alone are asked for. nil: the
	// system's routes tell, looked at once a second.
	IPv6Reachable func() bool
}

// A ClientConfig says how names are looked up (Electron: app.configureHostResolver).
// The zero ClientConfig has Electron's defaults: secure DNS is off, and the built-in
// client is used on macOS alone.
type ClientConfig struct {
	BuiltInResolver Switch // use the built-in client before the system's resolver

	SecureDNSMode    SecureDNSMode
	SecureDNSServers []doh.Server // nobody's: in automatic mode, those that belong to the system's name servers

	// DisableAdditionalQueries leaves HTTPS records alone (Electron:
	// enableAdditionalDnsQueryTypes). The system's resolver does not give them anyway.
	DisableAdditionalQueries bool
}

// A Switch turns something on or off, or leaves it as it is by default.
type Switch uint8

// The positions of a switch.
const (
	Default Switch = iota
	On
	Off
)

// A SecureDNSMode says whether names may be asked for in the clear (Electron:
// secureDnsMode).
type SecureDNSMode uint8

// The modes.
const (
	SecureDNSOff       SecureDNSMode = iota // never over HTTPS
	SecureDNSAutomatic                      // over HTTPS where that works, else in the clear
	SecureDNSSecure                         // never in the clear: what HTTPS does not answer fails
)

// String returns Electron's word: "off", "automatic" or "secure".
func (m SecureDNSMode) String() string {
	switch m {
	case SecureDNSAutomatic:
		return "automatic"
	case SecureDNSSecure:
		return "secure"
	}
	return "off"
}

// builtIn reports whether the built-in client comes before the system's resolver.
func (c *ClientConfig) builtIn() bool {
	return c.BuiltInResolver == On || c.BuiltInResolver == Default && runtime.GOOS == "darwin"
}
