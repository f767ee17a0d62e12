package h1

import (
	"bytes"

	"github.com/kaon-net/kaon/netlog"
)

// headAttr is the request head as Chromium logs it: the request line by itself,
// then the fields.
func headAttr(b []byte) netlog.Attr {
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	return netlog.Headers("", string(line)+"\r\n", func(yield func(name, value string) bool) {
		for rest := rest; len(rest) > 2; {
			var field []byte
			field, rest, _ = bytes.Cut(rest, []byte("\r\n"))
			name, value, _ := bytes.Cut(field, []byte(": "))
			if !yield(string(name), string(value)) {
				return
			}
		}
	})
}
