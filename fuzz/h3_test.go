package fuzz_test

import (
	"context"
	stdtls "crypto/tls"
	"io"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/nettest"
)

// FuzzH3Frames: whatever a server sends on the control stream and in answer to a request,
// that ends in a response or an error, what comes out is no more than what went in, and
// Close, which waits for the connection's goroutines, returns.
func FuzzH3Frames(f *testing.F) {
	ok := []byte{1, 3, 0, 0, 0xd9}
	for _, seed := range []struct{ control, answer []byte }{
		{[]byte{0, 4, 0}, append(ok, 0, 1, 'x')},
		{[]byte{0, 4, 2, 8, 1, 7, 1, 0}, ok},
		{[]byte{2, 0x20}, append([]byte{1, 4, 0, 0, 0x5f, 9}, ok...)},
		{[]byte{3, 0x44, 0x80}, append(ok, 1, 5, 0, 0, 0x21, 'a', 0)},
		{[]byte{0x40, 0x21}, append(ok, 0x21, 1, 'x', 0, 5, 'x')},
		{nil, []byte{1, 0x80, 0, 0xff, 0xff}},
	} {
		f.Add(seed.control, seed.answer)
	}
	p := newH3Pair(f)
	f.Fuzz(func(t *testing.T, control, answer []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c := p.dial(ctx, t)
		served := make(chan struct{})
		go func() {
			defer close(served)
			serveBytes(ctx, p.server, control, answer)
		}()
		if c.Reserve() == nil {
			resp, err := c.RoundTrip(ctx, &exchange.Request{URL: &url.URL{Scheme: "https", Host: "a.test"}})
			if err == nil {
				judge(t, resp, len(answer))
			}
		}
		c.Close(nil)
		<-served
		if c.InUse() != 0 || c.Err() == nil {
			t.Errorf("%d in use, %v", c.InUse(), c.Err())
		}
		if ctx.Err() != nil {
			t.Error("the request hung")
		}
	})
}

// An h3Pair is a server and what connects to it.
type h3Pair struct {
	server *quic.Listener
	client *quic.Transport
}

func newH3Pair(f *testing.F) *h3Pair {
	cfg := nettest.NewCA().Config("a.test")
	cfg.NextProtos = []string{"h3"}
	l, err := quic.ListenAddr("127.0.0.1:0", cfg, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		f.Fatal(err)
	}
	tr := &quic.Transport{Conn: socket}
	f.Cleanup(func() { tr.Close(); socket.Close() })
	return &h3Pair{l, tr}
}

func (p *h3Pair) dial(ctx context.Context, t *testing.T) *h3.Conn {
	qc, err := p.client.Dial(ctx, p.server.Addr(), &stdtls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, h3.QUICConfig())
	if err != nil {
		t.Fatal(err)
	}
	c, err := h3.NewConn(ctx, qc, h3.Config{MaxHeaderBytes: h3FuzzLimit})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// h3FuzzLimit is how many bytes of fields a response may have.
const h3FuzzLimit = 8 << 10

// serveBytes is a server with one thing to say on each stream.
func serveBytes(ctx context.Context, l *quic.Listener, control, answer []byte) {
	qc, err := l.Accept(ctx)
	if err != nil {
		return
	}
	if s, err := qc.OpenUniStream(); err == nil {
		s.Write(control)
	}
	if s, err := qc.AcceptStream(ctx); err == nil {
		s.Write(answer)
		s.Close()
	}
	<-qc.Context().Done()
}

// judge checks a response that was made of no more than size bytes.
func judge(t *testing.T, resp *exchange.Response, size int) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if len(body) > size || resp.Info.WireRead > int64(size) {
		t.Errorf("%d bytes gave a body of %d, WireRead %d, %v", size, len(body), resp.Info.WireRead, err)
	}
	if resp.Status < 200 || resp.Status > 999 {
		t.Errorf("status %d", resp.Status)
	}
	list := 0
	for name, value := range resp.Header.All() {
		list += len(name) + len(value) + 32
	}
	if list > h3FuzzLimit {
		t.Errorf("%d bytes of fields", list)
	}
}

