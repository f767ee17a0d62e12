package h3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestResponses: what a response may be made of, and what becomes of one that is not
// well-formed while the connection lives on.
func TestResponses(t *testing.T) {
	c, p := pair(t, h3.Config{MaxHeaderBytes: 4 << 10})
	p.hello()
	ok := head(":status", "200")
	big := exchange.FieldsOf(":status", "200")
	for range 200 {
		big.Add("x-frame-options", "deny") // two bytes on the wire
	}
	tests := []struct {
		name   string
		frames []byte
		body   string
		want   error
	}{
		{"empty", ok, "", nil},
		{"in pieces", join(ok, data("a"), data(""), data("bc")), "abc", nil},
		{"unknown frames", join(frame(0x21, []byte("x")), ok, frame(0x40, make([]byte, 9000)), data("a"), frame(0x5f, nil)), "a", nil},
		{"1xx", join(head(":status", "103", "link", "x"), ok, data("a")), "a", nil},
		{"trailer", join(ok, data("a"), head("x", "y")), "a", nil},
		{"content-length", join(head(":status", "200", "content-length", "2"), data("a"), data("b")), "ab", nil},
		{"large head", join(head(":status", "200", "x", strings.Repeat("~", 3<<10)), data("a")), "a", nil},
		{"connection fields", join(head(":status", "200", "connection", "x"), data("a")), "a", nil},

		{"nothing", nil, "", neterr.QUICProtocolError},
		{"1xx only", head(":status", "100"), "", neterr.QUICProtocolError},
		{"no status", head("a", "b"), "", neterr.QUICProtocolError},
		{"bad status", head(":status", "2x0"), "", neterr.QUICProtocolError},
		{"status below 100", head(":status", "099"), "", neterr.QUICProtocolError},
		{"two statuses", head(":status", "200", ":status", "200"), "", neterr.QUICProtocolError},
		{"status last", head("a", "b", ":status", "200"), "", neterr.QUICProtocolError},
		{"101", head(":status", "101"), "", neterr.QUICProtocolError},
		{"pseudo-field", head(":status", "200", ":path", "/"), "", neterr.QUICProtocolError},
		{"upper case", frame(1, []byte{0, 0, 0xd9, 0x21, 'A', 1, 'b'}), "", neterr.QUICProtocolError},
		{"bad value", head(":status", "200", "a", "b\r\nc"), "", neterr.QUICProtocolError},
		{"two lengths", head(":status", "200", "content-length", "1", "content-length", "2"), "", neterr.ResponseHeadersMultipleContentLength},
		{"two locations", head(":status", "302", "location", "/a", "location", "/b"), "", neterr.ResponseHeadersMultipleLocation},
		{"too short", join(head(":status", "200", "content-length", "2"), data("a")), "a", neterr.ContentLengthMismatch},
		{"too long", join(head(":status", "200", "content-length", "1"), data("a"), data("b")), "a", neterr.ContentLengthMismatch},
		{"status in trailer", join(ok, data("a"), ok), "a", neterr.QUICProtocolError},
		{"large as coded", frame(1, make([]byte, 5<<10)), "", neterr.ResponseHeadersTooBig},
		{"large as decoded", frame(1, h3.AppendFields(nil, big)), "", neterr.ResponseHeadersTooBig},
		{"large all together", join(bytes.Repeat(head(":status", "103", "link", strings.Repeat("~", 1<<10)), 4), ok), "", neterr.ResponseHeadersTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := send(t, c, get("/"))
			qs, _ := p.request()
			qs.Write(tt.frames)
			qs.Close()
			o := <-out
			if !errors.Is(o.err, tt.want) || o.body != tt.body {
				t.Errorf("got %q, %v, want %q, %v", o.body, o.err, tt.body, tt.want)
			}
			if c.Err() != nil {
				t.Fatalf("the connection ended: %v", c.Err())
			}
		})
	}
	if n := c.InUse(); n != 0 {
		t.Errorf("%d slots in use", n)
	}
}

