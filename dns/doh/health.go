package doh

import (
	"context"
	"time"

	"github.com/kaon-net/kaon/dns/rtt"
)

const (
	// failureLimit is how many failures in a row make a server unavailable to
	// automatic mode.
	failureLimit = 10

	// doubtAfter is how many failures in a row put a server behind the others.
	doubtAfter = 2
)

// health is what is known of a server.
type health struct {
	failures int       // in a row
	failedAt time.Time // the last of them
	answered bool      // at least once
	probing  bool      // somebody sends probes
	times    rtt.Times
	first    chan struct{} // closed once the first question has ended; nil before there is one
}

// available reports whether automatic mode may ask the server.
func (h *health) available() bool { return h.answered && h.failures < failureLimit }

func (h *health) succeed() {
	h.failures, h.answered = 0, true
}

func (h *health) fail(now time.Time) {
	h.failures++
	h.failedAt = now
}

// An era is what was learnt of the servers since the network last changed. An attempt
// reports to the era in which it began, so that one that began before the change says
// nothing of what is now. Client.mu guards servers.
type era struct {
	ctx     context.Context // of the probes
	cancel  context.CancelFunc
	servers []health // as Client.servers
}

func newEra(parent context.Context, servers int, fallback time.Duration) *era {
	e := &era{servers: make([]health, servers)}
	e.ctx, e.cancel = context.WithCancel(parent)
	for i := range e.servers {
		e.servers[i].times = rtt.New(fallback)
	}
	return e
}

// next returns whom to ask: of the servers that were not tried yet, the first one
// without doubt, else the one that failed longest ago. Without one it returns -1.
func (e *era) next(tried []bool, automatic bool) int {
	oldest := -1
	for i := range e.servers {
		h := &e.servers[i]
		if tried[i] || automatic && !h.available() {
			continue
		}
		if h.failures < doubtAfter {
			return i
		}
		if oldest < 0 || h.failedAt.Before(e.servers[oldest].failedAt) {
			oldest = i
		}
	}
	return oldest
}
