package h2

import (
	"time"

	"github.com/kaon-net/kaon/net/internal/eager"
)

// How long Alive waits for the reader, which has nothing else to do.
const (
	firstWait = 50 * time.Microsecond
	lastWait  = 5 * time.Millisecond
)

// Alive reports whether the connection takes requests, in view of all that has come
// from the peer: a goodbye may be there that the reader was not woken for yet. It is
// for who has a slot, and a request that cannot be sent twice.
func (c *Conn) Alive() bool {
	var probe eager.Probe
	if probe.Init(c.nc); !probe.CanAsk() {
		return c.Err() == nil
	}
	for wait := firstWait; wait <= lastWait && c.Err() == nil && probe.Readable(); wait *= 2 {
		time.Sleep(wait)
	}
	return c.Err() == nil
}
