package dnswire

import (
	"slices"
	"strings"

	miekg "github.com/miekg/dns"
)

// cacheFlush is the bit of a record's class that RFC 6762 section 10.2 gave this
// meaning: other records like it are of the past.
const cacheFlush = 1 << 15

// ParseMulticast reads what a neighbour says about q, of its own accord or asked
// (RFC 6762 sections 6 and 6.7).
//
// [ErrMismatch] says that it is nothing: not about q, a question itself, or of a version
// to come. Any other error is neterr.DNSMalformedResponse. An empty Answer means that
// the owner of the name has no such record.
func ParseMulticast(msg []byte, q Question) (*Answer, error) {
	var m miekg.Msg
	if err := m.Unpack(msg); err != nil {
		return nil, malformed(q, err)
	}
	if !m.Response || m.Opcode != miekg.OpcodeQuery || m.Rcode != miekg.RcodeSuccess {
		return nil, ErrMismatch
	}
	a := &Answer{CanonicalName: strings.TrimSuffix(canonical(q.Name), ".")}
	denied := false
	for _, rr := range slices.Concat(m.Answer, m.Extra) {
		h := rr.Header()
		// A record without time to live is one that its owner takes back
		// (RFC 6762 section 10.1).
		if h.Class&^cacheFlush != miekg.ClassINET || h.Ttl == 0 || canonical(h.Name) != canonical(q.Name) {
			continue
		}
		if h.Rrtype == uint16(q.Type) {
			if err := a.add(rr); err != nil {
				return nil, malformed(q, err)
			}
			a.keep(h.Ttl)
		} else if n, ok := rr.(*miekg.NSEC); ok && !slices.Contains(n.TypeBitMap, uint16(q.Type)) {
			denied = true // section 6.1
			a.keep(h.Ttl)
		}
	}
	if a.Empty() && !denied {
		return nil, ErrMismatch
	}
	return a, nil
}