// TestLargeHead: a head that no buffer holds.
func TestLargeHead(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello()
	value := strings.Repeat("~", 200<<10)
	out := send(t, c, get("/"))
	qs, _ := p.request()
	qs.Write(join(head(":status", "200", "x", value), data("a")))
	qs.Close()
	if o := <-out; o.err != nil || o.body != "a" || o.resp.Header.Get("x") != value {
		t.Errorf("got %d bytes, %q, %v", len(o.resp.Header.Get("x")), o.body, o.err)
	}
	out = send(t, c, get("/"))
	qs, _ = p.request()
	qs.Write([]byte{1, 0x80, 1, 0, 0, 0, 0}) // 64 KiB, of which two bytes come
	qs.Close()
	if o := <-out; !errors.Is(o.err, neterr.QUICProtocolError) {
		t.Errorf("got %v", o.err)
	}
	if code := p.closed(); code != 0x106 {
		t.Errorf("closed with %#x", code)
	}
}

// TestReset: a stream that the server resets.
func TestReset(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello()
	for name, tt := range map[string]struct {
		code   quic.StreamErrorCode
		frames []byte
		want   error
	}{
		"rejected":  {0x10b, nil, neterr.QUICGoawayRequestCanBeRetried},
		"internal":  {0x102, nil, neterr.QUICProtocolError},
		"in a body": {0x102, join(head(":status", "200"), data("a")), neterr.QUICProtocolError},
	} {
		c.Reserve()
		errs := make(chan error, 1)
		headed := make(chan struct{})
		go func() {
			resp, err := c.RoundTrip(t.Context(), get("/"))
			close(headed)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			errs <- err
		}()
		qs, _ := p.request()
		if tt.frames != nil {
			qs.Write(tt.frames)
			<-headed // a reset overtakes what was sent
		}
		qs.CancelWrite(tt.code)
		if err := <-errs; !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if c.Err() != nil {
		t.Errorf("the connection ended: %v", c.Err())
	}
}

// TestViolations: what ends the connection, and with which code.
func TestViolations(t *testing.T) {
	ok := head(":status", "200")
	id := func(n uint64) []byte { return quicvarint.Append(nil, n) }
	settings := func(v ...uint64) []byte {
		var b []byte
		for _, n := range v {
			b = quicvarint.Append(b, n)
		}
		return frame(0x4, b)
	}
	control := func(frames ...[]byte) []byte { return join([]byte{0}, join(frames...)) }
	tests := []struct {
		name   string
		uni    [][]byte // the server's streams
		answer []byte
		code   quic.ApplicationErrorCode
	}{
		{"DATA before HEADERS", nil, data("x"), 0x105},
		{"SETTINGS on a request", nil, settings(), 0x105},
		{"GOAWAY on a request", nil, frame(0x7, id(0)), 0x105},
		{"HTTP/2's PING", nil, join(ok, frame(0x6, nil)), 0x105},
		{"PUSH_PROMISE", nil, frame(0x5, id(0)), 0x108},
		{"DATA after the trailer", nil, join(ok, head("a", "b"), data("x")), 0x105},
		{"HEADERS after the trailer", nil, join(ok, head("a", "b"), head("a", "b")), 0x105},
		{"cut in a type", nil, []byte{0x40}, 0x106},
		{"cut in a length", nil, []byte{1}, 0x106},
		{"cut in HEADERS", nil, []byte{1, 9, 0, 0}, 0x106},
		{"cut in DATA", nil, join(ok, []byte{0, 9, 'x'}), 0x106},
		{"cut in an unknown frame", nil, join(ok, []byte{0x21, 9, 'x'}), 0x106},
		{"too many frames", nil, bytes.Repeat([]byte{0x21, 0}, 10001), 0x107},
		{"QPACK, empty", nil, frame(1, nil), 0x200},
		{"QPACK, dynamic table", nil, frame(1, []byte{1, 0, 0x80}), 0x200},
		{"QPACK, dynamic index", nil, frame(1, []byte{0, 0, 0x80}), 0x200},
		{"QPACK, dynamic name", nil, frame(1, []byte{0, 0, 0x40, 0}), 0x200},
		{"QPACK, post-base", nil, frame(1, []byte{0, 0, 0x10}), 0x200},
		{"QPACK, index 99", nil, frame(1, []byte{0, 0, 0xff, 36}), 0x200},
		{"QPACK, name 99", nil, frame(1, []byte{0, 0, 0x5f, 84, 0}), 0x200},
		{"QPACK, huge integer", nil, frame(1, append([]byte{0, 0, 0xff}, bytes.Repeat([]byte{0xff}, 12)...)), 0x200},
		{"QPACK, cut string", nil, frame(1, []byte{0, 0, 0xd9, 0x5f, 0, 5, 'x'}), 0x200},
		{"QPACK, bad Huffman", nil, frame(1, []byte{0, 0, 0x50, 0x84, 0xff, 0xff, 0xff, 0xff}), 0x200},

		{"no SETTINGS", [][]byte{control(frame(0x7, id(0)))}, nil, 0x10a},
		{"SETTINGS twice", [][]byte{control(settings(), settings())}, nil, 0x105},
		{"a setting twice", [][]byte{control(settings(6, 1, 6, 2))}, nil, 0x109},
		{"HTTP/2's setting", [][]byte{control(settings(4, 1))}, nil, 0x109},
		{"bad CONNECT setting", [][]byte{control(settings(8, 2))}, nil, 0x109},
		{"bad DATAGRAM setting", [][]byte{control(settings(0x33, 2))}, nil, 0x109},
		{"cut SETTINGS", [][]byte{control(frame(0x4, []byte{6}))}, nil, 0x106},
		{"large SETTINGS", [][]byte{control([]byte{4, 0x80, 1, 0, 0})}, nil, 0x107},
		{"DATA on control", [][]byte{control(settings(), data("x"))}, nil, 0x105},
		{"MAX_PUSH_ID", [][]byte{control(settings(), frame(0xd, id(1)))}, nil, 0x105},
		{"CANCEL_PUSH", [][]byte{control(settings(), frame(0x3, id(1)))}, nil, 0x108},
		{"PRIORITY_UPDATE", [][]byte{control(settings(), frame(0xf0700, id(0)))}, nil, 0x105},
		{"GOAWAY of a server's stream", [][]byte{control(settings(), frame(0x7, id(1)))}, nil, 0x108},
		{"GOAWAY that grows", [][]byte{control(settings(), frame(0x7, id(4)), frame(0x7, id(8)))}, nil, 0x108},
		{"GOAWAY too long", [][]byte{control(settings(), frame(0x7, []byte{0, 0}))}, nil, 0x106},
		{"GOAWAY of 9 bytes", [][]byte{control(settings(), frame(0x7, make([]byte, 9)))}, nil, 0x106},
		{"empty GOAWAY", [][]byte{control(settings(), frame(0x7, nil))}, nil, 0x106},
		{"two control streams", [][]byte{control(settings()), control(settings())}, nil, 0x103},
		{"push stream", [][]byte{{1, 0}}, nil, 0x108},
		{"two encoder streams", [][]byte{{2}, {2}}, nil, 0x103},
		{"two decoder streams", [][]byte{{3}, {3}}, nil, 0x103},
		{"insertion", [][]byte{{2, 0x20, 0xc1, 0}}, nil, 0x201},
		{"table with a size", [][]byte{{2, 0x21}}, nil, 0x201},
		{"acknowledgement", [][]byte{{3, 0x44, 0x7f, 0x80, 1, 0x80}}, nil, 0x202},
		{"increment", [][]byte{{3, 1}}, nil, 0x202},
		{"many instructions", [][]byte{append([]byte{2}, bytes.Repeat([]byte{0x20}, 10001)...)}, nil, 0x107},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			c, p := pair(t, h3.Config{})
			out := send(t, c, get("/"))
			qs, _ := p.request()
			for _, b := range tt.uni {
				p.uni(b)
			}
			if tt.answer != nil {
				qs.Write(tt.answer)
				qs.Close()
			}
			if o := <-out; !errors.Is(o.err, neterr.QUICProtocolError) && !errors.Is(o.err, neterr.QUICGoawayRequestCanBeRetried) {
				t.Errorf("got %v", o.err)
			}
			if code := p.closed(); code != tt.code {
				t.Errorf("closed with %#x, want %#x", code, tt.code)
			}
			if c.Err() == nil || c.Reserve() == nil || c.Available() != 0 {
				t.Error("the connection takes requests")
			}
		})
	}
}

