package h3

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// RoundTrip sends req on a stream of its own, in the slot that Reserve took, and waits
// for the head of its response. Its error says, as an [exchange.AttemptError], how far
// the exchange got; the code QUICGoawayRequestCanBeRetried says that it may be tried
// again.
//
// When ctx ends, so does the exchange, Body included, and at once; the connection
// lives on. The Body of a response to CONNECT with a status of 2xx is an
// io.ReadWriteCloser that also has CloseWrite.
func (c *Conn) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	st := &stream{c: c, ctx: ctx, req: req}
	resp, err := st.roundTrip()
	if err != nil && isRejected(err) {
		return c.roundTripAgain(st, err)
	}
	return resp, err
}

func (st *stream) roundTrip() (*exchange.Response, error) {
	c, ctx, req := st.c, st.ctx, st.req
	st.body.st = st
	h, err := message.HeadOf(req, &c.authority)
	if err == nil {
		err = message.CheckFields(req.Header)
	}
	if err == nil && req.Body != nil && req.ContentLength != 0 && !h.Tunnel {
		st.up, err = newUpload(st)
	} else {
		req.CloseBody()
	}
	if err == nil && ctx.Err() != nil {
		err = canceled(ctx)
	}
	if err != nil {
		c.Release()
	} else if err = c.open(st, &h); err != nil {
		c.fault(err)
	}
	if err != nil {
		if st.up != nil {
			st.up.Close()
		}
		return nil, &exchange.AttemptError{Err: c.reason(err)}
	}
	st.in.init(st.qs)
	st.watch()
	err = st.send(&h)
	if err == nil {
		err = st.await()
	}
	if err != nil {
		st.fail(err)
		st.release()
		return nil, &exchange.AttemptError{Err: c.reason(err), Sent: true, Received: st.answered}
	}
	return st.respond(h.Tunnel), nil
}

// send sends the head, and the body if it is in memory. Another body gets a goroutine.
func (st *stream) send(h *message.Head) error {
	req, c, up := st.req, st.c, st.up
	st.resp.Info.Timing.SendStart = time.Now()
	if req.NetLog.On() {
		req.NetLog.Begin(netlog.HTTPTransactionSendRequest)
		req.NetLog.Event(netlog.HTTPTransactionQUICSendRequestHeaders, h.Attr(req))
	}
	st.urgency = h.Urgency
	st.update = updateOf(h, req)
	st.out = c.enc.appendHead(newHead(), h, req)
	c.logRequest(st, h)
	var err error
	switch {
	case up != nil && !up.whole:
		err = st.begin()
	case h.Tunnel:
		err = st.begin()
	default:
		if up != nil {
			st.out = append(beginData(st.out, len(up.data)), up.data...)
		}
		c.write(st)
	}
	if err == nil {
		req.TraceHead()
		if up == nil || up.whole {
			req.TraceWrote(nil)
		} else {
			go up.run()
		}
	} else if up != nil {
		up.Close()
	}
	st.resp.Info.Timing.SendEnd = time.Now()
	req.NetLog.EndErr(netlog.HTTPTransactionSendRequest, err)
	return err
}

// begin sends the head of a request that goes on.
func (st *stream) begin() error {
	st.c.sendPriority(st)
	_, err := st.qs.Write(st.out)
	freeHead(st.out)
	if err != nil && !peerStopped(err) {
		return st.failure(err)
	}
	return nil
}

// await reads the final response head.
func (st *stream) await() error {
	log := st.req.NetLog
	log.Begin(netlog.HTTPTransactionReadHeaders)
	err := st.readHead()
	if log.On() {
		if err == nil {
			status := "HTTP/1.1 " + strconv.Itoa(st.resp.Status)
			log.Event(netlog.HTTPTransactionReadResponseHeaders, netlog.Headers(status, "", netlog.Header(st.resp.Header.All())))
		}
		log.EndErr(netlog.HTTPTransactionReadHeaders, err)
	}
	return err
}

func (st *stream) readHead() error {
	for {
		typ, n, err := st.in.frame()
		st.answered = st.answered || st.in.total > 0
		if err == io.EOF {
			return st.malformed(neterr.QUICProtocolError) // no response at all
		}
		if err != nil {
			return st.failure(err)
		}
		if typ == frameHeaders {
			done, err := st.takeHead(n)
			if done || err != nil {
				return err
			}
			continue
		}
		if err = unexpected(typ); err == nil {
			err = st.in.skip(n)
		}
		if err != nil {
			return st.failure(err)
		}
	}
}

// readSection reads a HEADERS frame's payload.
func (st *stream) readSection(n uint64, into []exchange.Field) (*section, error) {
	limit := st.c.cfg.MaxHeaderBytes
	b := &st.block
	b.Begin(into, limit-st.listSize, neterr.QUICProtocolError)
	if n > uint64(limit) {
		return b, st.malformed(neterr.ResponseHeadersTooBig)
	}
	p, err := st.in.take(int(n))
	if err == nil {
		err = st.c.dec.decode(p, b)
	}
	if err != nil {
		return b, st.failure(err)
	}
	st.listSize += b.Size
	st.c.logHeaders(st, b)
	if b.Fault != 0 {
		return b, st.malformed(b.Fault)
	}
	return b, nil
}

// takeHead takes the head of a response. It is not done with one of 1xx.
func (st *stream) takeHead(n uint64) (done bool, err error) {
	came := time.Now()
	b, err := st.readSection(n, st.fields[:0])
	if err != nil {
		return false, err
	}
	switch {
	case b.Status == 0 || b.Status == http.StatusSwitchingProtocols: // RFC 9114 sections 4.3.2 and 4.5
		return false, st.malformed(neterr.QUICProtocolError)
	case b.Status/100 == 1:
		if b.Status == http.StatusContinue && st.up != nil {
			st.up.Continue()
		}
		if err := st.req.Trace1xx(b.Status, exchange.Fields(b.Fields).Clone()); err != nil {
			return false, st.c.reason(err)
		}
		return false, nil
	}
	length, code := message.CheckHead(b.Fields)
	if code != 0 {
		return false, st.malformed(code)
	}
	r := &st.resp
	r.Status, r.Header, r.ContentLength = b.Status, b.Fields, length
	r.Info.WireRead = st.in.total
	r.Info.Timing.HeadersStart, r.Info.Timing.HeadersEnd = came, came
	st.body.left = length
	if st.req.Method == http.MethodHead || b.Status == http.StatusNoContent || b.Status == http.StatusNotModified {
		st.body.left = -1
	}
	return true, nil
}

// respond completes the response.
func (st *stream) respond(tunnel bool) *exchange.Response {
	c, r := st.c, &st.resp
	r.Proto = "HTTP/3.0"
	if t := st.req.Trace; t != nil && t.GotFirstResponseByte != nil {
		t.GotFirstResponseByte()
	}
	tls := c.tlsInfo()
	r.Info.Remote, r.Info.Local, r.Info.TLS, r.Info.Reused = c.remote, c.local, &tls.state, !st.first
	r.Info.ExportKeyingMaterial = tls.export
	if st.first {
		r.Info.Timing.Connect = c.cfg.Connect
	}
	switch {
	case tunnel && r.Status/100 == 2:
		st.body.left = -1
		r.ContentLength, r.Body = -1, &tunnelBody{body: &st.body}
	case tunnel:
		st.endLocal()
		fallthrough
	default:
		r.Body = st.body.open()
	}
	return r
}
