package netlog

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/kaon-net/kaon/net/neterr"
)

// maxSafe is the largest number that every reader of JSON holds exactly.
const maxSafe = 1<<53 - 1

// maxDepth is how deep a nested value may go before encoding/json takes over, which
// notices values that contain themselves.
const maxDepth = 32

// appendEvent appends one line of a file. params is an object, or empty.
func appendEvent(b []byte, id *identity, t EventType, p phase, now int64, params []byte) []byte {
	b = append(b, '{')
	if len(params) > 0 {
		b = append(b, `"params":`...)
		b = append(b, params...)
		b = append(b, ',')
	}
	b = append(b, `"phase":`...)
	b = strconv.AppendUint(b, uint64(p), 10)
	b = append(b, `,"source":{"id":`...)
	b = strconv.AppendUint(b, id.id, 10)
	b = append(b, `,"start_time":"`...)
	b = strconv.AppendInt(b, id.start, 10)
	b = append(b, `","type":`...)
	b = strconv.AppendUint(b, uint64(id.typ), 10)
	b = append(b, `},"time":"`...)
	b = strconv.AppendInt(b, now, 10)
	b = append(b, `","type":`...)
	b = strconv.AppendUint(b, uint64(t), 10)
	return append(b, '}')
}

// appendParams appends the parameters that mode m shows as an object, or nothing if
// there are none.
func appendParams(b []byte, m Mode, attrs []Attr) []byte {
	start := len(b)
	for i := range attrs {
		if m >= attrs[i].min {
			b = appendAttr(b, m, &attrs[i])
		}
	}
	if len(b) == start {
		return b
	}
	b[start] = '{' // in place of the first member's comma
	return append(b, '}')
}

// appendAttr appends the members that a makes, each with a comma in front.
func appendAttr(b []byte, m Mode, a *Attr) []byte {
	switch a.kind {
	case kindString:
		return appendText(appendKey(b, a.key), a.str)
	case kindInt:
		return appendInt(appendKey(b, a.key), a.num)
	case kindBool:
		return strconv.AppendBool(appendKey(b, a.key), a.num != 0)
	case kindStrings:
		return appendTexts(appendKey(b, a.key), unsafe.Slice(a.any.(*string), a.num))
	case kindURL:
		return appendURL(appendKey(b, a.key), m, a.str)
	case kindSecret:
		b = appendKey(b, a.key)
		if m >= IncludeSensitive {
			return appendText(b, a.str)
		}
		return appendText(b, stripped(len(a.str)))
	case kindBinary:
		return appendBase64(appendKey(b, a.key), a.str)
	case kindTraffic:
		b = appendInt(appendKey(b, "byte_count"), int64(len(a.str)))
		if m >= Everything {
			b = appendBase64(appendKey(b, a.key), a.str)
		}
		return b
	case kindHeaders:
		return appendHeaders(b, m, a.str, a.any.(headers))
	case kindSource:
		id := a.any.(*identity)
		if id == nil {
			return b
		}
		b = append(appendKey(b, a.key), `{"id":`...)
		b = strconv.AppendUint(b, id.id, 10)
		b = append(b, `,"type":`...)
		b = strconv.AppendUint(b, uint64(id.typ), 10)
		return append(b, '}')
	case kindError:
		err, _ := a.any.(error)
		if code := neterr.CodeOf(err); code != neterr.OK {
			b = appendInt(appendKey(b, a.key), int64(code))
		}
		return b
	case kindObject:
		return appendValue(appendKey(b, a.key), a.any, 0)
	}
	return b
}

func appendKey(b []byte, key string) []byte {
	b = append(b, ',')
	return append(appendText(b, key), ':')
}

func appendInt(b []byte, n int64) []byte {
	if n > maxSafe || n < -maxSafe {
		b = append(b, '"')
		b = strconv.AppendInt(b, n, 10)
		return append(b, '"')
	}
	return strconv.AppendInt(b, n, 10)
}

func appendBase64(b []byte, s string) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, unsafe.Slice(unsafe.StringData(s), len(s)))
	return append(b, '"')
}

// appendText appends the parts as one string literal. A text with bytes beyond ASCII
// is marked as escaped, and those bytes and the percent sign are written as %XX: so
// a file holds any bytes and is still JSON.
func appendText(b []byte, parts ...string) []byte {
	ascii := true
	for _, s := range parts {
		ascii = ascii && isASCII(s)
	}
	b = append(b, '"')
	if !ascii {
		b = append(b, "%ESCAPED:\u200b "...)
	}
	for _, s := range parts {
		b = appendQuoted(b, s, ascii)
	}
	return append(b, '"')
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func appendQuoted(b []byte, s string, ascii bool) []byte {
	const hex = "0123456789ABCDEF"
	start := 0 // of what can be copied as it is
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' && (ascii || c != '%') {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch {
		case c >= utf8.RuneSelf, c == '%':
			b = append(b, '%', hex[c>>4], hex[c&15])
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, s[start:]...)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendValue appends what an Object or the polled data hold. The shapes that the
// stack itself uses follow the rules for text and numbers; the rest is
// encoding/json's, and what that refuses becomes a text that says so.
func appendValue(b []byte, v any, depth int) []byte {
	if depth < maxDepth {
		switch v := v.(type) {
		case string:
			return appendText(b, v)
		case bool:
			return strconv.AppendBool(b, v)
		case int:
			return appendInt(b, int64(v))
		case int64:
			return appendInt(b, v)
		case uint64:
			if v > maxSafe {
				return appendText(b, strconv.FormatUint(v, 10))
			}
			return appendInt(b, int64(v))
		case []string:
			return appendTexts(b, v)
		case []any:
			return appendList(b, v, depth)
		case []map[string]any:
			return appendList(b, v, depth)
		case map[string]any:
			return appendMap(b, v, depth)
		case map[string]string:
			return appendMap(b, v, depth)
		case interface{ appendJSON([]byte) []byte }:
			return v.appendJSON(b)
		}
	}
	enc, err := json.Marshal(v)
	if err != nil {
		return appendText(b, err.Error())
	}
	return append(b, enc...)
}

func appendList[T any](b []byte, list []T, depth int) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v, depth+1)
	}
	return append(b, ']')
}

func appendMap[T any](b []byte, m map[string]T, depth int) []byte {
	start := len(b)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = appendValue(appendKey(b, k), m[k], depth+1)
	}
	if len(b) == start {
		return append(b, "{}"...)
	}
	b[start] = '{'
	return append(b, '}')
}
