package dnswire

import (
	"errors"
	"strconv"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/net/neterr"
)

// A Type is a kind of record.
type Type uint16

// The types that Chromium asks for.
const (
	A     Type = 1
	PTR   Type = 12
	TXT   Type = 16
	AAAA  Type = 28
	SRV   Type = 33
	HTTPS Type = 65
)

// String returns the type's name, or TYPE and its number (RFC 3597 section 5).
func (t Type) String() string {
	if s, ok := miekg.TypeToString[uint16(t)]; ok {
		return s
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// A Question is what one message asks for.
type Question struct {
	Name string // in ASCII; a dot at the end makes no difference
	Type Type
}

// UDPSize is how long an answer over UDP may be, as the question announces it.
const UDPSize = 4096

// PaddingBlock is what the length of an encrypted question is a multiple of
// (RFC 8467 section 4.1).
const PaddingBlock = 128

// QueryOptions are how to ask. The zero value is for a server that is asked over an
// encrypted connection of HTTP, but for the padding.
type QueryOptions struct {
	ID uint16 // 0 over HTTP (RFC 8484 section 4.1), otherwise to be guessed by nobody

	Pad bool // up to a multiple of PaddingBlock

	// Multicast makes the question one for RFC 6762: without EDNS, recursion and ID.
	// The answer may come to the one who asks alone.
	Multicast bool
}

// AppendQuery appends the message that asks q. A name that does not fit into one is
// neterr.NameNotResolved.
func AppendQuery(b []byte, q Question, o QueryOptions) ([]byte, error) {
	m := miekg.Msg{
		MsgHdr:   miekg.MsgHdr{Id: o.ID, RecursionDesired: true},
		Question: []miekg.Question{{Name: miekg.Fqdn(q.Name), Qtype: uint16(q.Type), Qclass: miekg.ClassINET}},
	}
	if o.Multicast {
		m.MsgHdr = miekg.MsgHdr{}
		m.Question[0].Qclass |= unicastAnswer
	} else {
		opt := &miekg.OPT{Hdr: miekg.RR_Header{Name: ".", Rrtype: miekg.TypeOPT, Class: UDPSize}}
		m.Extra = []miekg.RR{opt}
		if o.Pad {
			pad := new(miekg.EDNS0_PADDING)
			opt.Option = append(opt.Option, pad)
			if past := m.Len() % PaddingBlock; past > 0 {
				pad.Padding = make([]byte, PaddingBlock-past)
			}
		}
	}
	packed, err := m.Pack()
	if _, ok := miekg.IsDomainName(m.Question[0].Name); !ok && err == nil {
		err = errTooLong // Pack sees to the labels alone
	}
	if err != nil {
		return b, &neterr.Error{Code: neterr.NameNotResolved, Op: "pack question", Addr: q.Name, Err: err}
	}
	return append(b, packed...), nil
}

var errTooLong = errors.New("the name is too long")

// unicastAnswer is the bit of a question's class that RFC 6762 section 5.4 gave this
// meaning.
const unicastAnswer = 1 << 15
