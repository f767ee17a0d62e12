package h3

import (
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
)

// maxUpdate is the longest value that PRIORITY_UPDATE sends.
const maxUpdate = 64

// updateOf is PRIORITY_UPDATE's value: the "priority" field's, the caller's own or not.
func updateOf(h *message.Head, req *exchange.Request) string {
	value := h.Priority
	if value == "" && !h.Tunnel {
		value = req.Header.Get("Priority")
	}
	if len(value) > maxUpdate {
		return ""
	}
	return value
}

// appendPriorityUpdate appends the frame for a request stream (RFC 9218 section 7.2).
func appendPriorityUpdate(b []byte, id uint64, value string) []byte {
	b = quicvarint.Append(b, framePriorityUpdate)
	b = quicvarint.Append(b, uint64(quicvarint.Len(id)+len(value)))
	return append(quicvarint.Append(b, id), value...)
}

// sendPriority tells the peer a stream's priority ahead of its request, as Chromium
// does. A peer that lets the control stream fill up is not told: the request's own field
// says the same.
func (c *Conn) sendPriority(st *stream) {
	if st.urgency != message.DefaultUrgency {
		st.qs.SetPriority(int8(st.urgency), true)
	}
	if st.update != "" {
		var room [maxUpdate + 24]byte
		c.control.Load().TryWriteAll(appendPriorityUpdate(room[:0], uint64(st.qs.StreamID()), st.update))
	}
}
