package message

import (
	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// lineCost is what a field counts beside its strings (RFC 9113 section 6.5.2, RFC 9114
// section 4.2.2).
const lineCost = 32

// A Section is the fields of a response, or of a part of it, while they are decoded.
type Section struct {
	Status int // of :status; 0 without one
	Fields []exchange.Field
	Size   int         // so far
	Limit  int         // of Size
	Fault  neterr.Code // what is wrong with it; 0 is nothing

	malformed neterr.Code
	regular   bool // a field that is not a pseudo-field came
}

// Begin makes the section empty. Its fields go behind those that are in into, which are
// the caller's. malformed is the fault of one that is against the protocol, whichever
// it is.
func (s *Section) Begin(into []exchange.Field, limit int, malformed neterr.Code) {
	*s = Section{Fields: into, Limit: limit, malformed: malformed}
}

// IsFull reports whether the fields are more than the limit allows.
func (s *Section) IsFull() bool { return s.Size > s.Limit }

// Add takes the next field. What is not well-formed is a Fault, and nothing counts from
// there on but the size.
func (s *Section) Add(l *Line) {
	if s.Size += l.Size(); s.Size > s.Limit {
		s.Fault, s.Fields = neterr.ResponseHeadersTooBig, s.Fields[:0]
		return
	}
	switch {
	case s.Fault != 0:
	case l.kind == regular:
		s.regular = true
		s.Fields = append(s.Fields, l.Field)
	case l.kind == connection:
		s.regular = true
	case l.kind == status:
		if s.Status = parseStatus(l.Value, s.Status); s.Status == 0 || s.regular {
			s.Fault = s.malformed
		}
	default:
		s.Fault = s.malformed
	}
}

// A Line is a field of a response that was looked at: one in a table of fields need not
// be each time it comes.
type Line struct {
	exchange.Field
	kind kind
}

// A kind is what a field is to the protocol.
type kind uint8

const (
	malformed  kind = iota // pseudo-fields other than :status among them
	status                 // the pseudo-field
	connection             // not for the caller
	regular
)

// LineOf looks at a field.
func LineOf(name, value string) Line {
	l := Line{Field: exchange.Field{Name: name, Value: value}}
	switch {
	case name == ":status":
		l.kind = status
	case !isLowerToken(name) || !exchange.IsFieldValue(value):
	case isConnectionField(name):
		l.kind = connection
	default:
		l.kind = regular
	}
	return l
}

// Size is what the field counts, in a Section and in a table (RFC 7541 section 4.1).
func (l *Line) Size() int { return len(l.Name) + len(l.Value) + lineCost }

// parseStatus returns 0 for what is no status, and for a second one.
func parseStatus(s string, before int) int {
	if len(s) != 3 || before != 0 || s[0] == '0' {
		return 0
	}
	return int(max(parseLength(s), 0))
}

func isLowerToken(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; 'A' <= c && c <= 'Z' || !httpguts.IsTokenRune(rune(c)) {
			return false
		}
	}
	return name != ""
}

// isConnectionField names the fields that mean nothing in HTTP/2 and 3. RFC 9113 section
// 8.2.2 and RFC 9114 section 4.2 call a response with them malformed; Chromium takes it,
// and so do we, without them.
func isConnectionField(name string) bool {
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// CheckHead returns the content length of a response, -1 without one, and which field
// must not be said twice.
func CheckHead(fields []exchange.Field) (length int64, fault neterr.Code) {
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
