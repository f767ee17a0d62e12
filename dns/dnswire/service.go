package dnswire

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	miekg "github.com/miekg/dns"
)

// A Service is an HTTPS record: one way to reach an origin (RFC 9460).
type Service struct {
	Priority uint16 // 0: Target is an alias of the name, and says nothing else
	Target   string // in lower case and without the last dot; empty: the record's own name

	ALPN   []string     // beside the default "http/1.1", which goes with it unless Strict
	Port   uint16       // 0: the origin's own
	ECH    []byte       // ECHConfigList; empty: none
	Hints  []netip.Addr // to start with before Target is resolved; Chromium does not use them
	Strict bool         // no-default-alpn: the protocols of ALPN are all there are
}

// serviceOf reads a record, unless it has a parameter that a client must understand
// and this one does not (RFC 9460 section 8).
func serviceOf(rr *miekg.SVCB) (Service, bool) {
	s := Service{Priority: rr.Priority, Target: strings.TrimSuffix(canonical(rr.Target), ".")}
	if s.Priority == 0 {
		return s, true
	}
	for _, v := range rr.Value {
		switch v := v.(type) {
		case *miekg.SVCBMandatory:
			if !slices.ContainsFunc(v.Code, unknown) {
				continue
			}
			return Service{}, false
		case *miekg.SVCBAlpn:
			s.ALPN = v.Alpn
		case *miekg.SVCBNoDefaultAlpn:
			s.Strict = true
		case *miekg.SVCBPort:
			s.Port = v.Port
		case *miekg.SVCBECHConfig:
			s.ECH = v.ECH
		case *miekg.SVCBIPv4Hint:
			s.hint(v.Hint)
		case *miekg.SVCBIPv6Hint:
			s.hint(v.Hint)
		}
	}
	// "no-default-alpn" alone would leave no protocol at all (RFC 9460 section 7.1.1).
	return s, !s.Strict || len(s.ALPN) > 0
}

func (s *Service) hint(ips []net.IP) {
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip); ok {
			s.Hints = append(s.Hints, a.Unmap())
		}
	}
}

func unknown(k miekg.SVCBKey) bool { return k > miekg.SVCB_IPV6HINT }
