package transport

import (
	"slices"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// How a server's HTTP/3 was found: what exchange.Info.Alternative says.
const (
	byAltSvc = "alt-svc"
	byDNS    = "dns"
)

// How long TCP waits for QUIC (Chromium: QuicSessionPool::GetTimeDelayForWaitingJob).
const (
	unknownHeadStart = 300 * time.Millisecond // where no round trip was measured
	maxHeadStart     = 3 * time.Second
)

// A site is whom alternatives are kept for.
type site struct {
	origin    origin.Origin
	isolation origin.Key
}

// A plan is how a site may be reached over QUIC, and how that races with TCP.
type plan struct {
	service   altsvc.Service
	found     string
	headStart time.Duration // how long TCP waits once it is known where the service is
	confirm   bool          // the connection is nothing before the server has answered: no 0-RTT
}

// A lore is what was learnt about QUIC. All rules of when to try it and what to make of
// it are here; whoever asks says what time it is.
type lore struct {
	store  *altsvc.Store
	worked bool // on this network
}

// advertised is the plan to follow what s's server has said: the first service that is
// not broken.
func (l *lore) advertised(s site, now time.Time) (plan, bool) {
	var room [4]altsvc.Alternative
	for _, a := range l.store.Lookup(room[:0], s.origin, s.isolation, now) {
		if !a.Broken {
			return l.plan(s, a.Service, byAltSvc, a.RecentlyBroken), true
		}
	}
	return plan{}, false
}

// published is the plan to follow what DNS says about s's host.
func (l *lore) published(s site, services []dnswire.Service, now time.Time) (plan, bool) {
	if !speaksHTTP3(services) {
		return plan{}, false
	}
	own := altsvc.Service{Protocol: "h3", Host: s.origin.Host, Port: s.origin.Port}
	if l.store.Broken(own, s.isolation, now) {
		return plan{}, false
	}
	return l.plan(s, own, byDNS, l.store.RecentlyBroken(own, s.isolation)), true
}

func (l *lore) plan(s site, v altsvc.Service, found string, doubtful bool) plan {
	p := plan{service: v, found: found, confirm: !l.worked || doubtful}
	if p.confirm {
		return p // TCP waits for nothing
	}
	p.headStart = unknownHeadStart
	if trip := l.store.RoundTrip(s.origin, s.isolation); trip > 0 {
		p.headStart = min(trip*3/2, maxHeadStart)
	}
	return p
}

// succeeded is told that p led to a server that has proved itself, after a round trip
// that takes so long.
func (l *lore) succeeded(s site, p *plan, trip time.Duration) {
	l.worked = true
	l.store.Confirm(p.service, s.isolation)
	l.store.SetRoundTrip(s.origin, s.isolation, trip)
}

// failed is told that p led nowhere, while TCP did not: err says why.
func (l *lore) failed(s site, p *plan, err error, now time.Time) {
	if blames(err, p.service.Host == s.origin.Host) {
		l.store.MarkBroken(p.service, s.isolation, now)
	}
}

// faded is told that p led to a server that answered nothing after all.
func (l *lore) faded(s site, p *plan) {
	l.store.MarkRecentlyBroken(p.service, s.isolation)
	l.store.SetRoundTrip(s.origin, s.isolation, 0)
}

// blames reports whether err speaks against the service, at the origin's own host or
// not, and not against the network, or for a question that TCP asks better (Chromium:
// JobController::MaybeReportBrokenAlternativeService).
func blames(err error, own bool) bool {
	switch neterr.CodeOf(err) {
	case neterr.NetworkChanged, neterr.InternetDisconnected, neterr.DNSNoMatchingSupportedALPN,
		neterr.SSLClientAuthCertNeeded, neterr.Aborted:
		return false
	case neterr.NameNotResolved:
		return !own
	}
	return true
}

// speaksHTTP3 reports whether services, the HTTPS records of a host, list h3.
func speaksHTTP3(services []dnswire.Service) bool {
	return slices.ContainsFunc(services, func(s dnswire.Service) bool { return slices.Contains(s.ALPN, "h3") })
}
