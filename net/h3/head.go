package h3

import (
	"strconv"
	"strings"
	"sync"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
)

// appendHead appends a HEADERS frame: pseudo-fields as Chromium orders them,
// content-length, the caller's fields in their order and, last of all, priority.
func (e *encoder) appendHead(b []byte, h *message.Head, req *exchange.Request) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, at := beginFrame(b, frameHeaders)
	b = appendSectionPrefix(b)
	b = e.field(b, e.name(":method"), h.Method)
	b = e.field(b, e.name(":authority"), h.Authority)
	if !h.Bare {
		b = e.field(b, e.name(":scheme"), h.Scheme)
		b = e.field(b, e.name(":path"), h.Path)
	}
	if h.Protocol != "" {
		b = e.field(b, e.name(":protocol"), h.Protocol)
	}
	if h.Length >= 0 {
		b = e.field(b, e.name("content-length"), strconv.FormatInt(h.Length, 10))
	}
	b = e.fields(b, req.Header)
	if len(req.TrailerNames) > 0 && !h.Tunnel {
		b = e.field(b, e.name("trailer"), strings.ToLower(strings.Join(req.TrailerNames, ", ")))
	}
	if h.Priority != "" {
		b = e.field(b, e.name("priority"), h.Priority)
	}
	return endFrame(b, at)
}

var headBuffers = sync.Pool{New: func() any { return new([headSize]byte) }}

// headSize is what a usual request head fits in.
const headSize = 2 << 10

// newHead returns room for a request's head, freeHead takes it back.
func newHead() []byte { return headBuffers.Get().(*[headSize]byte)[:0] }

func freeHead(b []byte) {
	if cap(b) == headSize {
		headBuffers.Put((*[headSize]byte)(b[:headSize]))
	}
}

// appendTrailer appends a HEADERS frame with trailer fields that were checked.
func (e *encoder) appendTrailer(b []byte, fields exchange.Fields) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, at := beginFrame(b, frameHeaders)
	return endFrame(e.fields(appendSectionPrefix(b), fields), at)
}

// lengthRoom is what beginFrame leaves for a length below 2^30.
const lengthRoom = 4

// beginFrame appends a frame's type and leaves room for its length.
func beginFrame(b []byte, typ uint64) (frame []byte, at int) {
	b = quicvarint.Append(b, typ)
	return append(b, make([]byte, lengthRoom)...), len(b) + lengthRoom
}

// endFrame puts in the length of the frame whose payload begins at at, in as few bytes as
// it takes.
func endFrame(b []byte, at int) []byte {
	n := uint64(len(b) - at)
	size := quicvarint.Len(n)
	from := at - lengthRoom
	quicvarint.Append(b[:from], n)
	return append(b[:from+size], b[at:]...)
}
