package pool

import "testing"

// TestCeiling: between the soft limit and the hard one chance decides, with Chromium's
// probabilities.
func TestCeiling(t *testing.T) {
	for _, tt := range []struct {
		name   string
		n      int // sockets
		closed bool
		event  func(c *ceiling, n int)
		below  float64 // a roll that comes true
		above  float64 // one that does not; 0 if any does
		want   bool    // reached, when it has come true
	}{
		{"one more below the soft limit", 99, true, request, 0, 0, false},
		{"one more at the soft limit", 100, false, request, 0.009, 0.011, true},
		{"one more half way", 150, false, request, 0.009, 0.011, true},
		{"one more near the hard limit", 190, false, request, 0.25, 0.26, true}, // 1e-6^0.1
		{"one more at the hard limit", 200, false, request, 0, 0, true},
		{"one more beyond it", 201, false, request, 0, 0, true},
		{"one more when it is closed", 150, true, request, 0, 0, true},
		{"one less below the soft limit", 99, true, freed, 0, 0, false},
		{"one less at the soft limit", 100, true, freed, 0.99, 0, false},
		{"one less near it", 110, true, freed, 0.25, 0.26, false},
		{"one less near the hard limit", 199, true, freed, 0.009, 0.011, false},
		{"one less at the hard limit", 200, true, freed, 0, 0, true},
		{"one less when it is open", 150, false, freed, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := after(tt.n, tt.closed, tt.below, tt.event); got != tt.want {
				t.Errorf("roll %v: reached %v, want %v", tt.below, got, tt.want)
			}
			if tt.above == 0 {
				return
			}
			if got := after(tt.n, tt.closed, tt.above, tt.event); got == tt.want {
				t.Errorf("roll %v: reached %v, want %v", tt.above, got, !tt.want)
			}
		})
	}
}

// TestCeilingExact: a limit that the program chose leaves nothing to chance.
func TestCeilingExact(t *testing.T) {
	c := ceiling{soft: 2}
	for n, want := range []bool{true, true, false, false} {
		if got := c.allows(n); got != want {
			t.Errorf("allows(%d): got %v, want %v", n, got, want)
		}
		c.released(n)
	}
}

func request(c *ceiling, n int) { c.allows(n) }
func freed(c *ceiling, n int)   { c.released(n) }

// after returns whether the limit is reached after event, with every roll but that for
// noise, which is the even one, being roll.
func after(n int, closed bool, roll float64, event func(*ceiling, int)) bool {
	even := false
	c := ceiling{soft: 100, extra: 100, closed: closed, random: func() float64 {
		if even = !even; even {
			return 0.5 // no noise
		}
		return roll
	}}
	event(&c, n)
	return c.reached(n)
}
