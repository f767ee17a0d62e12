package stub

import (
	"testing"
	"time"
)

func TestTracker(t *testing.T) {
	start := time.Unix(1e9, 0)
	ask := func(t *tracker, n int, port func(int) uint16, now time.Time) {
		for i := range n {
			t.sent(port(i), uint16(i), now)
		}
	}
	different := func(i int) uint16 { return uint16(i) }
	same := func(int) uint16 { return 4000 }
	for _, c := range []struct {
		name string
		do   func(t *tracker) time.Time
		want bool
	}{
		{"a port for each question", func(t *tracker) time.Time {
			ask(t, 5000, different, start)
			return start
		}, false},
		{"a port three times", func(t *tracker) time.Time {
			ask(t, maxPortUses, same, start)
			return start
		}, false},
		{"a port four times", func(t *tracker) time.Time {
			ask(t, maxPortUses+1, same, start)
			return start
		}, true},
		{"but among too many others", func(t *tracker) time.Time {
			ask(t, maxPortUses, same, start)
			ask(t, trackedQueries, different, start)
			ask(t, 1, same, start)
			return start
		}, false},
		{"that is some time ago", func(t *tracker) time.Time {
			ask(t, maxPortUses+1, same, start)
			return start.Add(trackedFor)
		}, false},
		{"ids of nobody", func(t *tracker) time.Time {
			for range maxUnrecognised {
				t.stray(7, start)
			}
			return start
		}, true},
		{"now and then", func(t *tracker) time.Time {
			now := start
			for range 10 * maxUnrecognised {
				t.stray(7, now)
				now = now.Add(2 * time.Minute)
			}
			return now
		}, false},
		{"ids of other questions", func(t *tracker) time.Time {
			ask(t, 10, different, start)
			for range maxRecognised - 1 {
				t.stray(7, start)
			}
			return start
		}, false},
		{"too many of them", func(t *tracker) time.Time {
			ask(t, 10, different, start)
			for range maxRecognised {
				t.stray(7, start)
			}
			return start
		}, true},
		{"of questions long answered", func(t *tracker) time.Time {
			ask(t, 10, different, start)
			now := start.Add(recognisedFor + time.Second)
			for range maxUnrecognised {
				t.stray(7, now)
			}
			return now
		}, true},
	} {
		var tr tracker
		now := c.do(&tr)
		if got := tr.low(now); got != c.want || len(tr.queries) > trackedQueries {
			t.Errorf("%s: got %v and %d questions, want %v", c.name, got, len(tr.queries), c.want)
		}
	}
}
