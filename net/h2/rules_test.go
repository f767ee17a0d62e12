package h2_test

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestResets holds what Chromium makes of RST_STREAM: before any response, after its
// head, and after its end while the request body still goes out.
func TestResets(t *testing.T) {
	tests := []struct {
		code        http2.ErrCode
		status      string
		early, late error // before the head; after it
		whole       error // after the end
		drained     error // what other requests on the connection get; nil leaves them alone
	}{
		{http2.ErrCodeNo, "200", neterr.HTTP2RSTStreamNoErrorReceived, neterr.HTTP2RSTStreamNoErrorReceived, nil, nil},
		{http2.ErrCodeRefusedStream, "200", neterr.HTTP2ServerRefusedStream, neterr.HTTP2ServerRefusedStream, neterr.HTTP2ServerRefusedStream, nil},
		{http2.ErrCodeCancel, "200", neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, nil},
		{http2.ErrCodeCancel, "300", neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, nil, nil},
		{http2.ErrCodeStreamClosed, "404", neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, nil, nil},
		{http2.ErrCodeStreamClosed, "200", neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, nil},
		{http2.ErrCodeInternal, "200", neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, nil},
		{http2.ErrCodeEnhanceYourCalm, "500", neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, neterr.HTTP2ProtocolError, nil},
		{http2.ErrCodeHTTP11Required, "200", neterr.HTTP11Required, neterr.HTTP11Required, neterr.HTTP11Required, neterr.HTTP11Required},
	}
	for _, tt := range tests {
		t.Run(tt.code.String()+" "+tt.status, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				k, other := p.get(1), p.get(3)
				p.fr.WriteRSTStream(1, tt.code)
				k.failed(tt.early, true, false)
				if tt.drained != nil {
					other.failed(tt.drained, true, false)
					p.wantEnd()
					return
				}
				other.pending()
				p.headers(3, false, ":status", tt.status)
				p.data(3, false, "some")
				p.fr.WriteRSTStream(3, tt.code)
				if b, err := other.body(); b != "some" || !errors.Is(err, tt.late) {
					t.Errorf("after the head: %q, %v; want %v", b, err, tt.late)
				}
				p.wantSlots(0, 100)

				pr, pw := io.Pipe()
				defer pw.Close()
				req := request("POST", "https://a.test/", nil, -1)
				req.Body = pr
				k = p.start(req)
				p.wantHeaders(5, false)
				p.headers(5, false, ":status", tt.status)
				p.data(5, true, "all")
				p.fr.WriteRSTStream(5, tt.code)
				synctest.Wait()
				if b, err := k.body(); b != "all" || !errors.Is(err, tt.whole) {
					t.Errorf("after the end: %q, %v; want %v", b, err, tt.whole)
				}
				if _, err := pw.Write([]byte("x")); err != io.ErrClosedPipe {
					t.Errorf("the request body was left open: %v", err)
				}
				p.wantSlots(0, 100)
				p.working(7)
			})
		})
	}
}

