package h2_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/neterr"
)

const mib = 1 << 20

var frame = strings.Repeat("x", 16384)

// TestWindowUpdates: what was read is given back when it is more than half of a window,
// for the stream and for the connection.
func TestWindowUpdates(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		k := p.get(1)
		p.headers(1, false, ":status", "200")
		r := k.response()
		buf := make([]byte, len(frame))
		read := func(frames int) {
			t.Helper()
			for range frames {
				p.data(1, false, frame)
				synctest.Wait()
				if _, err := io.ReadFull(r.Body, buf); err != nil {
					t.Fatal(err)
				}
			}
		}
		read(192) // half of 6 MiB
		p.wantQuiet()
		read(1)
		p.wantUpdate(1, 193*16384)
		read(192)
		p.wantQuiet()
		read(1)
		p.wantUpdate(1, 193*16384)
		read(94) // 7.5 MiB in all
		p.wantQuiet()
		read(1)
		p.wantUpdate(0, 481*16384)
		p.data(1, true, "end")
		if b, err := io.ReadAll(r.Body); string(b) != "end" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		p.wantQuiet()
	})
}

// TestSmallUpdates: five seconds after the last WINDOW_UPDATE, a small one goes as well.
func TestSmallUpdates(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		k := p.get(1)
		p.headers(1, false, ":status", "200")
		p.data(1, false, "one")
		r := k.response()
		buf := make([]byte, 10)
		r.Body.Read(buf)
		p.wantQuiet()
		time.Sleep(5 * time.Second)
		p.data(1, false, "two!")
		r.Body.Read(buf)
		p.wantUpdate(1, 7)
		p.wantUpdate(0, 7)
		p.data(1, false, "three")
		r.Body.Read(buf)
		p.wantQuiet()
	})
}

// TestOverrun: a peer that sends more than the windows allow.
func TestOverrun(t *testing.T) {
	t.Run("stream", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := p.get(1)
			p.headers(1, false, ":status", "200")
			for range 6 * mib / len(frame) {
				p.data(1, false, frame)
			}
			p.wantQuiet()
			p.data(1, false, "x")
			p.wantReset(1, http2.ErrCodeFlowControl)
			if b, err := k.body(); len(b) != 6*mib || !errors.Is(err, neterr.HTTP2FlowControlError) {
				t.Errorf("%d bytes, %v", len(b), err)
			}
			p.working(3)
		})
	})
	t.Run("connection", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			calls := []*call{p.get(1), p.get(3), p.get(5)}
			for i := range calls {
				p.headers(uint32(2*i+1), false, ":status", "200")
			}
			for range 5 * mib / len(frame) {
				for i := range calls {
					p.data(uint32(2*i+1), false, frame)
				}
			}
			p.wantQuiet()
			p.data(3, false, "x")
			p.wantGoAway(http2.ErrCodeFlowControl)
			for _, k := range calls {
				if b, err := k.body(); len(b) != 5*mib || !errors.Is(err, neterr.HTTP2FlowControlError) {
					t.Errorf("%d bytes, %v", len(b), err)
				}
			}
		})
	})
}

// TestUnreadIsGivenBack: what nobody reads does not use up the connection's window.
func TestUnreadIsGivenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		closed, canceled := p.get(1), p.get(3)
		for _, id := range []uint32{1, 3} {
			p.headers(id, false, ":status", "200")
			for range 2 * mib / len(frame) {
				p.data(id, false, frame)
			}
		}
		closed.response().Body.Close()
		p.wantReset(1, http2.ErrCodeCancel)
		canceled.response()
		canceled.cancel()
		p.wantReset(3, http2.ErrCodeCancel)
		p.wantQuiet()
		// What was on its way when the streams were reset.
		for range 4*mib/len(frame) - 1 {
			p.data(1, false, frame)
		}
		if f := p.want("WINDOW_UPDATE").(*http2.WindowUpdateFrame); f.StreamID != 0 || f.Increment <= 15*mib/2 {
			t.Errorf("got %v, %d", f, f.Increment)
		}
		p.working(5)
	})
}

// post starts a POST of size bytes, from memory or not.
func (p *peer) post(size int, memory bool) *call {
	var body io.Reader = bytes.NewReader(make([]byte, size))
	if !memory {
		body = io.MultiReader(body)
	}
	return p.start(request("POST", "https://a.test/", body, int64(size)))
}

