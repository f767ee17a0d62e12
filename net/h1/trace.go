package h1

import (
	"bytes"
	"net/http/httptrace"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// traceHead tells the caller's trace which fields went out.
func traceHead(t *httptrace.ClientTrace, req *exchange.Request) {
	if t.WroteHeaderField != nil {
		for name, value := range req.Header.All() {
			t.WroteHeaderField(name, []string{value})
		}
	}
	if t.WroteHeaders != nil {
		t.WroteHeaders()
	}
}

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