// TestGoAway holds what Chromium makes of GOAWAY, with one stream that the peer has
// seen and one that it has not.
func TestGoAway(t *testing.T) {
	tests := []struct {
		code         http2.ErrCode
		seen, unseen error
	}{
		{http2.ErrCodeNo, nil, neterr.HTTP2ServerRefusedStream},
		{http2.ErrCodeInternal, nil, neterr.HTTP2ProtocolError},
		{http2.ErrCodeEnhanceYourCalm, nil, neterr.HTTP2ProtocolError},
		{http2.ErrCodeHTTP11Required, neterr.HTTP11Required, neterr.HTTP11Required},
	}
	for _, tt := range tests {
		t.Run(tt.code.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				var hooked atomic.Int32
				p.c.SetStateHook(func() { hooked.Add(1) })
				seen, unseen := p.get(1), p.get(3)
				if err := p.c.Reserve(); err != nil {
					t.Fatal(err)
				}
				p.fr.WriteGoAway(1, tt.code, []byte("debug"))
				unseen.failed(tt.unseen, true, false)
				synctest.Wait()
				if p.c.Err() == nil || p.c.Reserve() == nil || p.c.Available() != 0 || hooked.Load() == 0 {
					t.Errorf("the connection goes on: %v, hook called %d times", p.c.Err(), hooked.Load())
				}
				if tt.seen != nil {
					seen.failed(tt.seen, true, false)
					p.wantEnd()
					return
				}
				// The slot that was reserved before is of no use now, but says so in a way
				// that lets the request go elsewhere.
				_, err := p.c.RoundTrip(t.Context(), request("GET", "https://a.test/", nil, 0))
				var a *exchange.AttemptError
				if !errors.Is(err, neterr.HTTP2ServerRefusedStream) || !errors.As(err, &a) || a.Sent {
					t.Errorf("a late request: %v", err)
				}
				seen.pending()
				p.headers(1, false, ":status", "200")
				p.data(1, true, "fine")
				seen.wantBody("fine")
				p.wantEnd()
			})
		})
	}
	t.Run("idle", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			p.fr.WriteGoAway(0, http2.ErrCodeNo, nil)
			p.wantEnd()
		})
	})
	t.Run("reserved", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			if err := p.c.Reserve(); err != nil {
				t.Fatal(err)
			}
			p.fr.WriteGoAway(0, http2.ErrCodeNo, nil)
			p.wantQuiet()
			p.c.Release()
			p.wantEnd()
		})
	})
}

