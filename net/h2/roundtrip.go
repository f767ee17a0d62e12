package h2

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/netlog"
)

// RoundTrip sends req on a stream of its own, in the slot that Reserve took, and
// waits for the head of its response. Its error says, as an [exchange.AttemptError],
// how far the exchange got; the codes HTTP2ServerRefusedStream and HTTP2PingFailed
// say that it may be tried again, HTTP11Required that it must go over HTTP/1.1.
//
// When ctx ends, so does the exchange, Body included, and at once; the connection
// lives on. The Body of a response to CONNECT with a status of 2xx is an
// io.ReadWriteCloser that also has CloseWrite.
func (c *Conn) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	st := &stream{c: c, ctx: ctx, req: req}
	start := req.Connected
	if start.IsZero() {
		start = time.Now()
	}
	st.resp.Info.Timing.SendStart = start
	st.sent = start.Sub(c.born)
	st.body.init(st, st.sent)
	h, err := message.HeadOf(req, &c.authority)
	if c.cfg.HTTP2.Weights[h.Urgency] == 0 {
		h.Priority = ""
	}
	var up *upload
	if err == nil && req.Body != nil && req.ContentLength != 0 && !h.Tunnel {
		up, err = newUpload(st)
	} else {
		req.CloseBody()
	}
	if err == nil && ctx.Err() != nil {
		err = canceled(ctx)
	}
	if err != nil {
		c.Release()
	} else {
		err = st.send(&h, up)
	}
	if err != nil {
		if up != nil {
			up.Close()
			up.free()
		}
		return nil, &exchange.AttemptError{Err: c.reason(err)}
	}
	if err := st.await(); err != nil {
		return nil, st.failed(err)
	}
	return st.respond(h.Tunnel), nil
}

// send sends the head, and the body or what begins it.
func (st *stream) send(h *message.Head, up *upload) error {
	req := st.req
	log := req.NetLog
	if log.On() {
		log.Begin(netlog.HTTPTransactionSendRequest)
		log.Event(netlog.HTTPTransactionHTTP2SendRequestHeaders, h.Attr(req))
	}
	err := st.c.open(st, h, up)
	if err == nil {
		req.TraceHead()
		if st.sender != nil {
			go st.sender.up.run()
		} else {
			req.TraceWrote(nil)
		}
	}
	st.resp.Info.Timing.SendEnd = st.c.born.Add(st.sent)
	if log.On() {
		log.EndErr(netlog.HTTPTransactionSendRequest, err)
	}
	return err
}

// await waits for the final response head.
func (st *stream) await() error {
	log := st.req.NetLog
	if log.On() {
		log.Begin(netlog.HTTPTransactionReadHeaders)
	}
	err := st.awaitHead()
	if log.On() {
		if err == nil {
			status := "HTTP/1.1 " + strconv.Itoa(st.resp.Status)
			log.Event(netlog.HTTPTransactionReadResponseHeaders, netlog.Headers(status, "", netlog.Header(st.resp.Header.All())))
		}
		log.EndErr(netlog.HTTPTransactionReadHeaders, err)
	}
	return err
}

func (st *stream) awaitHead() error {
	done := st.ctx.Done()
	for {
		if done == nil {
			<-st.wake // cheaper than to select
		} else {
			select {
			case <-st.wake:
			case <-done:
				return canceled(st.ctx)
			}
		}
		c := st.c
		c.mu.Lock()
		notices := st.notices
		st.notices = nil
		headed, err := st.headed, st.err
		if headed && st.remoteEnd {
			c.returnWake(st) // the body is there: nobody will wait for it
			st.settled = true
		}
		c.mu.Unlock()
		for _, n := range notices {
			if err := st.req.Trace1xx(n.status, n.fields); err != nil {
				return err
			}
		}
		if headed {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// failed ends the stream and gives the reason its final form.
func (st *stream) failed(err error) error {
	c := st.c
	c.reset(st, http2.ErrCodeCancel, err)
	c.mu.Lock()
	answered := st.answered
	c.returnWake(st)
	c.unlock()
	st.abandonUpload()
	return &exchange.AttemptError{Err: c.reason(err), Sent: true, Received: answered}
}

// respond completes the response, whose status and fields the reader has set.
func (st *stream) respond(tunnel bool) *exchange.Response {
	c, r := st.c, &st.resp
	r.Proto = "HTTP/2.0"
	if t := st.req.Trace; t != nil && t.GotFirstResponseByte != nil {
		t.GotFirstResponseByte()
	}
	r.Info.Remote, r.Info.Local, r.Info.TLS, r.Info.Reused = c.remote, c.local, c.cfg.TLS, !st.first
	r.Info.ExportKeyingMaterial = c.cfg.ExportKeyingMaterial
	if st.first {
		r.Info.Timing.Connect = c.cfg.Connect
	}
	switch {
	case tunnel && r.Status/100 == 2:
		r.ContentLength, r.Body = -1, newTunnel(st)
	case tunnel:
		st.endLocal()
		fallthrough
	default:
		r.Body = st.body.open()
	}
	return r
}

// watch makes the context end the stream while its body is still to come.
func (st *stream) watch() {
	if st.ctx.Done() != nil {
		st.stop = context.AfterFunc(st.ctx, func() {
			st.c.reset(st, http2.ErrCodeCancel, canceled(st.ctx))
			st.abandonUpload()
		})
	}
}
