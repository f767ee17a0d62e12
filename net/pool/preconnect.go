package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// preconnect begins jobs until the group of r has n sockets, idle, busy and
// connecting ones together. It never queues and uses up no idle socket: at a limit
// it fails. What it began before that goes on, as b.
func (m *machine) preconnect(now time.Time, r *Request, n int, b *batch) error {
	if m.closed != nil {
		return m.closed
	}
	m.sweep(now)
	g := m.group(r.Key)
	if g.mux() != nil || m.servers.has(&r.Key) {
		n = 1
	}
	var err error
	ahead := *r
	ahead.Priority, ahead.IgnoreLimits = exchange.Idle, false
	for n = min(n, m.perGroup); g.via == nil && g.slots() < n; {
		if !m.admit(g) {
			err = neterr.PreconnectMaxSocketLimit
			break
		}
		m.begin(now, g, &ahead, false, b)
	}
	m.tidy(g)
	return err
}