// TestConnectionErrors: what ends the connection, the GOAWAY it gets for it, and the
// code with which a request under way on stream 1 fails.
func TestConnectionErrors(t *testing.T) {
	raw := func(typ http2.FrameType, flags http2.Flags, id uint32, payload string) func(*peer) {
		return func(p *peer) { p.fr.WriteRawFrame(typ, flags, id, []byte(payload)) }
	}
	const (
		protocol = http2.ErrCodeProtocol
		size     = http2.ErrCodeFrameSize
		flow     = http2.ErrCodeFlowControl
		calm     = http2.ErrCodeEnhanceYourCalm
	)
	settings := func(s ...http2.Setting) func(*peer) { return func(p *peer) { p.fr.WriteSettings(s...) } }
	tests := []struct {
		name string
		do   func(*peer)
		code http2.ErrCode
		err  error
	}{
		{"DATA on stream 0", raw(http2.FrameData, 0, 0, "x"), protocol, neterr.HTTP2ProtocolError},
		{"DATA on an idle stream", raw(http2.FrameData, 0, 3, "x"), protocol, neterr.HTTP2ProtocolError},
		{"DATA on a pushed stream", raw(http2.FrameData, 0, 2, "x"), protocol, neterr.HTTP2ProtocolError},
		{"DATA all padding and more", raw(http2.FrameData, http2.FlagDataPadded, 1, "\x02x"), protocol, neterr.HTTP2ProtocolError},
		{"DATA padded without length", raw(http2.FrameData, http2.FlagDataPadded, 1, ""), protocol, neterr.HTTP2ProtocolError},
		{"DATA too large", raw(http2.FrameData, 0, 1, strings.Repeat("x", 16385)), size, neterr.HTTP2FrameSizeError},
		{"HEADERS on stream 0", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 0, "\x88"), protocol, neterr.HTTP2ProtocolError},
		{"HEADERS on an idle stream", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 3, "\x88"), protocol, neterr.HTTP2ProtocolError},
		{"HEADERS on a pushed stream", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 2, "\x88"), protocol, neterr.HTTP2ProtocolError},
		{"HEADERS too much padding", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersPadded, 1, "\x02\x88"), protocol, neterr.HTTP2ProtocolError},
		{"HEADERS cut in the priority", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersPriority, 1, "\x88"), size, neterr.HTTP2FrameSizeError},
		{"HPACK index out of range", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\xff\x80\x01"), http2.ErrCodeCompression, neterr.HTTP2CompressionError},
		{"HPACK cut short", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\x40\x0a"), http2.ErrCodeCompression, neterr.HTTP2CompressionError},
		{"HPACK table too large", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\x3f\xe2\xff\x03\x88"), http2.ErrCodeCompression, neterr.HTTP2CompressionError},
		{"HPACK bad Huffman", raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\x40\x84\xff\xff\xff\xff\x01a"), http2.ErrCodeCompression, neterr.HTTP2CompressionError},
		{"CONTINUATION alone", raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, "\x88"), protocol, neterr.HTTP2ProtocolError},
		{"PING within a header block", func(p *peer) {
			raw(http2.FrameHeaders, 0, 1, "\x88")(p)
			p.fr.WritePing(false, [8]byte{})
		}, protocol, neterr.HTTP2ProtocolError},
		{"CONTINUATION of another stream", func(p *peer) {
			raw(http2.FrameHeaders, 0, 1, "\x88")(p)
			raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 3, "")(p)
		}, protocol, neterr.HTTP2ProtocolError},
		{"CONTINUATION for ever", func(p *peer) {
			raw(http2.FrameHeaders, 0, 1, "\x88")(p)
			for range 257 {
				raw(http2.FrameContinuation, 0, 1, "")(p)
			}
		}, calm, neterr.HTTP2ProtocolError},
		{"header block of megabytes", func(p *peer) {
			raw(http2.FrameHeaders, 0, 1, "\x88")(p)
			for range 65 {
				raw(http2.FrameContinuation, 0, 1, strings.Repeat("\x00\x01a\x7f\x81\x01"+strings.Repeat("v", 256), 62))(p)
			}
		}, calm, neterr.HTTP2ProtocolError},
		{"PRIORITY of an odd length", raw(http2.FramePriority, 0, 1, "x"), size, neterr.HTTP2FrameSizeError},
		{"RST_STREAM of an odd length", raw(http2.FrameRSTStream, 0, 1, "x"), size, neterr.HTTP2FrameSizeError},
		{"RST_STREAM on stream 0", raw(http2.FrameRSTStream, 0, 0, "1234"), protocol, neterr.HTTP2ProtocolError},
		{"RST_STREAM on an idle stream", raw(http2.FrameRSTStream, 0, 3, "1234"), protocol, neterr.HTTP2ProtocolError},
		{"SETTINGS of an odd length", raw(http2.FrameSettings, 0, 0, "12345"), size, neterr.HTTP2FrameSizeError},
		{"SETTINGS on a stream", raw(http2.FrameSettings, 0, 1, ""), protocol, neterr.HTTP2ProtocolError},
		{"SETTINGS acknowledged with more", raw(http2.FrameSettings, http2.FlagSettingsAck, 0, "123456"), size, neterr.HTTP2FrameSizeError},
		{"ENABLE_CONNECT_PROTOCOL 2", settings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 2}), protocol, neterr.HTTP2ProtocolError},
		{"ENABLE_CONNECT_PROTOCOL taken back", settings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1}, http2.Setting{ID: http2.SettingEnableConnectProtocol}), protocol, neterr.HTTP2ProtocolError},
		{"NO_RFC7540_PRIORITIES late", settings(http2.Setting{ID: 9, Val: 1}), protocol, neterr.HTTP2ProtocolError},
		{"PUSH_PROMISE", raw(http2.FramePushPromise, http2.FlagPushPromiseEndHeaders, 1, "\x00\x00\x00\x02\x82"), protocol, neterr.HTTP2ProtocolError},
		{"PING of an odd length", raw(http2.FramePing, 0, 0, "x"), size, neterr.HTTP2FrameSizeError},
		{"PING on a stream", raw(http2.FramePing, 0, 1, "12345678"), protocol, neterr.HTTP2ProtocolError},
		{"GOAWAY on a stream", raw(http2.FrameGoAway, 0, 1, "12345678"), protocol, neterr.HTTP2ProtocolError},
		{"GOAWAY too short", raw(http2.FrameGoAway, 0, 0, "1234567"), size, neterr.HTTP2FrameSizeError},
		{"WINDOW_UPDATE of 0", raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), protocol, neterr.HTTP2ProtocolError},
		{"WINDOW_UPDATE of an odd length", raw(http2.FrameWindowUpdate, 0, 0, "x"), size, neterr.HTTP2FrameSizeError},
		{"WINDOW_UPDATE on an idle stream", raw(http2.FrameWindowUpdate, 0, 3, "\x00\x00\x00\x01"), protocol, neterr.HTTP2ProtocolError},
		{"WINDOW_UPDATE beyond the limit", raw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), flow, neterr.HTTP2FlowControlError},
		{"an HTTP/1.1 answer", func(p *peer) { io.WriteString(p.nc, "HTTP/1.1 400 Bad Request\r\n\r\n") }, size, neterr.HTTP2FrameSizeError},
		{"PING flood", func(p *peer) {
			for range 10001 {
				p.fr.WritePing(true, [8]byte{})
			}
		}, calm, neterr.HTTP2ProtocolError},
		{"flood of unknown frames", func(p *peer) {
			for range 10001 {
				raw(0xbb, 0, 1, "")(p)
			}
		}, calm, neterr.HTTP2ProtocolError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				k := p.get(1)
				tt.do(p)
				<-k.done
				k.failed(tt.err, true, false)
				p.wantGoAway(tt.code)
				if p.c.Err() == nil {
					t.Error("the connection goes on")
				}
			})
		})
	}
}

