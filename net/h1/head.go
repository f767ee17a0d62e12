package h1

import (
	"bytes"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A head is a response head, taken apart.
type head struct {
	major, minor int // clamped to 0.9, 1.0 or 1.1
	status       int
	text         string
	fields       exchange.Fields
}

// statusSlop is how many bytes of rubbish may stand before the status line, which
// some servers leave after the last response (Chromium: HttpUtil).
const statusSlop = 4

// findStatusLine returns where b's status line starts, or -1. undecided says that
// more bytes may still bring one.
func findStatusLine(b []byte) (at int, undecided bool) {
	for i := 0; i <= statusSlop && i+4 <= len(b); i++ {
		if bytes.EqualFold(b[i:i+4], []byte("http")) {
			return i, false
		}
	}
	return -1, len(b) < statusSlop+4
}

// findHeadEnd returns the length of the head in b, its empty line included: LF LF
// or LF CR LF. It looks from position from on and returns -1 if there is no end yet.
func findHeadEnd(b []byte, from int) int {
	for i := from; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i + 2
		}
	}
}

// parseHead reads a status line and the field lines after it, as Chromium's
// HttpResponseHeaders does: it is lenient with every line on its own, and strict
// where leniency would let a response be read in two ways. Fields are appended to
// fields; every string is part of raw.
func parseHead(raw string, fields exchange.Fields) (head, error) {
	if strings.IndexByte(raw, 0) >= 0 {
		return head{}, neterr.InvalidHTTPResponse
	}
	line, rest := cutLine(raw)
	h, err := parseStatusLine(line)
	if err != nil {
		return head{}, err
	}
	open := false // whether an obs-fold (RFC 9112 section 5.2) may continue the last field
	for rest != "" {
		line, rest = cutLine(rest)
		if line == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if v := trim(line); open && v != "" {
				last := &fields[len(fields)-1]
				last.Value = trim(last.Value + " " + v)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = trim(name)
		if open = ok && httpguts.ValidHeaderFieldName(name); open {
			fields = append(fields, exchange.Field{Name: name, Value: trim(value)})
		}
	}
	if h.major == 0 {
		h.minor, fields = 9, nil
	}
	h.fields = fields
	return h, checkDuplicates(fields)
}

// cutLine splits at the first line end. A lone CR ends a line as well.
func cutLine(s string) (line, rest string) {
	line = s
	if before, after, ok := strings.Cut(s, "\n"); ok {
		line, rest = before, after
	}
	if i := strings.IndexByte(line, '\r'); i >= 0 {
		if i < len(line)-1 || len(line) == len(s) {
			rest = s[i+1:] // not before the LF: what follows is a line of its own
		}
		line = line[:i]
	}
	return line, rest
}

// trim removes the optional white space of RFC 9110 section 5.6.3.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// parseStatusLine reads "HTTP/1.1 200 OK". A version that cannot be read is 1.0,
// one beyond 1.1 is 1.1; a missing status is 200 and a missing reason is fine.
func parseStatusLine(line string) (head, error) {
	h := head{major: 1, minor: 0, status: 200}
	line = line[4:] // "http", which findStatusLine found
	if len(line) >= 4 && line[0] == '/' && isDigit(line[1]) && line[2] == '.' && isDigit(line[3]) {
		major, minor := int(line[1]-'0'), int(line[3]-'0')
		switch {
		case major == 0 && minor == 9:
			h.major, h.minor = 0, 9
		case major > 1 || major == 1 && minor >= 1:
			h.minor = 1
		}
	}
	i := strings.IndexByte(line, ' ')
	if i < 0 {
		return h, nil
	}
	line = strings.TrimLeft(line[i:], " ")
	n := 0
	for n < len(line) && isDigit(line[n]) {
		n++
	}
	if n == 0 {
		return h, nil
	}
	if n > 9 {
		return head{}, neterr.InvalidHTTPResponse
	}
	h.status = 0
	for _, d := range []byte(line[:n]) {
		h.status = 10*h.status + int(d-'0')
	}
	h.text = trim(line[n:])
	return h, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// checkDuplicates refuses heads that two readers could read differently: fields
// that may be there once, with different values (Chromium: response splitting).
func checkDuplicates(fields exchange.Fields) error {
	length, disposition, location := -1, -1, -1
	for i := range fields {
		name := fields[i].Name
		switch len(name) {
		case len("Content-Length"):
			if exchange.EqualName(name, "Content-Length") && differs(fields, &length, i) && !isChunked(fields) {
				return neterr.ResponseHeadersMultipleContentLength
			}
		case len("Content-Disposition"):
			if exchange.EqualName(name, "Content-Disposition") && differs(fields, &disposition, i) {
				return neterr.ResponseHeadersMultipleContentDisposition
			}
		case len("Location"):
			if exchange.EqualName(name, "Location") && differs(fields, &location, i) {
				return neterr.ResponseHeadersMultipleLocation
			}
		}
	}
	return nil
}

// differs reports whether field i has another value than the first of its name.
func differs(fields exchange.Fields, first *int, i int) bool {
	if *first < 0 {
		*first = i
		return false
	}
	return fields[i].Value != fields[*first].Value
}

// isChunked reports whether any transfer coding is chunked (RFC 9112 section 6.1).
func isChunked(fields exchange.Fields) bool {
	for i := range fields {
		if exchange.EqualName(fields[i].Name, "Transfer-Encoding") && exchange.HasToken(fields[i].Value, "chunked") {
			return true
		}
	}
	return false
}

// keepsAlive reports whether the peer will serve another request: the first of
// keep-alive and close in Connection, else in Proxy-Connection, else by version.
func (h *head) keepsAlive() bool {
	for _, name := range [...]string{"Connection", "Proxy-Connection"} {
		for i := range h.fields {
			if !exchange.EqualName(h.fields[i].Name, name) {
				continue
			}
			for list := h.fields[i].Value; list != ""; {
				var member string
				member, list, _ = strings.Cut(list, ",")
				switch member = trim(member); {
				case exchange.EqualName(member, "close"):
					return false
				case exchange.EqualName(member, "keep-alive"):
					return h.major == 1
				}
			}
		}
	}
	return h.major == 1 && h.minor >= 1
}

// contentLength returns the first Content-Length, or -1 if there is none that can
// be read: digits only, no sign.
func contentLength(fields exchange.Fields) int64 {
	v, ok := fields.Lookup("Content-Length")
	if !ok || v == "" || len(v) > 18 {
		return -1
	}
	var n int64
	for i := 0; i < len(v); i++ {
		if !isDigit(v[i]) {
			return -1
		}
		n = 10*n + int64(v[i]-'0')
	}
	return n
}
