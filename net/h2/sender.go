package h2

import (
	"errors"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// A sender sends one stream's DATA from a goroutine that may wait.
type sender struct {
	wake chan struct{} // for who sends
	up   *upload       // nil in a tunnel
}

// errStreamOver is why DATA does not go out any more. Whoever ended the stream has
// said why.
var errStreamOver = errors.New("stream is over")

// addSender gives st a sender. mu is held.
func (c *Conn) addSender(st *stream, up *upload) {
	st.sender = &sender{wake: make(chan struct{}, 1), up: up}
}

// sendData sends n bytes of b, the last of the stream if end is set. It waits for the
// peer's windows.
func (c *Conn) sendData(st *stream, b *frameBuffer, n int, end bool) error {
	p := b.split(n)
	for {
		c.mu.Lock()
		room, err := c.await(st, p.left)
		if err != nil {
			c.unlock()
			return err
		}
		pinged := c.checkAlive(c.now())
		piece, size := p.next(room, st.id, end)
		last := p.left == 0
		st.window -= int64(size)
		c.send.window -= int64(size)
		c.send.queued += int64(len(piece))
		st.localEnd = end && last
		if c.send.writing || c.send.gathering {
			c.send.out = append(c.send.out, piece...)
		} else {
			c.writeOnce(piece)
			c.flushAside()
		}
		c.endIfDone(st)
		c.unlock()
		c.logPinged(pinged)
		c.logData(netlog.HTTP2SessionSendData, st.id, size, end && last)
		if last {
			return nil
		}
	}
}

// await waits until some of n bytes may be sent on st and returns how many. mu is
// held, and let go of while waiting.
func (c *Conn) await(st *stream, n int) (int, error) {
	for {
		var queue *waiters
		stalled, own := false, st.window <= 0
		m := int(min(int64(n), st.window, c.send.window))
		switch {
		case st.closed || st.localEnd || c.send.err != nil:
			return 0, errStreamOver
		case m <= 0 && n > 0:
			queue = &c.send.forWindow
			stalled = true
		case c.send.full():
			queue = &c.send.forRoom
		default:
			return m, nil
		}
		queue.add(st.sender.wake)
		c.mu.Unlock()
		if stalled {
			c.logStalled(st.id, own)
		}
		<-st.sender.wake
		c.mu.Lock()
		queue.remove(st.sender.wake)
	}
}

// sendTrailer ends st's sending side with trailer fields.
func (c *Conn) sendTrailer(st *stream, fields exchange.Fields) error {
	c.mu.Lock()
	defer c.unlock()
	if _, err := c.await(st, 0); err != nil {
		return err
	}
	e := &c.send.enc
	e.begin()
	e.fields(fields)
	c.queueHeaders(st.id, true, http2.PriorityParam{})
	st.localEnd = true
	c.endIfDone(st)
	c.flush(false)
	return nil
}

// endLocal ends st's sending side if it is still open.
func (st *stream) endLocal() {
	c := st.c
	c.mu.Lock()
	if !st.closed && !st.localEnd && !c.dead {
		c.send.fr.WriteData(st.id, true, nil)
		st.localEnd = true
		c.endIfDone(st)
		c.flush(false)
	}
	c.unlock()
}