// TestStreamErrors: what ends only the request on stream 1.
func TestStreamErrors(t *testing.T) {
	big := strings.Repeat("x", 1000)
	tests := []struct {
		name   string
		do     func(*peer)
		err    error
		code   http2.ErrCode
		headed bool // a response was there
		method string
	}{
		{"no status", func(p *peer) { p.headers(1, true, "a", "b") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"two statuses", func(p *peer) { p.headers(1, true, ":status", "200", ":status", "200") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"status of words", func(p *peer) { p.headers(1, true, ":status", "abc") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"status of four digits", func(p *peer) { p.headers(1, true, ":status", "2000") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"status below 100", func(p *peer) { p.headers(1, true, ":status", "099") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"status after a field", func(p *peer) { p.headers(1, true, "a", "b", ":status", "200") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"request pseudo-field", func(p *peer) { p.headers(1, true, ":status", "200", ":path", "/") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"upper case", func(p *peer) { p.headers(1, true, ":status", "200", "Server", "x") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"space in a name", func(p *peer) { p.headers(1, true, ":status", "200", "a b", "x") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"empty name", func(p *peer) { p.headers(1, true, ":status", "200", "", "x") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"line end in a value", func(p *peer) { p.headers(1, true, ":status", "200", "a", "x\r\nb: c") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"NUL in a value", func(p *peer) { p.headers(1, true, ":status", "200", "a", "x\x00") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"101", func(p *peer) { p.headers(1, false, ":status", "101") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"1xx that ends the stream", func(p *peer) { p.headers(1, true, ":status", "103") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"DATA before the head", func(p *peer) { p.data(1, true, "x") }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"two lengths", func(p *peer) {
			p.headers(1, false, ":status", "200", "content-length", "1", "content-length", "2")
		}, neterr.ResponseHeadersMultipleContentLength, http2.ErrCodeProtocol, false, ""},
		{"two locations", func(p *peer) { p.headers(1, false, ":status", "302", "location", "/a", "location", "/b") }, neterr.ResponseHeadersMultipleLocation, http2.ErrCodeProtocol, false, ""},
		{"fields of 300 KiB", func(p *peer) {
			var fields []string
			for i := range 300 {
				fields = append(fields, "a", fmt.Sprint(i, big))
			}
			b := p.block(append([]string{":status", "200"}, fields...)...)
			p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:16384]})
			for b = b[16384:]; len(b) > 16384; b = b[16384:] {
				p.fr.WriteContinuation(1, false, b[:16384])
			}
			p.fr.WriteContinuation(1, true, b)
		}, neterr.ResponseHeadersTooBig, http2.ErrCodeProtocol, false, ""},
		{"field of 300 KiB", func(p *peer) {
			b := p.block(":status", "200", "a", strings.Repeat(big, 300))
			p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:16384]})
			for b = b[16384:]; len(b) > 16384; b = b[16384:] {
				p.fr.WriteContinuation(1, false, b[:16384])
			}
			p.fr.WriteContinuation(1, true, b)
		}, neterr.ResponseHeadersTooBig, http2.ErrCodeProtocol, false, ""},
		{"HPACK bomb", func(p *peer) {
			b := p.block(":status", "200", "a", strings.Repeat(big, 4)) // 4 KiB, in the table of both ends
			p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: append(b, strings.Repeat("\xbe", 12000)...), EndHeaders: true})
		}, neterr.ResponseHeadersTooBig, http2.ErrCodeProtocol, false, ""},
		{"1xx for ever", func(p *peer) {
			for range 1000 {
				p.headers(1, false, ":status", "103", "link", big)
			}
		}, neterr.ResponseHeadersTooBig, http2.ErrCodeProtocol, false, ""},
		{"WINDOW_UPDATE of 0", func(p *peer) { p.fr.WriteWindowUpdate(1, 0) }, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, false, ""},
		{"WINDOW_UPDATE beyond the limit", func(p *peer) { p.fr.WriteWindowUpdate(1, 1<<31-1) }, neterr.HTTP2FlowControlError, http2.ErrCodeFlowControl, false, ""},
		{"more than content-length", func(p *peer) {
			p.headers(1, false, ":status", "200", "content-length", "3")
			p.data(1, false, "abcd")
		}, neterr.ContentLengthMismatch, http2.ErrCodeProtocol, true, ""},
		{"body of a HEAD", func(p *peer) {
			p.headers(1, false, ":status", "200", "content-length", "3")
			p.data(1, false, "abc")
		}, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, true, "HEAD"},
		{"second head", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.headers(1, false, ":status", "200")
		}, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, true, ""},
		{"trailers that do not end the stream", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.headers(1, false, "x", "y")
		}, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, true, ""},
		{"trailers with a status", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.headers(1, true, ":status", "200", "x", "y")
		}, neterr.HTTP2ProtocolError, http2.ErrCodeProtocol, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				k := p.start(request(tt.method, "https://a.test/", nil, 0))
				p.wantHeaders(1, true)
				tt.do(p)
				<-k.done
				if tt.headed {
					if _, err := k.body(); !errors.Is(err, tt.err) {
						t.Errorf("body: %v, want %v", err, tt.err)
					}
				} else {
					k.failed(tt.err, true, !strings.Contains(tt.name, "WINDOW") && !strings.Contains(tt.name, "DATA"))
				}
				p.wantReset(1, tt.code)
				p.working(3)
				p.wantSlots(0, 100)
			})
		})
	}
}