// TestCritical: a stream that must stay open ends the connection when it does not.
func TestCritical(t *testing.T) {
	for name, end := range map[string]func(*quic.SendStream){
		"ended": func(s *quic.SendStream) { s.Close() },
		"reset": func(s *quic.SendStream) { s.SetReliableBoundary(); s.CancelWrite(0x100) },
	} {
		for _, begin := range [][]byte{{0, 4, 0}, {2}, {3}} {
			c, p := pair(t, h3.Config{})
			s := p.uni(begin)
			if begin[0] == 0 {
				// Only once the client has read it is a reset not just a stream that never was.
				out := send(t, c, &exchange.Request{Method: "CONNECT", Protocol: "x", URL: get("/").URL})
				<-out
			} else if name == "reset" {
				continue // the type may be lost with the rest
			}
			end(s)
			if code := p.closed(); code != 0x104 {
				t.Errorf("%s, type %d: closed with %#x", name, begin[0], code)
			}
			c.Close(nil)
		}
	}
}

// TestServerStreams: a request stream of the server's ends the connection, a stream of an
// unknown type is not read.
func TestServerStreams(t *testing.T) {
	_, p := pair(t, h3.Config{})
	s := p.uni([]byte{0x21, 'x'})
	<-s.Context().Done()
	var stopped *quic.StreamError
	if _, err := s.Write([]byte("x")); !errors.As(err, &stopped) || stopped.ErrorCode != 0x103 {
		t.Errorf("unknown stream: %v", err)
	}
	qs, err := p.qc.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	qs.Write([]byte("x"))
	if code := p.closed(); code != 0x103 {
		t.Errorf("closed with %#x", code)
	}
}

