package sysconf

import (
	"net/netip"
	"slices"
	"time"
)

// A Config is what the system says about asking DNS servers. Whoever is given one
// must not change it.
type Config struct {
	Nameservers []netip.AddrPort // in the order to ask, at most 3; zones as in fe80::1%eth0
	Search      []string         // suffixes of names that are not complete, at most 6, without dots at the ends
	Ndots       int              // a name with so many dots is first tried as it is; 0 to 15

	// Timeout is how long to wait for an answer, in whole seconds from 1 to 30. It is 5 s
	// where nothing else is said. Package dns takes Chromium's 1 s, whatever is said.
	Timeout  time.Duration
	Attempts int // how often to ask each server, 1 to 5

	Rotate              bool // begin with another server each time
	UseTCP              bool // "use-vc": do not ask over UDP
	EDNS0               bool
	TrustAD             bool // believe what servers say of DNSSEC
	SingleRequest       bool // ask for A and AAAA one after the other
	SingleRequestReopen bool // and from another socket
	NoAAAA              bool // do not ask for AAAA
	NoTLDQuery          bool // do not try a name without dots as it is

	// Unhandled says why a DNS client would not find what the system's own resolver
	// finds: a setting in words for each reason. Chromium uses its client only if there
	// is none.
	Unhandled []string
}

// Equal reports whether both say the same.
func (c *Config) Equal(o *Config) bool {
	return c.Ndots == o.Ndots && c.Timeout == o.Timeout && c.Attempts == o.Attempts &&
		c.Rotate == o.Rotate && c.UseTCP == o.UseTCP && c.EDNS0 == o.EDNS0 && c.TrustAD == o.TrustAD &&
		c.SingleRequest == o.SingleRequest && c.SingleRequestReopen == o.SingleRequestReopen &&
		c.NoAAAA == o.NoAAAA && c.NoTLDQuery == o.NoTLDQuery &&
		slices.Equal(c.Nameservers, o.Nameservers) && slices.Equal(c.Search, o.Search) &&
		slices.Equal(c.Unhandled, o.Unhandled)
}
