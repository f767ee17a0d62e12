package message

import "github.com/kaon-net/kaon/net/exchange"

// Urgencies are those of RFC 9218 that Chromium's six priorities use, and
// DefaultUrgency is the one that goes without saying.
const (
	Urgencies      = 6
	DefaultUrgency = 3
)

// urgency is 0 for the most urgent.
func urgency(p exchange.Priority) uint8 {
	return uint8(min(max(exchange.Highest-p, 0), Urgencies-1))
}

// priorityField is the value of the "priority" field, incremental as Chromium's
// requests are by default.
func priorityField(urgency uint8) string {
	return [Urgencies]string{"u=0, i", "u=1, i", "u=2, i", "i", "u=4, i", "u=5, i"}[urgency]
}
