package dns

import (
	"net/netip"

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
	SecureDNSPolicy exchange.SecureDNSPolicy // zero: allow; without effect until DNS over HTTPS is there

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
	SourceAny       Source = iota // whatever this resolver has
	SourceSystem                  // the operating system's resolver
	SourceDNS                     // the resolver's own DNS client; not there yet
	SourceMDNS                    // multicast DNS; not there yet
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

// CacheUsage says whether a remembered answer may serve (Electron: cacheUsage). A
// [Resolver] remembers nothing yet, so that all three do the same today.
type CacheUsage uint8

// The cache usages.
const (
	CacheAllowed      CacheUsage = iota // a fresh one
	CacheStaleAllowed                   // an old one as well
	CacheDisallowed                     // none
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

// validate tells apart what does not exist and what is not there yet.
func (o *Options) validate() error {
	switch {
	case o.QueryType > QueryAAAA, o.Source > SourceLocalOnly, o.CacheUsage > CacheDisallowed,
		o.SecureDNSPolicy > exchange.SecureDNSBootstrap:
		return neterr.InvalidArgument
	case o.Source == SourceDNS, o.Source == SourceMDNS:
		return neterr.NotImplemented
	}
	return nil
}

// A Result is what a name resolved to.
type Result struct {
	// Addrs has each address once, in the order to try them: IPv6 before IPv4,
	// and each family in the order of its source. It belongs to the caller.
	Addrs []netip.Addr

	CanonicalName string // where aliases led, if the source told; the system's resolver does not
	Source        string // who answered: "literal", "localhost", "hosts" or "system"; empty before anybody did
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