// TestSendWindows: request bodies keep to the peer's windows.
func TestSendWindows(t *testing.T) {
	t.Run("chunks", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := p.post(65535+100, false)
			p.wantHeaders(1, false)
			for range 4 {
				p.wantData(1, 16375, false)
			}
			p.wantData(1, 65535-4*16375, false)
			p.wantQuiet()
			p.fr.WriteWindowUpdate(1, 60)
			p.wantQuiet()
			p.fr.WriteWindowUpdate(0, 80)
			p.wantData(1, 60, false)
			p.fr.WriteWindowUpdate(1, 1000)
			p.wantData(1, 20, false)
			p.fr.WriteWindowUpdate(0, 1000)
			p.wantData(1, 20, true)
			p.headers(1, true, ":status", "204")
			k.wantBody("")
		})
	})
	t.Run("small bodies", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(t, h2.Config{})
			p.wantPreface()
			p.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
			p.post(10, true)
			p.wantHeaders(1, false)
			p.wantData(1, 10, true)
			p.post(25, true)
			p.wantHeaders(3, false)
			p.wantData(3, 10, false)
			p.wantQuiet()
			// A smaller initial window makes those of open streams negative.
			p.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 4})
			p.fr.WriteWindowUpdate(3, 6)
			p.wantQuiet()
			p.fr.WriteWindowUpdate(3, 5)
			p.wantData(3, 5, false)
			p.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100})
			p.wantData(3, 10, true)
			p.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}) // passed over
			p.post(100, false)
			p.wantHeaders(5, false)
			p.wantData(5, 100, true)
		})
	})
	t.Run("many", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			const n = 10
			var calls []*call
			for range n {
				calls = append(calls, p.post(200_000, false))
			}
			left := map[uint32]int{}
			p.fr.WriteWindowUpdate(0, 1<<20)
			for ended := 0; ended < n; {
				f := p.frame()
				switch f := f.(type) {
				case *http2.HeadersFrame:
					left[f.StreamID] += 200_000
					p.fr.WriteWindowUpdate(f.StreamID, 1<<20)
				case *http2.DataFrame:
					left[f.StreamID] -= len(f.Data())
					p.fr.WriteWindowUpdate(0, f.Length)
					if f.StreamEnded() {
						ended++
					}
				default:
					t.Fatalf("got %v", f)
				}
			}
			for id, n := range left {
				if n != 0 {
					t.Errorf("stream %d: %d left", id, n)
				}
				p.headers(id, true, ":status", "204")
			}
			for _, k := range calls {
				k.wantBody("")
			}
		})
	})
	t.Run("overflow by SETTINGS", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := p.get(1)
			p.fr.WriteWindowUpdate(1, 1<<31-1-65535)
			p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65536})
			k.failed(neterr.HTTP2FlowControlError, true, false)
			p.wantGoAway(http2.ErrCodeFlowControl)
		})
	})
}

// TestUploads: request bodies that go wrong, or are not wanted to the end.
func TestUploads(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		err    error
		sent   bool
	}{
		{"memory too short", strings.NewReader("ab"), 3, neterr.InvalidArgument, false},
		{"memory too long", strings.NewReader("abcd"), 3, neterr.InvalidArgument, false},
		{"stream too short", io.MultiReader(strings.NewReader("ab")), 3, neterr.InvalidArgument, true},
		{"stream too long", io.MultiReader(strings.NewReader("abcd")), 3, neterr.InvalidArgument, true},
		{"stream too long later", io.MultiReader(strings.NewReader("abc"), strings.NewReader("d")), 3, neterr.InvalidArgument, true},
		{"stream breaks", io.MultiReader(strings.NewReader("ab"), &failing{broken}), -1, broken, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				k := p.start(request("POST", "https://a.test/", tt.body, tt.length))
				k.failed(tt.err, tt.sent, false)
				if tt.sent {
					p.wantHeaders(1, false)
					f := p.frame()
					if f.Header().Type == http2.FrameData {
						f = p.frame()
					}
					if rst, ok := f.(*http2.RSTStreamFrame); !ok || rst.ErrCode != http2.ErrCodeCancel {
						t.Errorf("got %v", f)
					}
					p.working(3)
				} else {
					p.working(1)
				}
				p.wantSlots(0, 100)
			})
		})
	}
	t.Run("canceled", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			pr, pw := io.Pipe()
			req := request("POST", "https://a.test/", nil, -1)
			req.Body = pr
			k := p.start(req)
			p.wantHeaders(1, false)
			go pw.Write([]byte("x"))
			p.wantData(1, 1, false)
			k.cancel()
			k.failed(neterr.Aborted, true, false)
			p.wantReset(1, http2.ErrCodeCancel)
			if _, err := pw.Write([]byte("y")); err != io.ErrClosedPipe {
				t.Errorf("the body is still open: %v", err)
			}
			p.working(3)
		})
	})
	t.Run("canceled in front of a closed window", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := p.post(100_000, false)
			p.wantHeaders(1, false)
			for range 5 {
				p.want("DATA")
			}
			k.pending()
			k.cancel()
			k.failed(neterr.Aborted, true, false)
			p.wantReset(1, http2.ErrCodeCancel)
			p.fr.WriteWindowUpdate(0, 1<<20)
			p.wantQuiet()
		})
	})
	t.Run("answered and over", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := p.post(100_000, false)
			p.wantHeaders(1, false)
			for range 5 {
				p.want("DATA")
			}
			p.headers(1, false, ":status", "413")
			p.data(1, true, "too much")
			p.fr.WriteRSTStream(1, http2.ErrCodeNo)
			synctest.Wait() // who has read it all before it hears that resets the stream
			k.wantBody("too much")
			p.wantQuiet()
			p.wantSlots(0, 100)
		})
	})
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// TestContinue: a body with Expect: 100-continue waits for the peer's word, or a second.
func TestContinue(t *testing.T) {
	start := func(p *peer) *call {
		req := request("POST", "https://a.test/", strings.NewReader("hello"), 5)
		req.Header = exchange.FieldsOf("Expect", "100-continue")
		k := p.start(req)
		p.wantHeaders(1, false)
		p.wantQuiet()
		return k
	}
	t.Run("asked", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := start(p)
			p.headers(1, false, ":status", "100")
			p.wantData(1, 5, true)
			p.headers(1, true, ":status", "204")
			k.wantBody("")
		})
	})
	t.Run("not asked", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			start(p)
			time.Sleep(time.Second)
			p.wantData(1, 5, true)
		})
	})
	t.Run("refused", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := start(p)
			p.headers(1, true, ":status", "417")
			k.wantBody("")
			p.wantReset(1, http2.ErrCodeCancel)
			p.working(3)
		})
	})
}
