package pool

import "math"

// A ceiling is the limit on sockets in all. Up to soft any number is allowed, beyond
// soft and extra none. Between them it is chance that closes the pool to new sockets
// and opens it again, so that a site cannot tell from the pool being full how many
// sockets another one has (Chromium: SocketPoolAdditionalCapacity).
type ceiling struct {
	soft, extra int
	closed      bool           // as chance has it
	random      func() float64 // in [0, 1)
}

// Chromium's numbers.
const (
	chanceBase  = 1e-6
	chanceLeast = 0.01
	chanceNoise = 0.2
)

// most is the number of sockets that is never exceeded.
func (c *ceiling) most() int { return c.soft + c.extra }

// reached reports whether there may be no more than n sockets.
func (c *ceiling) reached(n int) bool {
	return n >= c.soft && (c.closed || n >= c.most())
}

// allows is reached before one more socket is made than there are, n: the fewer are
// left, the likelier is it that the pool closes.
func (c *ceiling) allows(n int) bool {
	if n < c.soft {
		c.closed = false
	} else if n < c.most() && !c.closed {
		c.closed = c.chance(c.most() - n)
	}
	return !c.reached(n)
}

// released is told that there are n sockets after one has gone: the fewer, the
// likelier is it that the pool opens.
func (c *ceiling) released(n int) {
	if n < c.soft {
		c.closed = false
	} else if n < c.most() && c.closed {
		c.closed = !c.chance(n - c.soft)
	}
}

// chance comes true with a probability that falls as n, at most extra, grows.
func (c *ceiling) chance(n int) bool {
	noise := 1 + chanceNoise*(2*c.random()-1)
	p := noise * math.Pow(chanceBase, float64(n)/float64(c.extra))
	return c.random() < max(chanceLeast, p)
}
