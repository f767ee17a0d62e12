package h3

import (
	"strings"
	"sync"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/literal"
	"github.com/kaon-net/kaon/net/internal/message"
)

// maxNames is how many names an encoder remembers.
const maxNames = 512

// An encoder writes field sections (RFC 9204 section 4.5) that refer to the static table
// alone, with Chromium's choices among the forms that are left.
type encoder struct {
	mu    sync.Mutex
	names map[string]*fieldName // by every spelling met
}

// A fieldName is a name in lower case and where the table has it.
type fieldName struct {
	lower  string
	static []int // entries of that name
	drop   bool  // not for HTTP/3
	cookie bool  // to be sent in crumbs
}

func (e *encoder) init() { e.names = make(map[string]*fieldName, 32) }

// name returns what is known of a name, in whatever case. mu is held.
func (e *encoder) name(spelling string) *fieldName {
	if n := e.names[spelling]; n != nil {
		return n
	}
	lower := strings.Clone(strings.ToLower(spelling))
	n := e.names[lower]
	if n == nil {
		n = &fieldName{lower: lower, drop: message.IsDropped(lower), cookie: lower == "cookie"}
		for i := range staticTable {
			if staticTable[i].Name == lower {
				n.static = append(n.static, i)
			}
		}
	}
	// The peer has no say in these names, but a caller may make up new ones for ever.
	if len(e.names) < maxNames {
		e.names[strings.Clone(spelling)] = n
		e.names[n.lower] = n
	}
	return n
}

// field appends one field line. mu is held.
func (e *encoder) field(b []byte, n *fieldName, value string) []byte {
	for _, i := range n.static {
		if staticTable[i].Value == value {
			return literal.AppendInt(b, 0xc0, 6, uint64(i)) // indexed, static
		}
	}
	if len(n.static) > 0 {
		b = literal.AppendInt(b, 0x50, 4, uint64(n.static[0])) // literal with a static name
	} else {
		b = literal.AppendString(b, 0x20, 3, n.lower)
	}
	return literal.AppendString(b, 0, 7, value)
}

// fields appends header or trailer fields that were checked. mu is held.
func (e *encoder) fields(b []byte, fields exchange.Fields) []byte {
	for i := range fields {
		f := &fields[i]
		switch n := e.name(f.Name); {
		case n.drop:
		case n.cookie:
			b = e.crumbs(b, n, f.Value)
		case n.lower == "te" && f.Value != "trailers": // RFC 9114 section 4.2
		default:
			b = e.field(b, n, f.Value)
		}
	}
	return b
}

// crumbs sends a Cookie field as one field line for each pair (RFC 9114 section 4.2.1).
func (e *encoder) crumbs(b []byte, n *fieldName, value string) []byte {
	value = strings.Trim(value, " \t")
	for {
		crumb, rest, more := strings.Cut(value, ";")
		b = e.field(b, n, crumb)
		if !more {
			return b
		}
		value = strings.TrimPrefix(rest, " ")
	}
}

// appendSectionPrefix begins a field section that needs no dynamic table.
func appendSectionPrefix(b []byte) []byte { return append(b, 0, 0) }

// AppendFields appends a field section of the fields as they are to b: names are not
// checked, but made lower-case.
func AppendFields(b []byte, fields exchange.Fields) []byte {
	var e encoder
	e.init()
	b = appendSectionPrefix(b)
	for i := range fields {
		b = e.field(b, e.name(fields[i].Name), fields[i].Value)
	}
	return b
}
