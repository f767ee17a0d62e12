package h2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/nettest"
)

// A peer is the server's end of a connection in memory, one frame at a time. Its verbs
// fail the test when something else came than what they want.
type peer struct {
	t   testing.TB
	c   *h2.Conn
	nc  *nettest.MemConn
	raw bytes.Buffer // all that came since it was last looked at
	fr  *http2.Framer
	enc *hpack.Encoder
	buf bytes.Buffer
	dec *hpack.Decoder
}

// inBubble runs f in fake time with a connection whose preface was seen and whose
// SETTINGS were answered.
func inBubble(t *testing.T, f func(t *testing.T, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, h2.Config{})
		p.wantPreface()
		p.greet()
		f(t, p)
	})
}

func newPeer(t testing.TB, cfg h2.Config) *peer {
	t.Helper()
	client, server := nettest.Pipe(-1)
	return newPeerOn(t, cfg, client, server)
}

func newPeerOn(t testing.TB, cfg h2.Config, client, server *nettest.MemConn) *peer {
	t.Helper()
	p := &peer{t: t, nc: server}
	p.fr = http2.NewFramer(server, io.TeeReader(server, &p.raw))
	p.fr.AllowIllegalWrites = true
	p.enc = hpack.NewEncoder(&p.buf)
	p.dec = hpack.NewDecoder(4096, nil)
	p.c = newConn(t, client, cfg)
	t.Cleanup(func() { server.Close() })
	return p
}

// wantPreface reads what opens the connection and returns its bytes.
func (p *peer) wantPreface() []byte {
	p.t.Helper()
	b := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(p.nc, b); err != nil || string(b) != http2.ClientPreface {
		p.t.Fatalf("preface %q, %v", b, err)
	}
	p.want("SETTINGS")
	p.want("WINDOW_UPDATE")
	return append(b, p.took()...)
}

// took returns the bytes of the frames that were read since the last time.
func (p *peer) took() []byte {
	b := bytes.Clone(p.raw.Bytes())
	p.raw.Reset()
	return b
}

// greet sends SETTINGS and reads the acknowledgement.
func (p *peer) greet(settings ...http2.Setting) {
	p.t.Helper()
	p.fr.WriteSettings(settings...)
	p.fr.WriteSettingsAck()
	p.want("SETTINGS")
}

// frame returns the next frame, nil if the connection ended, and fails if there is
// none and will be none.
func (p *peer) frame() http2.Frame {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(time.Second))
	f, err := p.fr.ReadFrame()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		p.t.Fatalf("reading a frame: %v", err)
	}
	return f
}

// want returns the next frame, which must be of that type.
func (p *peer) want(typ string) http2.Frame {
	p.t.Helper()
	f := p.frame()
	if f == nil {
		p.t.Fatalf("the connection ended, want %s", typ)
	}
	if got := f.Header().Type.String(); got != typ {
		p.t.Fatalf("got %v, want %s", f, typ)
	}
	return f
}

// wantQuiet fails if a frame comes.
func (p *peer) wantQuiet() {
	p.t.Helper()
	synctest.Wait()
	p.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	if f, err := p.fr.ReadFrame(); err == nil {
		p.t.Fatalf("got %v, want nothing", f)
	}
}

// wantHeaders reads the head of a request and returns its fields, as "name: value".
func (p *peer) wantHeaders(id uint32, end bool) []string {
	p.t.Helper()
	f := p.want("HEADERS").(*http2.HeadersFrame)
	if f.StreamID != id || f.StreamEnded() != end {
		p.t.Fatalf("got %v, want stream %d, END_STREAM %v", f, id, end)
	}
	block := bytes.Clone(f.HeaderBlockFragment())
	for ended := f.HeadersEnded(); !ended; {
		cf := p.want("CONTINUATION").(*http2.ContinuationFrame)
		block = append(block, cf.HeaderBlockFragment()...)
		ended = cf.HeadersEnded()
	}
	fields, err := p.dec.DecodeFull(block)
	if err != nil {
		p.t.Fatal(err)
	}
	var list []string
	for _, f := range fields {
		list = append(list, f.Name+": "+f.Value)
	}
	return list
}

func (p *peer) wantData(id uint32, n int, end bool) {
	p.t.Helper()
	f := p.want("DATA").(*http2.DataFrame)
	if f.StreamID != id || len(f.Data()) != n || f.StreamEnded() != end {
		p.t.Fatalf("got %v, want stream %d, %d bytes, END_STREAM %v", f, id, n, end)
	}
}

