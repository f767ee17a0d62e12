package h3

import (
	"context"
	"sync"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A stream is one request and its response: all that lives and dies with them, in one
// allocation.
type stream struct {
	c     *Conn
	qs    *quic.Stream
	ctx   context.Context
	req   *exchange.Request
	up    *upload     // nil without a body, or when it went with the head
	stop  func() bool // ends the watch on ctx; nil without one
	first bool        // the connection's first

	out     []byte // what is to be written first
	urgency uint8
	update  string // PRIORITY_UPDATE's value; "" sends none

	// Used by the caller alone.
	in       input
	listSize int  // of all response fields so far
	answered bool // something came
	resp     exchange.Response
	body     body
	block    section
	fields   [12]exchange.Field // of the usual head

	mu   sync.Mutex // guards what follows
	err  error      // why it was ended from our side
	sent bool       // the request is whole
}

// fail ends the stream for the reason err, once: the peer is told that its answer is of
// no use, and whoever reads or writes stops waiting.
func (st *stream) fail(err error) {
	st.mu.Lock()
	first := st.err == nil
	if first {
		st.err = err
	}
	sent := st.sent
	st.mu.Unlock()
	if !first {
		return
	}
	st.qs.CancelRead(codeRequestCancelled)
	if !sent {
		st.qs.CancelWrite(codeRequestCancelled)
	}
	if st.up != nil {
		st.up.abandon()
	}
}

// failure is what an error of the stream means: if we ended it ourselves, why.
func (st *stream) failure(err error) error {
	st.mu.Lock()
	own := st.err
	st.mu.Unlock()
	if own != nil {
		return own
	}
	st.c.fault(err)
	return st.c.reason(err)
}

// endLocal ends the sending direction.
func (st *stream) endLocal() {
	st.mu.Lock()
	over := st.sent || st.err != nil
	st.sent = true
	st.mu.Unlock()
	if !over {
		st.qs.Close()
	}
}

// malformed is a response that is not to be used, while the connection is.
func (st *stream) malformed(code neterr.Code) error {
	err := st.c.reason(code)
	st.fail(err)
	return err
}

// watch makes the context end the stream.
func (st *stream) watch() {
	if st.ctx.Done() != nil {
		st.stop = context.AfterFunc(st.ctx, func() { st.fail(canceled(st.ctx)) })
	}
}

// release gives back what the stream held, when nobody reads it any more. A request body
// that is still going out by then is of no use.
func (st *stream) release() {
	if st.stop != nil {
		st.stop()
	}
	st.mu.Lock()
	sent := st.sent
	st.sent = true
	st.mu.Unlock()
	if !sent {
		st.qs.CancelWrite(codeRequestCancelled)
		if st.up != nil {
			st.up.abandon()
		}
	}
	st.in.free()
	st.c.drop(st)
}
