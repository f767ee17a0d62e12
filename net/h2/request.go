package h2

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
)

// encodeHead leaves the header block in the encoder's buffer: pseudo-fields as the
// browser orders them, content-length, the caller's fields in their order and, last
// of all, priority.
func (c *Conn) encodeHead(h *message.Head, req *exchange.Request) {
	e := &c.send.enc
	e.begin()
	for _, pseudo := range c.cfg.HTTP2.PseudoHeaders {
		switch pseudo {
		case ":method":
			e.plain(e.method, h.Method)
		case ":authority":
			e.field(e.authority, h.Authority)
		case ":scheme":
			if !h.Bare {
				e.plain(e.scheme, h.Scheme)
			}
		case ":path":
			if !h.Bare {
				e.plain(e.path, h.Path)
			}
		}
	}
	if h.Protocol != "" {
		e.plain(e.name(":protocol"), h.Protocol)
	}
	if h.Length >= 0 {
		e.field(e.name("content-length"), strconv.FormatInt(h.Length, 10))
	}
	e.fields(req.Header)
	if len(req.TrailerNames) > 0 && !h.Tunnel {
		e.field(e.name("trailer"), strings.ToLower(strings.Join(req.TrailerNames, ", ")))
	}
	if h.Priority != "" {
		e.field(e.priority, h.Priority)
	}
}

// fields encodes header or trailer fields that were checked.
func (e *encoder) fields(fields exchange.Fields) {
	for i := range fields {
		f := &fields[i]
		switch n := e.nameAt(i, f.Name); {
		case n == nil, n.drop:
		case n.cookie:
			e.crumbs(n, f.Value)
		case n.lower == "te" && f.Value != "trailers": // RFC 9113 section 8.2.2
		default:
			e.field(n, f.Value)
		}
	}
}

// crumbs sends a Cookie field as one field for each pair, so that those that do not
// change are found in the table (RFC 9113 section 8.2.3).
func (e *encoder) crumbs(n *fieldName, value string) {
	value = strings.Trim(value, " \t")
	for {
		crumb, rest, more := strings.Cut(value, ";")
		e.field(n, crumb)
		if !more {
			return
		}
		value = strings.TrimPrefix(rest, " ")
	}
}

const (
	maxFrame        = 16384 // the payload that every peer takes
	frameHeaderLen  = 9
	prioritySection = 5 // of HEADERS
)

// queueHeaders queues the encoder's block as HEADERS and, if it is long, CONTINUATION.
func (c *Conn) queueHeaders(id uint32, end bool, priority http2.PriorityParam) {
	block := c.send.enc.buf
	room := maxFrame
	if !priority.IsZero() {
		room -= prioritySection
	}
	first := block[:min(len(block), room)]
	block = block[len(first):]
	c.send.fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0, Priority: priority,
	})
	for len(block) > 0 {
		next := block[:min(len(block), maxFrame)]
		block = block[len(next):]
		c.send.fr.WriteContinuation(id, len(block) == 0, next)
	}
}

// priorityOf is what HEADERS says of a new stream's place among the others.
func (c *Conn) priorityOf(urgency uint8) http2.PriorityParam {
	weight := c.cfg.HTTP2.Weights[urgency]
	if weight == 0 {
		return http2.PriorityParam{}
	}
	return http2.PriorityParam{
		StreamDep: c.order.parent(urgency), Exclusive: c.cfg.HTTP2.Exclusive, Weight: uint8(weight - 1),
	}
}
