package dns

import "github.com/kaon-net/kaon/net/exchange"

// A step is one who may know a name.
type step uint8

// The steps, with Chromium's numbers for its logs in [step.number].
const (
	stepCache         step = iota // what is remembered, whoever said it
	stepSecureCache               // what was said over HTTPS
	stepInsecureCache             // what was said otherwise
	stepHosts
	stepPreset // where a DNS over HTTPS server was said to be
	stepSecureDNS
	stepDNS
	stepSystem
	stepMDNS
)

// number is what Chromium's logs have for a step (HostResolverManager::TaskType).
func (s step) number() int {
	switch s {
	case stepSystem:
		return 0
	case stepDNS:
		return 1
	case stepSecureDNS:
		return 2
	case stepMDNS:
		return 3
	case stepCache:
		return 4
	case stepInsecureCache:
		return 5
	case stepSecureCache:
		return 6
	case stepPreset:
		return 7
	case stepHosts:
		return 9
	}
	return -1
}

// local reports whether a step needs nobody else.
func (s step) local() bool { return s <= stepPreset }

// A situation is what decides whom to ask.
type situation struct {
	source Source
	usage  CacheUsage
	policy exchange.SecureDNSPolicy
	mode   SecureDNSMode

	builtIn       bool // the built-in client comes first, and can be used
	haveDNS       bool // it can be used at all
	doh           bool // there are DNS over HTTPS servers
	dohWorks      bool // and one of them is known to answer
	multicastName bool // ends in .local
}

// sequence appends whom to ask, in order. Each is asked if those before it failed.
func (s *situation) sequence(steps []step) []step {
	mode := s.mode
	if s.policy != exchange.SecureDNSAllow || !s.doh && mode == SecureDNSAutomatic {
		mode = SecureDNSOff
	}
	both := s.source == SourceAny || s.source == SourceDNS
	system := s.source == SourceAny || s.source == SourceSystem
	dns := both && s.haveDNS && (s.builtIn || !system)

	switch {
	case mode == SecureDNSSecure && both && !s.multicastName:
		// Nobody else, whatever becomes of it: that is what the mode is for.
		return s.withCaches(steps, stepSecureCache, stepHosts, stepSecureDNS)
	case mode == SecureDNSSecure && s.source == SourceLocalOnly:
		return s.withCaches(steps, stepSecureCache, stepHosts)
	case s.multicastName && system:
		return s.withCaches(steps, stepCache, stepHosts, stepSystem)
	case mode == SecureDNSAutomatic && both && s.usage == CacheStaleAllowed:
		steps = s.withCaches(steps, stepCache, stepHosts, stepSecureDNS)
	case mode == SecureDNSAutomatic && both && s.dohWorks:
		steps = s.withCaches(steps, stepHosts, stepSecureCache, stepSecureDNS, stepInsecureCache)
	case s.policy == exchange.SecureDNSBootstrap:
		steps = s.withCaches(steps, stepCache, stepPreset, stepHosts)
	default:
		steps = s.withCaches(steps, stepCache, stepHosts)
	}
	if dns {
		steps = append(steps, stepDNS)
	}
	if system {
		steps = append(steps, stepSystem)
	}
	if s.source == SourceMDNS {
		steps = append(steps, stepMDNS)
	}
	return steps
}

// withCaches appends steps, without the caches if they must not be asked.
func (s *situation) withCaches(steps []step, more ...step) []step {
	for _, m := range more {
		if m > stepInsecureCache || s.usage != CacheDisallowed {
			steps = append(steps, m)
		}
	}
	return steps
}