// TestResponses: heads as they come out, and bodies that end early.
func TestResponses(t *testing.T) {
	tests := []struct {
		name   string
		method string
		do     func(*peer)
		want   string
		body   string
		err    error
	}{
		{"whole", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200", "content-type", "a/b", "x", "1", "x", "2", "content-length", "5")
			p.data(1, true, "hello")
		}, "200 HTTP/2.0 5|content-type: a/b|x: 1|x: 2|content-length: 5", "hello", nil},
		{"in pieces", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.data(1, false, "he")
			p.data(1, false, "")
			p.fr.WriteDataPadded(1, false, []byte("l"), make([]byte, 200))
			p.data(1, true, "lo")
		}, "200 HTTP/2.0 -1", "hello", nil},
		{"no body", "GET", func(p *peer) { p.headers(1, true, ":status", "200") }, "200 HTTP/2.0 0", "", nil},
		{"ended by an empty frame", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.data(1, true, "")
		}, "200 HTTP/2.0 -1", "", nil},
		{"HEAD", "HEAD", func(p *peer) { p.headers(1, true, ":status", "200", "content-length", "5") }, "200 HTTP/2.0 5|content-length: 5", "", nil},
		{"304", "GET", func(p *peer) { p.headers(1, true, ":status", "304", "content-length", "5") }, "304 HTTP/2.0 5|content-length: 5", "", nil},
		{"connection fields", "GET", func(p *peer) {
			p.headers(1, true, ":status", "200", "connection", "close", "transfer-encoding", "chunked", "a", "b")
		}, "200 HTTP/2.0 0|a: b", "", nil},
		{"unreadable length", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200", "content-length", "+5")
			p.data(1, true, "hello")
		}, "200 HTTP/2.0 -1|content-length: +5", "hello", nil},
		{"too short", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200", "content-length", "6")
			p.data(1, true, "hello")
		}, "200 HTTP/2.0 6|content-length: 6", "hello", neterr.ContentLengthMismatch},
		{"nothing of what was promised", "GET", func(p *peer) { p.headers(1, true, ":status", "200", "content-length", "6") }, "200 HTTP/2.0 6|content-length: 6", "", neterr.ContentLengthMismatch},
		{"the peer closes", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.data(1, false, "hello")
			p.nc.Close()
		}, "200 HTTP/2.0 -1", "hello", neterr.ConnectionClosed},
		{"the peer resets", "GET", func(p *peer) {
			p.headers(1, false, ":status", "200")
			p.data(1, false, "hello")
			p.nc.Reset()
		}, "200 HTTP/2.0 -1", "hello", neterr.ConnectionReset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				k := p.start(request(tt.method, "https://a.test/", nil, 0))
				p.wantHeaders(1, true)
				tt.do(p)
				if got := show(k.response()); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
				if b, err := k.body(); b != tt.body || !errors.Is(err, tt.err) {
					t.Errorf("body %q, %v; want %q, %v", b, err, tt.body, tt.err)
				}
			})
		})
	}
}