// TestGoAway: requests that the server will not serve may be sent again, those that it
// serves end well, and then so does the connection.
func TestGoAway(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello()
	first := send(t, c, get("/1"))
	qs, _ := p.request()
	second := send(t, c, get("/2"))
	p.request()
	p.control.Write(frame(0x7, []byte{4}))
	if o := <-second; !errors.Is(o.err, neterr.QUICGoawayRequestCanBeRetried) {
		t.Errorf("got %v", o.err)
	}
	if err := c.Reserve(); !errors.Is(err, neterr.QUICGoawayRequestCanBeRetried) {
		t.Errorf("Reserve: %v", err)
	}
	qs.Write(join(head(":status", "200"), data("x")))
	qs.Close()
	if o := <-first; o.err != nil || o.body != "x" {
		t.Errorf("got %+v", o)
	}
	if code := p.closed(); code != 0x100 {
		t.Errorf("closed with %#x", code)
	}
}

// TestPeerEnds: the connection that ends under a request, and what the pool is told.
func TestPeerEnds(t *testing.T) {
	nettest.CheckGoroutines(t)
	released := make(chan struct{})
	c, p := pair(t, h3.Config{Released: func() { close(released) }})
	hooked := make(chan struct{}, 10)
	c.SetStateHook(func() { hooked <- struct{}{} })
	out := send(t, c, get("/"))
	p.request()
	p.qc.CloseWithError(0x102, "")
	o := <-out
	var attempt *exchange.AttemptError
	if !errors.Is(o.err, neterr.QUICProtocolError) || !errors.As(o.err, &attempt) || !attempt.Sent || attempt.Received {
		t.Errorf("got %+v", o.err)
	}
	<-hooked
	<-released
	if c.Err() == nil || c.InUse() != 0 {
		t.Errorf("%v, %d in use", c.Err(), c.InUse())
	}
	c.Close(nil)
	c.Close(nil)
}

// TestClose: what is under way fails with the reason given.
func TestClose(t *testing.T) {
	c, p := pair(t, h3.Config{})
	out := send(t, c, get("/"))
	p.request()
	c.Close(neterr.NetworkChanged)
	if o := <-out; !errors.Is(o.err, neterr.NetworkChanged) {
		t.Errorf("got %v", o.err)
	}
	if code := p.closed(); code != 0x100 {
		t.Errorf("closed with %#x", code)
	}
	if _, err := c.RoundTrip(t.Context(), get("/")); !errors.Is(err, neterr.NetworkChanged) {
		t.Errorf("got %v", err)
	}
}

