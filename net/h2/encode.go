package h2

import (
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/literal"
	"github.com/kaon-net/kaon/net/internal/message"
)

// staticEntries is the number of entries of HPACK's static table (RFC 7541 appendix
// A).
const staticEntries = 61

// statics is the static table, told by the decoder that has it.
var statics = sync.OnceValue(func() []hpack.HeaderField {
	table := make([]hpack.HeaderField, 0, staticEntries+1)
	table = append(table, hpack.HeaderField{})
	dec := hpack.NewDecoder(0, func(f hpack.HeaderField) { table = append(table, f) })
	for i := range staticEntries {
		dec.Write([]byte{0x80 | byte(i+1)})
	}
	return table
})

const (
	defaultTable = 4096     // bytes of HPACK table before the peer's SETTINGS
	maxTable     = 64 << 10 // whatever the peer allows
	entryCost    = 32       // of a table entry, beside its strings (RFC 7541 section 4.1)
	maxNames     = 512      // that an encoder remembers
	maxRecent    = 32       // that it knows by their place
)

// An encoder writes header blocks (RFC 7541) with Chromium's choices, which
// hpack.Encoder does not make: a field is indexed wherever it can be, except the
// pseudo-fields other than :authority, which are literals without indexing; one that
// is larger than the table empties it.
type encoder struct {
	buf     []byte
	names   map[string]*fieldName // by every spelling met
	entries map[tableEntry]uint64 // the dynamic table: number of insertion
	queue   []tableEntry          // oldest first
	added   uint64                // insertions ever
	size    int
	limit   int
	lowest  int  // the smallest limit since the last header block
	resized bool // the next block must tell the limit

	recent [maxRecent]*fieldName // by their place in the last list of fields

	// Names that need not be looked up.
	method, authority, scheme, path, priority *fieldName
}

// A fieldName is a name in lower case and where the tables have it.
type fieldName struct {
	lower  string
	spelt  string   // as it was first met
	static int      // first static entry of the name; 0 is none
	values []string // of the static entries, from there
	newest uint64   // insertion of the newest dynamic entry; 0 is none
	value  string   // its value
	drop   bool     // not for HTTP/2
	cookie bool     // to be sent in crumbs
}

type tableEntry struct {
	name  *fieldName
	value string
}

func (e tableEntry) size() int { return len(e.name.lower) + len(e.value) + entryCost }

func (e *encoder) init() {
	e.limit = defaultTable
	e.names = make(map[string]*fieldName, 32)
	e.entries = make(map[tableEntry]uint64, 32)
	e.method, e.authority, e.scheme, e.path = e.name(":method"), e.name(":authority"), e.name(":scheme"), e.name(":path")
	e.priority = e.name("priority")
}

// nameAt is name for the field at a place in a list: most requests of a connection have
// the same fields in the same order.
func (e *encoder) nameAt(place int, spelling string) *fieldName {
	if place >= len(e.recent) {
		return e.name(spelling)
	}
	if n := e.recent[place]; n != nil && n.spelt == spelling {
		return n
	}
	n := e.name(spelling)
	e.recent[place] = n
	return n
}

// name returns what is known of a name, in whatever case; nil is for what is no name.
func (e *encoder) name(spelling string) *fieldName {
	if n := e.names[spelling]; n != nil {
		return n
	}
	if !httpguts.ValidHeaderFieldName(strings.TrimPrefix(spelling, ":")) {
		return nil
	}
	lower := strings.ToLower(spelling)
	n := e.names[lower]
	if n == nil {
		n = &fieldName{lower: strings.Clone(lower), spelt: strings.Clone(spelling), drop: message.IsDropped(lower), cookie: lower == "cookie"}
		for i, f := range statics() {
			if f.Name == lower {
				if n.static == 0 {
					n.static = i
				}
				n.values = append(n.values, f.Value)
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

// check reports what must not be sent, as [message.CheckFields] does. A value that went
// out with the last field of its name need not be looked at.
func (e *encoder) check(fields exchange.Fields) error {
	for i := range fields {
		f := &fields[i]
		if f.Name != "" && f.Name[0] == ':' {
			continue // never sent
		}
		if n := e.nameAt(i, f.Name); n == nil || n.value != f.Value && !exchange.IsFieldValue(f.Value) {
			return message.FieldError(f.Name)
		}
	}
	return nil
}

// begin starts a header block.
func (e *encoder) begin() {
	e.buf = e.buf[:0]
	if e.resized {
		if e.lowest < e.limit {
			e.buf = literal.AppendInt(e.buf, 0x20, 5, uint64(e.lowest))
		}
		e.buf = literal.AppendInt(e.buf, 0x20, 5, uint64(e.limit))
		e.resized = false
	}
}

// resize sets the size of the dynamic table, as the peer's SETTINGS ask.
func (e *encoder) resize(limit uint32) {
	n := int(min(limit, maxTable))
	if n == e.limit {
		return
	}
	if !e.resized || n < e.lowest {
		e.lowest = n
	}
	e.limit, e.resized = n, true
	e.shrink(n)
}

// field encodes one field, to be indexed.
func (e *encoder) field(n *fieldName, value string) {
	if e.find(n, value) {
		return
	}
	e.literal(n, value, 0x40, 6)
	e.add(n, value)
}

// plain encodes one field, as an index if the tables have it, but never adds it.
func (e *encoder) plain(n *fieldName, value string) {
	if !e.find(n, value) {
		e.literal(n, value, 0, 4)
	}
}

func (e *encoder) find(n *fieldName, value string) bool {
	for i, v := range n.values {
		if v == value {
			e.buf = literal.AppendInt(e.buf, 0x80, 7, uint64(n.static+i))
			return true
		}
	}
	at := n.newest
	if !e.alive(at) {
		return false
	}
	if n.value != value {
		var ok bool
		if at, ok = e.entries[tableEntry{n, value}]; !ok {
			return false
		}
	}
	e.buf = literal.AppendInt(e.buf, 0x80, 7, e.index(at))
	return true
}

// alive reports whether the dynamic table still has an insertion.
func (e *encoder) alive(at uint64) bool { return at > e.added-uint64(len(e.queue)) }

func (e *encoder) index(at uint64) uint64 { return staticEntries + 1 + e.added - at }

func (e *encoder) literal(n *fieldName, value string, pattern byte, prefix uint) {
	name := uint64(n.static)
	if name == 0 && e.alive(n.newest) {
		name = e.index(n.newest)
	}
	e.buf = literal.AppendInt(e.buf, pattern, prefix, name)
	if name == 0 {
		e.buf = literal.AppendString(e.buf, 0, 7, n.lower)
	}
	e.buf = literal.AppendString(e.buf, 0, 7, value)
}

func (e *encoder) add(n *fieldName, value string) {
	entry := tableEntry{n, value}
	size := entry.size()
	e.shrink(e.limit - size)
	if size > e.limit {
		return // the table is empty now (RFC 7541 section 4.4)
	}
	entry.value = strings.Clone(value) // it may be a small part of something large
	e.added++
	e.queue = append(e.queue, entry)
	e.entries[entry] = e.added
	e.size += size
	n.newest, n.value = e.added, entry.value
}

// shrink evicts the oldest entries until no more than limit bytes are left.
func (e *encoder) shrink(limit int) {
	gone := 0
	for e.size > limit && gone < len(e.queue) {
		entry := e.queue[gone]
		e.size -= entry.size()
		delete(e.entries, entry)
		e.queue[gone] = tableEntry{}
		gone++
	}
	e.queue = e.queue[gone:]
}