// TestTrailer: the trailer section is there when the body has ended, and not before.
func TestTrailer(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		k := p.get(1)
		p.headers(1, false, ":status", "200")
		p.data(1, false, "hello")
		r := k.response()
		if f := r.Trailer(); f != nil {
			t.Errorf("early: %v", f)
		}
		p.headers(1, true, "x-sum", "1")
		k.wantBody("hello")
		if f := r.Trailer(); f.Get("X-Sum") != "1" {
			t.Errorf("got %v", f)
		}
		k = p.get(3)
		p.headers(3, false, ":status", "200")
		p.headers(3, true, "x-sum", "2")
		k.wantBody("")
		if f := k.resp.Trailer(); f.Get("X-Sum") != "2" {
			t.Errorf("without a body: %v", f)
		}
	})
}

// TestInformational: 1xx responses go to the caller's trace, on its goroutine.
func TestInformational(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		var seen []string
		stop := errors.New("enough")
		req := request("GET", "https://a.test/", nil, 0)
		req.Trace = &httptrace.ClientTrace{
			Got100Continue: func() { seen = append(seen, "continue") },
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				seen = append(seen, strconv.Itoa(code)+h.Get("Link"))
				if h.Get("Link") == "stop" {
					return stop
				}
				return nil
			},
		}
		k := p.start(req)
		p.wantHeaders(1, true)
		p.headers(1, false, ":status", "100")
		p.headers(1, false, ":status", "103", "link", "a")
		k.pending()
		p.headers(1, true, ":status", "200")
		k.wantBody("")
		if want := []string{"continue", "100", "103a"}; !reflect.DeepEqual(seen, want) {
			t.Errorf("got %q, want %q", seen, want)
		}
		k = p.start(req)
		p.wantHeaders(3, true)
		p.headers(3, false, ":status", "103", "link", "stop")
		<-k.done
		if !errors.Is(k.err, stop) {
			t.Errorf("got %v", k.err)
		}
		p.wantReset(3, http2.ErrCodeCancel)
	})
}