// TestIdle: a connection that nobody uses closes itself, one in use does not.
func TestIdle(t *testing.T) {
	hooked := make(chan struct{}, 10)
	c, p := pair(t, h3.Config{IdleTimeout: time.Millisecond})
	c.SetStateHook(func() { hooked <- struct{}{} })
	if code := p.closed(); code != 0x100 {
		t.Errorf("closed with %#x", code)
	}
	<-hooked
	if err := c.Reserve(); !errors.Is(err, neterr.ConnectionClosed) {
		t.Errorf("got %v", err)
	}
	c, p = pair(t, h3.Config{IdleTimeout: -1})
	if o := exchangeOne(t, c, p); o.err != nil {
		t.Error(o.err)
	}
	if c.Err() != nil {
		t.Errorf("got %v", c.Err())
	}
}

// exchangeOne is a request that is answered.
func exchangeOne(t *testing.T, c *h3.Conn, p *peer) outcome {
	out := send(t, c, get("/"))
	qs, _ := p.request()
	qs.Write(head(":status", "204"))
	qs.Close()
	return <-out
}

// TestStreamLimit: where the server allows one stream at a time, the next request waits,
// and may be cancelled meanwhile.
func TestStreamLimit(t *testing.T) {
	c, p := pairWith(t, h3.Config{}, &quic.Config{MaxIncomingStreams: 1})
	first := send(t, c, get("/1"))
	qs, _ := p.request()
	ctx, cancel := context.WithCancel(t.Context())
	canceled := make(chan error, 1)
	c.Reserve()
	go func() {
		_, err := c.RoundTrip(ctx, get("/2"))
		canceled <- err
	}()
	nettest.Eventually(t, "a request waits", func() bool { return c.Available() == 0 })
	cancel()
	var attempt *exchange.AttemptError
	if err := <-canceled; !errors.Is(err, neterr.Aborted) || !errors.As(err, &attempt) || attempt.Sent {
		t.Errorf("got %+v", err)
	}
	third := send(t, c, get("/3"))
	nettest.Eventually(t, "a request waits", func() bool { return c.Available() == 0 })
	qs.Write(head(":status", "204"))
	qs.Close()
	if o := <-first; o.err != nil {
		t.Error(o.err)
	}
	qs, _ = p.request()
	qs.Write(head(":status", "204"))
	qs.Close()
	if o := <-third; o.err != nil {
		t.Error(o.err)
	}
	if n := c.InUse(); n != 0 {
		t.Errorf("%d slots in use", n)
	}
}

// TestRequestClose: a request that asks for it is the connection's last.
func TestRequestClose(t *testing.T) {
	c, p := pair(t, h3.Config{})
	req := get("/")
	req.Close = true
	out := send(t, c, req)
	qs, _ := p.request()
	if c.Err() == nil {
		t.Error("the connection takes another request")
	}
	qs.Write(head(":status", "204"))
	qs.Close()
	if o := <-out; o.err != nil {
		t.Error(o.err)
	}
	p.closed()
}

// TestBadRequests: what must not go out does not, and takes no stream.
func TestBadRequests(t *testing.T) {
	c, _ := pair(t, h3.Config{})
	for name, req := range map[string]*exchange.Request{
		"no URL":   {},
		"method":   {Method: "A B", URL: get("/").URL},
		"field":    {Header: exchange.FieldsOf("a", "b\n"), URL: get("/").URL},
		"protocol": {Protocol: "x", URL: get("/").URL},
	} {
		c.Reserve()
		var attempt *exchange.AttemptError
		if _, err := c.RoundTrip(t.Context(), req); !errors.As(err, &attempt) || attempt.Sent {
			t.Errorf("%s: got %+v", name, err)
		}
	}
	if n := c.InUse(); n != 0 {
		t.Errorf("%d slots in use", n)
	}
}
