package h2

import (
	"context"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A stream is one request and its response: all that lives and dies with them, in
// one allocation. It is never used again, unlike the channel that its caller waits on.
type stream struct {
	c       *Conn
	ctx     context.Context
	req     *exchange.Request
	wake    chan struct{} // for who waits in RoundTrip or Read
	sent    time.Duration // when its head was, or was left to who is writing: since the connection was born
	stop    func() bool   // ends the watch on ctx; nil without one
	first   bool          // the connection's first
	settled bool          // the response was whole when RoundTrip returned

	queuedWake bool // the reader will wake it; the reader's own

	// Guarded by Conn.mu.
	urgency       uint8
	id            uint32
	opened        bool    // has an id
	closed        bool    // not among the open streams any more
	localEnd      bool    // END_STREAM was sent
	remoteEnd     bool    // END_STREAM came
	answered      bool    // something came
	headed        bool    // the final response head came
	lent          bool    // wake is on loan from the connection
	before, after *stream // of the same urgency, see priorities
	window        int64   // what may be sent: DATA
	offset        int64   // where its head ends, in all that the connection sent
	listSize      int     // of all response fields so far
	err           error   // why it failed
	notices       []notice
	sender        *sender // of the request body; nil without one, or when it went with the head

	resp   exchange.Response
	body   body
	fields [9]exchange.Field // of a small head
}

// A notice is a 1xx response on its way to the caller.
type notice struct {
	status int
	fields exchange.Fields
}

// open waits for a slot, sends the head, and makes the stream one of the open ones.
func (c *Conn) open(st *stream, h *message.Head, up *upload) error {
	c.mu.Lock()
	if c.slots.reserved > 0 {
		c.slots.reserved--
	}
	c.slots.entering++
	c.borrowWake(st)
	err := c.admit(st)
	if err == nil {
		err = c.send.enc.check(st.req.Header)
	}
	if err == nil && h.Protocol != "" && !c.peer.extendedConnect {
		err = &neterr.Error{Code: neterr.NotImplemented, Op: "extended CONNECT", Addr: c.remote.String()}
	}
	c.slots.entering--
	if err != nil {
		c.slotFreed() // if it was our turn, it is the next one's now
		c.returnWake(st)
		c.unlock()
		return err
	}
	st.id, st.opened = c.nextID, true
	if c.nextID += 2; c.nextID > maxStreamID {
		c.retire(c.reason(neterr.ConnectionClosed)) // the numbers are used up; what is under way goes on
	}
	if st.req.Close {
		c.retire(c.reason(neterr.ConnectionClosed))
	}
	st.first = c.slots.begun == 0
	c.slots.begun++
	c.slots.open++
	st.urgency, st.window = h.Urgency, c.peer.window
	pinged := c.checkAlive(st.sent)
	c.encodeHead(h, st.req)
	st.localEnd = up == nil && !h.Tunnel
	priority := c.priorityOf(h.Urgency)
	c.queueHeaders(st.id, st.localEnd, priority)
	c.streams[st.id] = st
	c.order.add(st)
	st.offset = c.send.queued
	if up != nil && !c.queueWhole(st, up) {
		c.addSender(st, up)
	}
	if c.log.On() {
		// Before it is sent, or what comes back may be logged first.
		c.mu.Unlock()
		c.logPinged(pinged)
		c.logSendHeaders(st, h, priority)
		c.mu.Lock()
	}
	if c.flush(true) {
		st.sent = c.now()
	}
	c.unlock()
	return nil
}

// admit waits until the peer takes another stream and what goes out is not piled up.
// mu is held, and let go of while waiting.
func (c *Conn) admit(st *stream) error {
	for {
		queue, event := &c.slots.queue, netlog.EventType(0)
		switch {
		case c.err != nil:
			return c.refused()
		case c.slots.open >= c.slots.limit:
			event = netlog.HTTP2SessionStalledMaxStreams
		case c.send.full():
			queue = &c.send.forRoom
		default:
			return nil
		}
		queue.add(st.wake)
		c.mu.Unlock()
		if event != 0 {
			c.log.Event(event)
		}
		var err error
		select {
		case <-st.wake:
		case <-st.ctx.Done():
			err = canceled(st.ctx)
		}
		c.mu.Lock()
		queue.remove(st.wake)
		if err != nil {
			return err
		}
		st.sent = c.now()
	}
}

// refused is why a request that never went out fails. On a connection that is merely
// retired it may go to another one. mu is held.
func (c *Conn) refused() error {
	if c.dead {
		return c.err
	}
	return c.reason(neterr.HTTP2ServerRefusedStream)
}

// borrowWake gives st a channel to wait on. It may have been signalled for an earlier
// stream: all who wait look again. mu is held.
func (c *Conn) borrowWake(st *stream) {
	if n := len(c.idle); n > 0 {
		st.wake, c.idle = c.idle[n-1], c.idle[:n-1]
	} else {
		st.wake = make(chan struct{}, 1)
	}
	st.lent = true
}

// returnWake is called when nobody will wait on st's channel any more. mu is held.
func (c *Conn) returnWake(st *stream) {
	if st.lent {
		st.lent = false
		c.idle = append(c.idle, st.wake)
	}
}

// closeStream takes st from the open streams, once. mu is held.
func (c *Conn) closeStream(st *stream) {
	if !st.opened || st.closed {
		return
	}
	st.closed = true
	delete(c.streams, st.id)
	c.order.remove(st)
	c.slots.open--
	c.slotFreed()
	if st.sender != nil {
		signal(st.sender.wake)
	}
}

// endIfDone closes st when both sides have ended. mu is held.
func (c *Conn) endIfDone(st *stream) {
	if st.localEnd && st.remoteEnd {
		c.closeStream(st)
	}
}

// reset ends st with RST_STREAM, if it is still open: it fails with err. Unread
// response data is gone.
func (c *Conn) reset(st *stream, code http2.ErrCode, err error) {
	c.mu.Lock()
	sent := c.resetLocked(st, code, err)
	c.flush(false)
	c.unlock()
	if sent {
		c.logSendReset(st.id, code, err)
	}
	st.body.abandon(err)
	signal(st.wake)
}

func (c *Conn) resetLocked(st *stream, code http2.ErrCode, err error) (sent bool) {
	if !st.opened || st.closed {
		return false
	}
	if st.err == nil {
		st.err = err
	}
	if !c.dead {
		c.queueReset(st.id, code)
		sent = true
	}
	c.closeStream(st)
	return sent
}

// fail ends st, which is closed already, for a reason that the connection or the peer
// has. What came of the body before can still be read.
func (st *stream) fail(err error) {
	st.c.mu.Lock()
	if st.err == nil {
		st.err = err
	}
	st.c.mu.Unlock()
	st.body.end(err)
	signal(st.wake)
}
