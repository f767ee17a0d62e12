package dns

import (
	"net/netip"
	"sync"
	"time"
)

// A probe knows whether this machine has a way to the IPv6 internet. The zero value is
// ready.
type probe struct {
	mu   sync.Mutex
	at   time.Time // of the last look
	last bool
}

// probeFor is how long a result is believed (Chromium).
const probeFor = time.Second

// publicService is a host of which only the way there is of interest (Chromium).
var publicService = netip.AddrFrom16([16]byte{0x20, 0x01, 0x48, 0x60, 0x48, 0x60, 14: 0x88, 15: 0x88})

func (p *probe) reachable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.at.IsZero() && now.Sub(p.at) < probeFor {
		return p.last
	}
	from := systemSource(publicService)
	p.at = now
	p.last = from.IsValid() && !from.IsLinkLocalUnicast() && policyOf(from) != teredo
	return p.last
}
