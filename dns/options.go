package dns

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// Options say how one name is to be resolved: the options of Electron's
// session.resolveHost, with its defaults as zero values, and what a layer of the
// stack has to add.
type Options struct {
	QueryType       QueryType                // zero: both families
	Source          Source                   // zero: any
	CacheUsage      CacheUsage               // zero: allowed
	SecureDNSPolicy exchange.SecureDNSPolicy // zero: allow

	// Scheme and Port are those of a connection to come. With https, http and their
	// WebSocket kin, HTTPS records (RFC 9460) are asked for beside the addresses, where
	// the one who is asked can know them. With http or ws, a usable one makes the
	// lookup fail with neterr.DNSNameHTTPSOnly: the host wants https or wss.
	Scheme string // empty: only addresses are wanted
	Port   uint16 // 0: the scheme's own

	Isolation origin.Key    // whose lookups may be joined with this one
	NetLog    netlog.Source // of the caller; lookups write their events to it
}

// A QueryType restricts an answer to one family of addresses (Electron: queryType).
type QueryType uint8

// The query types.
const (
	QueryAny  QueryType = iota // IPv4 and IPv6
	QueryA                     // IPv4
	QueryAAAA                  // IPv6
)

// String returns "A", "AAAA" or, as Chromium's logs do, "UNSPECIFIED".
func (q QueryType) String() string {
	switch q {
	case QueryA:
		return "A"
	case QueryAAAA:
		return "AAAA"
	}
	return "UNSPECIFIED"
}

func (q QueryType) allows(f family) bool {
	return q == QueryAny || (q == QueryA) == (f == v4)
}

// A Source says who may answer (Electron: source). Whatever it is, addresses,
// localhost and the hosts file answer first.
type Source uint8

// The sources.
const (
	SourceAny       Source = iota // as the resolver is configured
	SourceSystem                  // the operating system's resolver
	SourceDNS                     // DNS servers, in the clear or over HTTPS as configured
	SourceMDNS                    // the neighbours, by multicast
	SourceLocalOnly               // nobody else: what is not known locally fails
)

// String returns Electron's word: "any", "system", "dns", "mdns" or "localOnly".
func (s Source) String() string {
	switch s {
	case SourceSystem:
		return "system"
	case SourceDNS:
		return "dns"
	case SourceMDNS:
		return "mdns"
	case SourceLocalOnly:
		return "localOnly"
	}
	return "any"
}

// CacheUsage says whether a remembered answer may serve (Electron: cacheUsage).
type CacheUsage uint8

// The cache usages.
const (
	CacheAllowed      CacheUsage = iota // a fresh one
	CacheStaleAllowed                   // an old one as well, while a new one is asked for
	CacheDisallowed                     // none; the answer is remembered all the same
)

// String returns Electron's word: "allowed", "staleAllowed" or "disallowed".
func (c CacheUsage) String() string {
	switch c {
	case CacheStaleAllowed:
		return "staleAllowed"
	case CacheDisallowed:
		return "disallowed"
	}
	return "allowed"
}

func (o *Options) validate() error {
	if o.QueryType > QueryAAAA || o.Source > SourceLocalOnly || o.CacheUsage > CacheDisallowed ||
		o.SecureDNSPolicy > exchange.SecureDNSBootstrap {
		return neterr.InvalidArgument
	}
	return nil
}

// service returns the name that HTTPS records for the connection have (RFC 9460 section
// 9.1), empty if there are none.
func (o *Options) service(host string) string {
	port := uint16(443)
	switch o.Scheme {
	case "https", "wss":
	case "http", "ws":
		port = 80 // where an origin over HTTPS would answer on its own port
	default:
		return ""
	}
	host = strings.TrimSuffix(host, ".")
	if o.Port == 0 || o.Port == port {
		return host
	}
	return "_" + strconv.Itoa(int(o.Port)) + "._https." + host
}

// A Result is what a name resolved to.
type Result struct {
	// Addrs has each address once, in the order to try them: as the system's resolver
	// gave each family, IPv6 first, or by RFC 6724 if others answered. It belongs to
	// the caller.
	Addrs []netip.Addr

	// Services are the HTTPS records about the host itself that a client can use: which
	// protocols it speaks, and its ECH configuration. They are shared, and must not be
	// changed.
	Services      []dnswire.Service
	ServicesKnown bool // no more of them will come

	Port uint16 // to connect to, if a rule put one in place of Options.Port; else 0

	CanonicalName string // where aliases led, if the source told; the system's resolver does not

	// Source is who answered: "literal", "localhost", "hosts", "preset", "system",
	// "dns", "https" or "mdns"; empty before anybody did.
	Source string

	Cached  bool      // it was remembered
	Stale   bool      // and is too old, or from another network
	Expires time.Time // zero: nobody said
}

type family uint8

const (
	v6 family = iota // first: as Chromium prefers it
	v4
)

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return v4
	}
	return v6
}
