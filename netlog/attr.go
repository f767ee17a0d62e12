package netlog

import "unsafe"

// An Attr is one parameter of an event. Values are made ready for the file only
// while recording, by the rules of its [Mode]: text that is not ASCII, numbers beyond
// 2^53, credentials in addresses and header fields. The zero Attr adds nothing.
type Attr struct {
	key  string
	kind kind
	min  Mode
	num  int64
	str  string
	any  any // holds only pointers on the paths without Source.On: boxing would allocate
}

type kind uint8

const (
	kindNone kind = iota
	kindString
	kindInt
	kindBool
	kindStrings
	kindURL
	kindSecret
	kindBinary
	kindTraffic
	kindHeaders
	kindSource
	kindError
	kindObject
)

// Only returns a as a parameter of recordings in mode m or a fuller one; others go
// without it:
//
//	netlog.String("name", cookie.Name).Only(netlog.IncludeSensitive)
func (a Attr) Only(m Mode) Attr {
	a.min = max(a.min, m)
	return a
}

// String is a text parameter. What may be secret in it is the caller's to leave out:
// see [URL], [Secret], [Attr.Only].
func String(key, v string) Attr { return Attr{key: key, kind: kindString, str: v} }

// Int is a number. Beyond 2^53 it is written as a string, as Chromium does.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](key string, v T) Attr {
	return Attr{key: key, kind: kindInt, num: int64(v)}
}

// Bool is true or false.
func Bool(key string, v bool) Attr {
	a := Attr{key: key, kind: kindBool}
	if v {
		a.num = 1
	}
	return a
}

// Strings is a list of texts. It is read while the event is recorded, not later.
func Strings(key string, v []string) Attr {
	return Attr{key: key, kind: kindStrings, num: int64(len(v)), any: unsafe.SliceData(v)}
}

// URL is an address; user name and password are removed unless the mode is
// [IncludeSensitive] or fuller.
func URL(key, v string) Attr { return Attr{key: key, kind: kindURL, str: v} }

// Secret is a text that only mode [IncludeSensitive] and fuller show; otherwise its
// length stands for it.
func Secret(key, v string) Attr { return Attr{key: key, kind: kindSecret, str: v} }

// Binary is a value that is not text, in base64, in every mode: a handshake message,
// a hash. For what is sent and received see [Bytes].
func Binary(key string, v []byte) Attr {
	return Attr{key: key, kind: kindBinary, str: unsafe.String(unsafe.SliceData(v), len(v))}
}

// Bytes is a chunk of traffic: byte_count always, and the bytes themselves in mode
// [Everything]. The bytes are copied while the event is recorded.
func Bytes(b []byte) Attr {
	return Attr{key: "bytes", kind: kindTraffic, str: unsafe.String(unsafe.SliceData(b), len(b))}
}

// Header is a list of header fields. An iterator keeps this package free of the
// types above it.
type Header func(yield func(name, value string) bool)

// Headers is a header block under the key "headers", with Chromium's redaction of
// cookies and credentials. A response passes its status line as first; an HTTP/1
// request passes its request line as line with first empty; both are empty for the
// fields of an HTTP/2 request. It allocates: keep it behind [Source.On].
func Headers(first, line string, h Header) Attr {
	return Attr{key: "headers", kind: kindHeaders, str: first, any: headers{line, h}}
}

type headers struct {
	line   string
	fields Header
}

// Dependency ties the event to another source: source_dependency. Log it at both
// ends. A silent source adds nothing.
func Dependency(s Source) Attr {
	return Attr{key: "source_dependency", kind: kindSource, any: s.id}
}

// Object is a nested value: maps, slices, numbers and strings that encoding/json
// can write. It is read while the event is recorded; nothing in it is redacted.
func Object(key string, v any) Attr { return Attr{key: key, kind: kindObject, any: v} }

// Err is the failure that ended a span: net_error, the code that net/neterr finds in
// err. Nil adds nothing.
func Err(err error) Attr { return Attr{key: "net_error", kind: kindError, any: err} }
