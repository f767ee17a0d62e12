package netmon

import "time"

// What Chromium waits on Linux after the last sign of a change before it calls the
// network changed; found by experiment there, so that a switch from one network to
// another is one change.
const (
	settleAddresses = 2 * time.Second         // other addresses
	settleOnline    = 1500 * time.Millisecond // reachable or not, when it was offline
	settleOffline   = 500 * time.Millisecond  // reachable or not, when it was online
)

// A settler decides when the network has settled. It is plain data: its owner says
// what happened and when, and asks again at due.
type settler struct {
	fixed     time.Duration // replaces Chromium's times if not zero; negative: no wait
	announced []Address     // as of the last announcement
	online    bool          // likewise
	due       time.Time     // when to announce; zero: nothing to
}

// observe takes note of a change, and begins the wait anew.
func (s *settler) observe(now time.Time, reachability bool) {
	wait := settleAddresses
	switch {
	case s.fixed != 0:
		wait = max(s.fixed, 0)
	case reachability && s.online:
		wait = settleOffline
	case reachability:
		wait = settleOnline
	}
	s.due = now.Add(wait)
}

// announce ends the wait. It returns what changed since the announcement before,
// and false if nobody needs to hear of it, being offline then and now.
func (s *settler) announce(current []Address) (Change, bool) {
	s.due = time.Time{}
	c := Diff(s.announced, current)
	if !s.online && !c.Online {
		return Change{}, false
	}
	s.announced, s.online = current, c.Online
	return c, true
}