func (p *peer) wantReset(id uint32, code http2.ErrCode) {
	p.t.Helper()
	f := p.want("RST_STREAM").(*http2.RSTStreamFrame)
	if f.StreamID != id || f.ErrCode != code {
		p.t.Fatalf("got %v %v, want stream %d, %v", f, f.ErrCode, id, code)
	}
}

func (p *peer) wantUpdate(id, increment uint32) {
	p.t.Helper()
	f := p.want("WINDOW_UPDATE").(*http2.WindowUpdateFrame)
	if f.StreamID != id || f.Increment != increment {
		p.t.Fatalf("got %v, want stream %d, %d", f, id, increment)
	}
}

// wantGoAway reads GOAWAY and the end of the connection.
func (p *peer) wantGoAway(code http2.ErrCode) {
	p.t.Helper()
	f := p.want("GOAWAY").(*http2.GoAwayFrame)
	if f.ErrCode != code {
		p.t.Fatalf("got %v, want %v", f.ErrCode, code)
	}
	p.wantEnd()
}

// wantEnd fails unless the connection has ended.
func (p *peer) wantEnd() {
	p.t.Helper()
	if f := p.frame(); f != nil {
		p.t.Fatalf("got %v, want the end", f)
	}
}

// block encodes fields given as name and value in turn.
func (p *peer) block(fields ...string) []byte {
	p.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(p.buf.Bytes())
}

func (p *peer) headers(id uint32, end bool, fields ...string) {
	p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(fields...), EndStream: end, EndHeaders: true})
}

func (p *peer) data(id uint32, end bool, data string) { p.fr.WriteData(id, end, []byte(data)) }

// A call is one RoundTrip under way on a goroutine of its own.
type call struct {
	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	resp   *exchange.Response
	err    error
}

// start sends req in a slot of its own.
func (p *peer) start(req *exchange.Request) *call {
	p.t.Helper()
	if err := p.c.Reserve(); err != nil {
		p.t.Fatalf("Reserve: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.t.Cleanup(cancel)
	k := &call{t: p.t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		k.resp, k.err = p.c.RoundTrip(ctx, req)
	}()
	return k
}

// get starts a GET and reads its head, on stream id.
func (p *peer) get(id uint32) *call {
	p.t.Helper()
	k := p.start(request("GET", "https://a.test/", nil, 0))
	p.wantHeaders(id, true)
	return k
}

// pending fails if the call has returned.
func (k *call) pending() {
	k.t.Helper()
	synctest.Wait()
	select {
	case <-k.done:
		k.t.Fatalf("RoundTrip returned %v, %v", k.resp, k.err)
	default:
	}
}

// response waits for RoundTrip's response.
func (k *call) response() *exchange.Response {
	k.t.Helper()
	<-k.done
	if k.err != nil {
		k.t.Fatalf("RoundTrip: %v", k.err)
	}
	return k.resp
}

// failed waits for RoundTrip's error, which must be code and say how far it got.
func (k *call) failed(code error, sent, received bool) {
	k.t.Helper()
	<-k.done
	var a *exchange.AttemptError
	if !errors.Is(k.err, code) || !errors.As(k.err, &a) {
		k.t.Fatalf("RoundTrip: %v, want %v", k.err, code)
	}
	if a.Sent != sent || a.Received != received {
		k.t.Errorf("Sent %v, Received %v; want %v, %v", a.Sent, a.Received, sent, received)
	}
}

// body reads the response's body to its end.
func (k *call) body() (string, error) {
	k.t.Helper()
	r := k.response()
	b, err := io.ReadAll(r.Body)
	r.Body.Close()
	return string(b), err
}

// wantBody reads the body and compares.
func (k *call) wantBody(want string) {
	k.t.Helper()
	if got, err := k.body(); got != want || err != nil {
		k.t.Fatalf("body %.40q (%d bytes), %v; want %.40q", got, len(got), err, want)
	}
}

// working fails unless a request on stream id is served.
func (p *peer) working(id uint32) {
	p.t.Helper()
	k := p.get(id)
	p.headers(id, true, ":status", "204")
	k.wantBody("")
}

// wantSlots compares what the pool sees.
func (p *peer) wantSlots(inUse, available int) {
	p.t.Helper()
	synctest.Wait()
	if a, b := p.c.InUse(), p.c.Available(); a != inUse || b != available {
		p.t.Errorf("%d in use, %d available; want %d, %d", a, b, inUse, available)
	}
}

func show(r *exchange.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %d", r.Status, r.Proto, r.ContentLength)
	for name, value := range r.Header.All() {
		fmt.Fprintf(&b, "|%s: %s", name, value)
	}
	return b.String()
}
