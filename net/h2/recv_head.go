package h2

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/kaon-net/kaon/net/exchange"
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
	more int  // CONTINUATION frames so far
	size int  // as coded

	status  int // of :status; 0 without one
	fields  []exchange.Field
	list    int         // size of the list as RFC 9113 section 6.5.2 counts it
	limit   int         // of list
	regular bool        // a field that is not a pseudo-field came
	fault   neterr.Code // what is wrong with it
}

func (b *block) begin(fh http2.FrameHeader, limit int) {
	clear(b.fields)
	*b = block{id: fh.StreamID, end: fh.Flags.Has(http2.FlagHeadersEndStream), fields: b.fields[:0], limit: limit}
}

// add is called by the decoder for each field.
func (b *block) add(f hpack.HeaderField) {
	if b.list += int(f.Size()); b.list > b.limit {
		b.fault, b.fields = neterr.ResponseHeadersTooBig, b.fields[:0]
		return
	}
	switch {
	case b.fault != 0:
	case f.Name == ":status":
		if b.status = parseStatus(f.Value, b.status); b.status == 0 || b.regular {
			b.fault = neterr.HTTP2ProtocolError
		}
	case !isLowerToken(f.Name) || !isFieldValue(f.Value):
		b.fault = neterr.HTTP2ProtocolError // other pseudo-fields among them
	default:
		b.regular = true
		if !isConnectionField(f.Name) {
			b.fields = append(b.fields, exchange.Field{Name: f.Name, Value: f.Value})
		}
	}
}

// parseStatus returns 0 for what is no status, and for a second one.
func parseStatus(s string, before int) int {
	if len(s) != 3 || before != 0 {
		return 0
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = 10*n + int(s[i]-'0')
	}
	if n < 100 {
		return 0
	}
	return n
}

func isLowerToken(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; 'A' <= c && c <= 'Z' || !httpguts.IsTokenRune(rune(c)) {
			return false
		}
	}
	return name != ""
}

// isConnectionField names the fields that mean nothing in HTTP/2. RFC 9113 section
// 8.2.2 calls a response with them malformed; Chromium takes it, and so do we,
// without them.
func isConnectionField(name string) bool {
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return true
	}
	return false
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

// continuation takes a CONTINUATION frame; that it is due the Framer has seen.
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
	if !fh.Flags.Has(http2.FlagHeadersEndHeaders) {
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
	rst, code := http2.ErrCodeProtocol, b.fault
	st.listSize += b.list
	switch {
	case st.remoteEnd:
		rst, code = http2.ErrCodeStreamClosed, neterr.HTTP2StreamClosed
	case code != 0:
	case st.listSize > b.limit:
		code = neterr.ResponseHeadersTooBig
	case st.headed:
		code = st.takeTrailer(b)
	case b.status/100 == 1:
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
	if b.end || b.status == http.StatusSwitchingProtocols { // RFC 9113 sections 8.1 and 8.6
		return neterr.HTTP2ProtocolError
	}
	if b.status == http.StatusContinue && st.sender != nil && st.sender.up != nil {
		signal(st.sender.up.goOn)
	}
	if st.req.Trace != nil {
		st.notices = append(st.notices, notice{b.status, exchange.Fields(b.fields).Clone()})
	}
	return 0
}

func (st *stream) takeTrailer(b *block) neterr.Code {
	if !b.end || b.status != 0 {
		return neterr.HTTP2ProtocolError
	}
	st.body.setTrailer(exchange.Fields(b.fields).Clone())
	return 0
}

func (st *stream) takeHead(b *block) neterr.Code {
	if b.status == 0 {
		return neterr.HTTP2ProtocolError
	}
	length, code := checkHead(b.fields)
	if code != 0 {
		return code
	}
	st.headed = true
	r := &st.resp
	r.Status = b.status
	r.Header = append(exchange.Fields(st.fields[:0]), b.fields...)
	came := st.c.born.Add(st.c.lastReadTime())
	r.Info.Timing.HeadersStart, r.Info.Timing.HeadersEnd = came, came
	r.Info.WireRead = int64(frameHeaderLen*(1+b.more) + b.size)
	r.ContentLength = length
	bodiless := st.req.Method == http.MethodHead || b.status == http.StatusNoContent || b.status == http.StatusNotModified
	switch {
	case b.end && length < 0:
		r.ContentLength = 0
	case !bodiless:
		st.body.expect(length)
	}
	return 0
}

// checkHead returns the content length, -1 without one, and what must not be said
// twice.
func checkHead(fields []exchange.Field) (length int64, fault neterr.Code) {
	length = -1
	location := ""
	for i := range fields {
		switch f := &fields[i]; f.Name {
		case "content-length":
			n := parseLength(f.Value)
			if length >= 0 && n != length {
				return 0, neterr.ResponseHeadersMultipleContentLength
			}
			length = n
		case "location":
			if location != "" && f.Value != location {
				return 0, neterr.ResponseHeadersMultipleLocation
			}
			location = f.Value
		}
	}
	return length, 0
}

// parseLength returns -1 for what is not digits only.
func parseLength(s string) int64 {
	if s == "" || len(s) > 18 {
		return -1
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n
}
