package h2

import (
	"net/http"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
)

// What a header block may take as coded. It has to be decoded to its end whatever is
// in it, or the tables of both ends would differ from then on.
const (
	maxCoded         = 1 << 20
	maxContinuations = 256
)

// A block is the header block that is being received.
type block struct {
	id   uint32
	end  bool // END_STREAM
	open bool // CONTINUATION is due
	more int  // CONTINUATION frames so far
	size int  // as coded

	message.Section
}

func (b *block) begin(fh http2.FrameHeader, limit int) {
	kept := b.Fields
	clear(kept)
	*b = block{id: fh.StreamID, end: fh.Flags.Has(http2.FlagHeadersEndStream)}
	b.Begin(kept[:0], limit, neterr.HTTP2ProtocolError)
}

// headers takes a HEADERS frame.
func (r *receiver) headers(fh http2.FrameHeader) error {
	if fh.StreamID == 0 {
		return protocolError("HEADERS on stream 0")
	}
	p, err := r.in.take(int(fh.Length))
	if err != nil {
		return err
	}
	pad := 0
	if fh.Flags.Has(http2.FlagHeadersPadded) {
		if len(p) == 0 {
			return &violation{http2.ErrCodeFrameSize, "HEADERS too short"}
		}
		pad, p = int(p[0]), p[1:]
	}
	if fh.Flags.Has(http2.FlagHeadersPriority) {
		if len(p) < prioritySection {
			return &violation{http2.ErrCodeFrameSize, "HEADERS too short"}
		}
		p = p[prioritySection:]
	}
	if pad > len(p) {
		return protocolError("HEADERS with more padding than payload")
	}
	r.block.begin(fh, r.c.own.headerList)
	return r.fragment(fh, p[:len(p)-pad])
}

// continuation takes a CONTINUATION frame, which is due.
func (r *receiver) continuation(fh http2.FrameHeader) error {
	if r.block.more++; r.block.more > maxContinuations {
		return &violation{http2.ErrCodeEnhanceYourCalm, "header block in too many frames"}
	}
	p, err := r.in.take(int(fh.Length))
	if err != nil {
		return err
	}
	return r.fragment(fh, p)
}

// fragment decodes a piece of the header block.
func (r *receiver) fragment(fh http2.FrameHeader, p []byte) error {
	b := &r.block
	if b.size += len(p); b.size > maxCoded {
		return &violation{http2.ErrCodeEnhanceYourCalm, "header block too large"}
	}
	if err := r.dec.Write(p); err != nil {
		return &violation{http2.ErrCodeCompression, err.Error()}
	}
	if b.open = !fh.Flags.Has(http2.FlagHeadersEndHeaders); b.open {
		return nil
	}
	if err := r.dec.Close(); err != nil {
		return &violation{http2.ErrCodeCompression, err.Error()}
	}
	return r.deliver()
}

// deliver gives the whole block to its stream.
func (r *receiver) deliver() error {
	c, b := r.c, &r.block
	r.logRecvHeaders()
	c.mu.Lock()
	st, err := c.stream(b.id)
	if err != nil || st == nil {
		c.mu.Unlock()
		if err == nil {
			err = r.useless()
		}
		return err
	}
	c.send.seen = max(c.send.seen, st.offset)
	st.answered = true
	rst, code := http2.ErrCodeProtocol, b.Fault
	st.listSize += b.Size
	switch {
	case st.remoteEnd:
		rst, code = http2.ErrCodeStreamClosed, neterr.HTTP2StreamClosed
	case code != 0:
	case st.listSize > b.Limit:
		code = neterr.ResponseHeadersTooBig
	case st.headed:
		code = st.takeTrailer(b)
	case b.Status/100 == 1:
		code = st.takeNotice(b)
	default:
		code = st.takeHead(b)
	}
	c.mu.Unlock()
	if code != 0 {
		return r.abort(st, rst, code)
	}
	r.later(st)
	if b.end {
		r.endStream(st)
	}
	return nil
}

// takeNotice keeps a 1xx response for who wants it. Conn.mu is held, here and below.
func (st *stream) takeNotice(b *block) neterr.Code {
	if b.end || b.Status == http.StatusSwitchingProtocols { // RFC 9113 sections 8.1 and 8.6
		return neterr.HTTP2ProtocolError
	}
	if b.Status == http.StatusContinue && st.sender != nil && st.sender.up != nil {
		st.sender.up.Continue()
	}
	if st.req.Trace != nil || st.req.Informed != nil {
		st.notices = append(st.notices, notice{b.Status, exchange.Fields(b.Fields).Clone()})
	}
	return 0
}

func (st *stream) takeTrailer(b *block) neterr.Code {
	if !b.end || b.Status != 0 {
		return neterr.HTTP2ProtocolError
	}
	st.body.setTrailer(exchange.Fields(b.Fields).Clone())
	return 0
}

func (st *stream) takeHead(b *block) neterr.Code {
	if b.Status == 0 {
		return neterr.HTTP2ProtocolError
	}
	length, code := message.CheckHead(b.Fields)
	if code != 0 {
		return code
	}
	st.headed = true
	r := &st.resp
	r.Status = b.Status
	r.Header = append(exchange.Fields(st.fields[:0]), b.Fields...)
	came := st.c.born.Add(st.c.lastReadTime())
	r.Info.Timing.HeadersStart, r.Info.Timing.HeadersEnd = came, came
	r.Info.WireRead = int64(frameHeaderLen*(1+b.more) + b.size)
	r.ContentLength = length
	bodiless := st.req.Method == http.MethodHead || b.Status == http.StatusNoContent || b.Status == http.StatusNotModified
	switch {
	case b.end && length < 0:
		r.ContentLength = 0
	case !bodiless:
		st.body.expect(length)
	}
	return 0
}