// TestPing: a request after ten silent seconds is preceded by a PING, which has ten
// seconds to be answered, by whatever frame.
func TestPing(t *testing.T) {
	ping := func(t *testing.T, p *peer, n byte) *http2.PingFrame {
		t.Helper()
		f := p.want("PING").(*http2.PingFrame)
		if f.IsAck() || f.Data != [8]byte{7: n} {
			t.Fatalf("got %v %v", f, f.Data)
		}
		return f
	}
	t.Run("answered", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			time.Sleep(9 * time.Second)
			p.working(1)
			time.Sleep(11 * time.Second)
			k := p.start(request("GET", "https://a.test/", nil, 0))
			f := ping(t, p, 1)
			p.wantHeaders(3, true)
			time.Sleep(9 * time.Second)
			p.fr.WritePing(true, f.Data)
			time.Sleep(time.Minute)
			k.pending()
			p.headers(3, true, ":status", "204")
			k.wantBody("")
			p.working(5)
		})
	})
	t.Run("something else came", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			time.Sleep(11 * time.Second)
			k := p.start(request("GET", "https://a.test/", nil, 0))
			ping(t, p, 1)
			p.wantHeaders(1, true)
			time.Sleep(6 * time.Second)
			p.fr.WriteWindowUpdate(0, 1)
			time.Sleep(9 * time.Second)
			k.pending()
			time.Sleep(2 * time.Second)
			k.failed(neterr.HTTP2PingFailed, true, false)
		})
	})
	t.Run("silence", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			time.Sleep(11 * time.Second)
			begun := time.Now()
			k, other := p.start(request("GET", "https://a.test/", nil, 0)), p.start(request("GET", "https://a.test/", nil, 0))
			k.failed(neterr.HTTP2PingFailed, true, false)
			other.failed(neterr.HTTP2PingFailed, true, false)
			if d := time.Since(begun); d != 10*time.Second {
				t.Errorf("after %v", d)
			}
			if !errors.Is(p.c.Err(), neterr.HTTP2PingFailed) {
				t.Error(p.c.Err())
			}
		})
	})
}

// TestTLSRules: TLS that HTTP/2 forbids is refused before a byte is sent.
func TestTLSRules(t *testing.T) {
	for _, tt := range []struct {
		version, suite uint16
		ok             bool
	}{
		{0x0304, 0x1301, true},
		{0x0303, 0xc02f, true},
		{0x0303, 0xcca8, true},
		{0x0303, 0xc013, false}, // CBC
		{0x0303, 0x009c, false}, // no ephemeral key
		{0x0302, 0xc02f, false},
	} {
		client, server := nettest.Pipe(0)
		c, err := h2.NewConn(client, h2.Config{TLS: &exchange.TLSState{Version: tt.version, CipherSuite: tt.suite}})
		if tt.ok {
			if err != nil {
				t.Errorf("%#x %#x: %v", tt.version, tt.suite, err)
				continue
			}
			c.Close(nil)
			continue
		}
		if !errors.Is(err, neterr.HTTP2InadequateTransportSecurity) {
			t.Errorf("%#x %#x: %v", tt.version, tt.suite, err)
		}
		if b, err := io.ReadAll(server); len(b) > 0 || err != nil {
			t.Errorf("%#x %#x: sent %q, %v", tt.version, tt.suite, b, err)
		}
	}
}