// FuzzH3Response: whatever field section a response has, what is taken of it is what it
// says, its status first, and one that says nothing usable is an error. A fault of the
// section alone leaves the connection alive.
func FuzzH3Response(f *testing.F) {
	for _, fields := range []exchange.Fields{
		exchange.FieldsOf(":status", "200", "content-length", "4", "set-cookie", "a=b"),
		exchange.FieldsOf(":status", "103", "link", "</a>"),
		exchange.FieldsOf("a", "b", ":status", "200"),
		exchange.FieldsOf(":status", "304", "connection", "x", "a", ""),
		exchange.FieldsOf(":status", "302", "location", "/a", "location", "/b"),
	} {
		f.Add(h3.AppendFields(nil, fields), []byte("body"))
	}
	f.Add([]byte{0, 0, 0x80}, []byte{})
	p := newH3Pair(f)
	var answer atomic.Pointer[[]byte]
	go serveAnswers(p.server, &answer)
	var c *h3.Conn
	f.Cleanup(func() {
		if c != nil {
			c.Close(nil)
		}
	})
	f.Fuzz(func(t *testing.T, section, body []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if c == nil || c.Reserve() != nil {
			c = p.dial(ctx, t)
			c.Reserve()
		}
		all := append(h3Frame(1, section), h3Frame(0, body)...)
		answer.Store(&all)
		resp, err := c.RoundTrip(ctx, &exchange.Request{URL: &url.URL{Scheme: "https", Host: "a.test"}})
		if ctx.Err() != nil {
			t.Fatal("the request hung")
		}
		said, bad := h3.ReadFields(section, h3FuzzLimit)
		interim := len(said) > 0 && strings.HasPrefix(said[0].Value, "1") // what follows is not its body then
		if broken := c.Err() != nil; broken != (bad != nil) && !interim {
			t.Errorf("section read with %v, connection with %v", bad, c.Err())
		}
		if err != nil {
			return
		}
		judge(t, resp, len(section)+len(body)+16)
		if want := strconv.Itoa(resp.Status); len(said) == 0 || said[0] != (exchange.Field{Name: ":status", Value: want}) {
			t.Errorf("status %s of %q", want, said)
		}
		for _, f := range resp.Header {
			if f.Name != strings.ToLower(f.Name) || !slices.Contains(said, f) {
				t.Errorf("%q is not in %q", f, said)
			}
		}
	})
}

// serveAnswers answers each request with what answer is then.
func serveAnswers(l *quic.Listener, answer *atomic.Pointer[[]byte]) {
	for {
		qc, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		go func() {
			for {
				s, err := qc.AcceptStream(context.Background())
				if err != nil {
					return
				}
				io.Copy(io.Discard, s)
				s.Write(*answer.Load())
				s.Close()
			}
		}()
	}
}

func h3Frame(typ uint64, payload []byte) []byte {
	b := quicvarint.Append(quicvarint.Append(nil, typ), uint64(len(payload)))
	return append(b, payload...)
}

// FuzzQPACK: what can be decoded can be encoded, and decoded again to the same.
func FuzzQPACK(f *testing.F) {
	f.Add([]byte{0, 0, 0xd9, 0x5f, 0x50, 1, '!'})
	f.Add([]byte{0, 0, 0x2a, 0x18, 0xc7, 0x83, 0x18, 0xc6, 0x3f})
	f.Add([]byte{0, 0, 0xff, 0x80, 0x80, 1})
	f.Add([]byte{1, 0, 0x80})
	f.Fuzz(func(t *testing.T, block []byte) {
		const limit = 8 << 10
		fields, err := h3.ReadFields(block, limit)
		if err != nil {
			return
		}
		list := 0
		for i, f := range fields {
			list += len(f.Name) + len(f.Value) + 32
			if f.Name != strings.ToLower(f.Name) {
				fields = fields[:i] // AppendFields would make it lower-case
				break
			}
		}
		if list > limit {
			t.Errorf("%d bytes of fields", list)
		}
		again, err := h3.ReadFields(h3.AppendFields(nil, fields), limit)
		if err != nil || len(again) != len(fields) || len(fields) > 0 && !reflect.DeepEqual(again, fields) {
			t.Errorf("got %q %v, want %q", again, err, fields)
		}
	})
}
