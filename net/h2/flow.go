package h2

import "time"

// defaultWindow is what every flow-control window begins with, and maxWindow what
// none may exceed (RFC 9113 section 6.9.2).
const (
	defaultWindow = 65535
	maxWindow     = 1<<31 - 1
)

// updateDelay is Chromium's kDefaultTimeToBufferSmallWindowUpdates: so long after the
// last WINDOW_UPDATE, a small one is worth its frame.
const updateDelay = 5 * time.Second

// An inflow is what one stream's peer may send. It is given back in large pieces: at
// half the window, or after updateDelay.
type inflow struct {
	left  int64         // what the peer may still send
	eaten int64         // what was read and the peer has not been told
	told  time.Duration // when it was
}

// receive accounts for n bytes and reports whether the peer kept within the window.
func (f *inflow) receive(n int) bool {
	f.left -= int64(n)
	return f.left >= 0
}

// consume accounts for n bytes read of a window of so many and returns what
// WINDOW_UPDATE is to say now; 0 is nothing.
func (f *inflow) consume(n int, window int64, now time.Duration) (increment uint32) {
	f.eaten += int64(n)
	if f.eaten == 0 || f.eaten <= window/2 && now-f.told < updateDelay {
		return 0
	}
	increment = uint32(f.eaten)
	f.left += f.eaten
	f.eaten, f.told = 0, now
	return increment
}

// now is the connection's clock.
func (c *Conn) now() time.Duration { return time.Since(c.born) }

// due accounts for n bytes of response bodies that were read, or will never be, and
// reports whether it is time to tell the peer that the connection's window is open
// again by what has come together. Nothing is locked.
func (c *Conn) due(n int, now time.Duration) bool {
	eaten := c.eaten.Add(int64(n))
	return eaten > c.own.connWindow/2 || eaten > 0 && now-time.Duration(c.told.Load()) >= updateDelay
}

// consumed is due, and tells.
func (c *Conn) consumed(n int, now time.Duration) {
	if !c.due(n, now) {
		return
	}
	c.mu.Lock()
	increment := c.tellConsumed(now)
	c.flush(false)
	c.unlock()
	c.logWindowUpdate(0, increment)
}

// tellConsumed queues the connection's WINDOW_UPDATE. mu is held.
func (c *Conn) tellConsumed(now time.Duration) (increment uint32) {
	n := c.eaten.Swap(0)
	if n == 0 || c.dead {
		return 0
	}
	c.room += n
	c.told.Store(int64(now))
	c.queueWindowUpdate(0, uint32(n))
	return uint32(n)
}

// lastReadTime is when the peer last sent something.
func (c *Conn) lastReadTime() time.Duration { return time.Duration(c.lastRead.Load()) }

// growWindow adds the peer's increment to a window for sending, and reports whether it
// stays within the limit.
func growWindow(w *int64, n int64) bool {
	*w += n
	return *w <= maxWindow
}
