package fuzz_test

import (
	"bytes"
	"io"
	"net/url"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
)

// A gated peer sends what it has to say once the first request is on its way.
type gated struct {
	canned
	writes int
	open   chan struct{}
}

func (g *gated) Read(p []byte) (int, error) {
	<-g.open
	return g.canned.Read(p)
}

// Write opens the gate when the preface is followed by something. Writes follow each
// other.
func (g *gated) Write(p []byte) (int, error) {
	if g.writes++; g.writes == 2 {
		close(g.open)
	}
	return len(p), nil
}

func (g *gated) SetReadDeadline(time.Time) error  { return nil }
func (g *gated) SetWriteDeadline(time.Time) error { return nil }

// FuzzH2Frames: whatever frames a server sends, a request ends in a response or an
// error, what comes out is no more than what went in, and Close, which waits for the
// connection's goroutines, returns.
func FuzzH2Frames(f *testing.F) {
	for _, seed := range h2Seeds() {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, piecewise bool) {
		var r io.Reader = bytes.NewReader(raw)
		if piecewise {
			r = &oneByte{r}
		}
		c, err := h2.NewConn(&gated{canned: canned{r: r}, open: make(chan struct{})}, h2.Config{MaxHeaderBytes: 8 << 10})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Reserve(); err != nil {
			t.Fatal(err)
		}
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "a.test"}})
		if err == nil {
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if len(body) > len(raw) || resp.Info.WireRead > int64(len(raw)) {
				t.Errorf("%d bytes gave a body of %d, WireRead %d, %v", len(raw), len(body), resp.Info.WireRead, err)
			}
			if resp.Status < 200 || resp.Status > 999 {
				t.Errorf("status %d", resp.Status)
			}
			list := 0
			for name, value := range resp.Header.All() {
				list += len(name) + len(value) + 32
			}
			if list > 8<<10 {
				t.Errorf("%d bytes of fields", list)
			}
		}
		c.Close(nil)
		if c.InUse() != 0 || c.Err() == nil {
			t.Errorf("%d in use, %v", c.InUse(), c.Err())
		}
	})
}

// h2Seeds are connections of a server, well-formed and otherwise.
func h2Seeds() [][]byte {
	build := func(write func(fr *http2.Framer)) []byte {
		var b bytes.Buffer
		fr := http2.NewFramer(&b, nil)
		fr.AllowIllegalWrites = true
		fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 100})
		fr.WriteSettingsAck()
		write(fr)
		return b.Bytes()
	}
	head := func(fr *http2.Framer, end bool, block string) {
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: end, EndHeaders: true, BlockFragment: []byte(block)})
	}
	const ok = "\x88\x5c\x011" // :status 200, content-length 1
	return [][]byte{
		build(func(fr *http2.Framer) { head(fr, false, ok); fr.WriteData(1, true, []byte("x")) }),
		build(func(fr *http2.Framer) { head(fr, true, "\x89") }),
		build(func(fr *http2.Framer) {
			head(fr, false, "\x48\x03100")
			head(fr, false, "\x88")
			fr.WriteDataPadded(1, false, []byte("hello"), make([]byte, 9))
			head(fr, true, "\x40\x01a\x01b")
		}),
		build(func(fr *http2.Framer) {
			fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: []byte("\x88\x40")})
			fr.WriteContinuation(1, true, []byte("\x01a\x01b"))
		}),
		build(func(fr *http2.Framer) { fr.WriteRSTStream(1, http2.ErrCodeRefusedStream) }),
		build(func(fr *http2.Framer) { fr.WriteGoAway(0, http2.ErrCodeNo, []byte("bye")) }),
		build(func(fr *http2.Framer) {
			fr.WritePing(false, [8]byte{1})
			fr.WriteWindowUpdate(0, 1<<31-1)
		}),
		build(func(fr *http2.Framer) { fr.WriteRawFrame(http2.FramePushPromise, 4, 1, []byte{0, 0, 0, 2, 0x82}) }),
		build(func(fr *http2.Framer) { head(fr, false, "\x3f\xe1\x1f"+ok); fr.WriteData(1, false, []byte("xy")) }),
	}
}

// FuzzH2Head: a header block, cut anywhere, gives the fields that x/net's decoder finds
// in it, less those that mean nothing in HTTP/2, or an error.
func FuzzH2Head(f *testing.F) {
	for _, block := range []string{
		"\x88", "\x88\x5c\x011", "\x20\x88", "\x3f\x21\x88", "\x48\x03200\x40\x01a\x01b\xbe", "\x88\x00\x01a\x01b\x10\x01a\x01b",
		"\x88\x40\x82\x1f\xff\x01a", "\x88\xff\x80\x01", "\x88\x40\x0akeep-alive\x01a",
	} {
		f.Add([]byte(block), 1)
	}
	f.Fuzz(func(t *testing.T, block []byte, cut int) {
		if len(block) == 0 || len(block) > 8<<10 {
			return
		}
		cut = max(cut, -cut, 0) % len(block)
		var raw bytes.Buffer
		fr := http2.NewFramer(&raw, nil)
		fr.WriteSettings()
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: block[:cut]})
		fr.WriteContinuation(1, true, block[cut:])
		c, err := h2.NewConn(&gated{canned: canned{r: &raw}, open: make(chan struct{})}, h2.Config{})
		if err != nil {
			t.Fatal(err)
		}
		c.Reserve()
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "a.test"}})
		c.Close(nil)
		want, reference := hpack.NewDecoder(64<<10, nil).DecodeFull(block)
		if err != nil || reference != nil {
			return // what is malformed has tests of its own; x/net takes one resizing only
		}
		var got []hpack.HeaderField
		for name, value := range resp.Header.All() {
			got = append(got, hpack.HeaderField{Name: name, Value: value})
		}
		want = slices.DeleteFunc(want, func(f hpack.HeaderField) bool {
			switch f.Name {
			case ":status", "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
				return true
			}
			return false
		})
		if !slices.EqualFunc(got, want, func(a, b hpack.HeaderField) bool { return a.Name == b.Name && a.Value == b.Value }) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
