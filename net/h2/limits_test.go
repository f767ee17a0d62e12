package h2_test

import (
	"context"
	"errors"
	"io"
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

// TestSlots: 100 streams until the peer has said, then what it says, but never more
// than 256.
func TestSlots(t *testing.T) {
	limit := func(n uint32) http2.Setting {
		return http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: n}
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, h2.Config{})
		p.wantPreface()
		var hooked atomic.Int32
		p.c.SetStateHook(func() { hooked.Add(1) })
		p.wantSlots(0, 100)
		p.greet(limit(1000))
		p.wantSlots(0, 256)
		if hooked.Load() != 1 {
			t.Errorf("hook called %d times", hooked.Load())
		}
		a, b := p.get(1), p.get(3)
		p.wantSlots(2, 254)
		if err := p.c.Reserve(); err != nil {
			t.Fatal(err)
		}
		p.wantSlots(3, 253)

		// Fewer than there are: nobody new gets in, and who reserved before waits.
		p.greet(limit(2))
		p.wantSlots(3, 0)
		late := make(chan error)
		go func() {
			_, err := p.c.RoundTrip(t.Context(), request("GET", "https://a.test/late", nil, 0))
			late <- err
		}()
		p.wantQuiet()
		p.headers(1, true, ":status", "204")
		a.wantBody("")
		p.wantHeaders(5, true)
		p.headers(5, true, ":status", "204")
		if err := <-late; err != nil {
			t.Error(err)
		}
		p.wantSlots(1, 1)
		p.headers(3, true, ":status", "204")
		b.wantBody("")
		p.wantSlots(0, 2)
		p.c.Reserve()
		p.c.Release()
		p.wantSlots(0, 2)
	})
}

// TestWaitingForASlot: who waits for a slot can be called off, and hears of the
// connection's end.
func TestWaitingForASlot(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		k := p.get(1)
		for range 3 {
			if err := p.c.Reserve(); err != nil {
				t.Fatal(err)
			}
		}
		p.greet(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error)
		wait := func(ctx context.Context) {
			go func() {
				_, err := p.c.RoundTrip(ctx, request("GET", "https://a.test/", nil, 0))
				errs <- err
			}()
			synctest.Wait()
		}
		wait(ctx)
		p.wantSlots(4, 0)
		cancel()
		if err := <-errs; !errors.Is(err, neterr.Aborted) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		p.wantSlots(3, 0)
		wait(t.Context())
		wait(t.Context())
		p.fr.WriteGoAway(1, http2.ErrCodeNo, nil)
		for range 2 {
			var a *exchange.AttemptError
			if err := <-errs; !errors.Is(err, neterr.HTTP2ServerRefusedStream) || !errors.As(err, &a) || a.Sent {
				t.Error(err)
			}
		}
		p.headers(1, true, ":status", "204")
		k.wantBody("")
		p.wantEnd()
	})
}

// TestCancel: a context ends its own request at once and nothing else.
func TestCancel(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		a, b, c := p.get(1), p.get(3), p.get(5)
		a.cancel()
		a.failed(context.Canceled, true, false)
		p.wantReset(1, http2.ErrCodeCancel)
		p.headers(1, true, ":status", "200") // it crossed
		p.headers(3, false, ":status", "200")
		p.data(3, false, "some")
		r := b.response()
		done := make(chan error)
		go func() {
			io.ReadFull(r.Body, make([]byte, 4))
			_, err := r.Body.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		b.cancel()
		if err := <-done; !errors.Is(err, neterr.Aborted) {
			t.Error(err)
		}
		p.wantReset(3, http2.ErrCodeCancel)
		p.data(3, true, "more")
		p.headers(5, true, ":status", "204")
		c.wantBody("")
		p.wantSlots(0, 100)
		p.working(7)
	})
}

// TestCloseBody: a body that is closed early ends its stream, also under a Read.
func TestCloseBody(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		for i := range 3 {
			id := uint32(4*i + 1)
			k := p.get(id)
			p.headers(id, false, ":status", "200")
			r := k.response()
			done := make(chan error)
			go func() {
				_, err := r.Body.Read(make([]byte, 1))
				done <- err
			}()
			synctest.Wait()
			if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, neterr.InvalidArgument) {
				t.Errorf("a second Read: %v", err)
			}
			r.Body.Close()
			if err := <-done; err == nil || !strings.Contains(err.Error(), "Read on closed") {
				t.Errorf("Read: %v", err)
			}
			r.Body.Close()
			p.wantReset(id, http2.ErrCodeCancel)
			p.wantSlots(0, 100)
			p.working(id + 2)
		}
	})
}

// TestStuckPeer: a peer that does not read holds up nobody whose context ends, nor what
// it sends itself, and does not make us hold more than the limits say.
func TestStuckPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := nettest.Pipe(20 << 10)
		p := newPeerOn(t, h2.Config{}, client, server)
		p.wantPreface()
		p.greet()
		large := func() *exchange.Request {
			req := request("GET", "https://a.test/", nil, 0)
			req.Header = exchange.FieldsOf("X-Large", strings.Repeat("~", 8<<10))
			return req
		}
		var calls []*call
		for range 50 {
			calls = append(calls, p.start(large()))
			synctest.Wait()
		}
		// 20 KiB are in the pipe, some with the writer, 256 KiB queued; the rest wait.
		p.headers(1, true, ":status", "204")
		calls[0].wantBody("")
		waited := 0
		for _, k := range calls[30:] {
			k.cancel()
			<-k.done
			var a *exchange.AttemptError
			if !errors.Is(k.err, neterr.Aborted) || !errors.As(k.err, &a) {
				t.Fatal(k.err)
			}
			if !a.Sent {
				waited++
			}
		}
		if n := p.c.InUse(); n != 29 || waited < 10 {
			t.Errorf("%d in use, %d waited", n, waited)
		}
		late := p.start(large())
		late.pending()
		// It reads again.
		seen := map[uint32]bool{}
		for !seen[1] || len(seen) < 30 {
			switch f := p.frame().(type) {
			case *http2.HeadersFrame:
				seen[f.StreamID] = true
			case *http2.RSTStreamFrame:
			default:
				t.Fatalf("got %v", f)
			}
		}
		p.c.Close(neterr.NetworkChanged)
		late.failed(neterr.NetworkChanged, true, false)
	})
}

// TestAnswersToAStuckPeer: a peer that makes us answer, and does not read the answers.
func TestAnswersToAStuckPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := nettest.Pipe(2 << 10)
		p := newPeerOn(t, h2.Config{}, client, server)
		p.wantPreface()
		p.greet()
		k := p.get(1)
		var err error
		// More than twice the limit: that many may be in the hands of the writer.
		for range 5 {
			for range 5000 {
				if err = p.fr.WritePing(false, [8]byte{}); err != nil {
					break
				}
			}
			synctest.Wait()
			time.Sleep(11 * time.Second) // not to be told off for the PINGs alone
		}
		k.failed(neterr.ConnectionClosed, true, false)
		if p.c.Err() == nil {
			t.Error("the connection goes on")
		}
	})
}

// TestClose: exchanges under way fail with the reason given, and nothing is left.
func TestClose(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		var hooked atomic.Int32
		p.c.SetStateHook(func() { hooked.Add(1) })
		waiting, reading, sending := p.get(1), p.get(3), p.post(100_000, false)
		p.wantHeaders(5, false)
		p.headers(3, false, ":status", "200")
		r := reading.response()
		p.c.Close(neterr.NetworkChanged)
		waiting.failed(neterr.NetworkChanged, true, false)
		sending.failed(neterr.NetworkChanged, true, false)
		if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, neterr.NetworkChanged) {
			t.Error(err)
		}
		r.Body.Close()
		p.c.Close(nil)
		if err := p.c.Err(); !errors.Is(err, neterr.NetworkChanged) || hooked.Load() == 0 {
			t.Errorf("%v, hook called %d times", err, hooked.Load())
		}
		if err := p.c.Reserve(); !errors.Is(err, neterr.NetworkChanged) {
			t.Error(err)
		}
		_, err := p.c.RoundTrip(t.Context(), request("GET", "https://a.test/", nil, 0))
		var a *exchange.AttemptError
		if !errors.Is(err, neterr.NetworkChanged) || !errors.As(err, &a) || a.Sent {
			t.Error(err)
		}
		p.wantSlots(0, 0)
	})
}

// TestBadRequests: what cannot be sent is refused before anything is, and costs no slot.
func TestBadRequests(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		for name, edit := range map[string]func(*exchange.Request){
			"method":      func(r *exchange.Request) { r.Method = "A B" },
			"no URL":      func(r *exchange.Request) { r.URL = nil },
			"host":        func(r *exchange.Request) { r.Host = "a b" },
			"target":      func(r *exchange.Request) { r.URL.RawQuery = "a b" },
			"field name":  func(r *exchange.Request) { r.Header.Add("a b", "c") },
			"field value": func(r *exchange.Request) { r.Header.Add("a", "b\r\nc: d") },
			"protocol":    func(r *exchange.Request) { r.Protocol = "websocket" },
			"not offered": func(r *exchange.Request) { r.Method, r.Protocol = "CONNECT", "websocket" },
		} {
			req := request("GET", "https://a.test/", nil, 0)
			edit(req)
			k := p.start(req)
			<-k.done
			var a *exchange.AttemptError
			if !errors.As(k.err, &a) || a.Sent {
				t.Errorf("%s: %v", name, k.err)
			}
			p.wantQuiet()
			p.wantSlots(0, 100)
		}
		p.working(1)
	})
}

// TestCloseAfter: a request may be the connection's last.
func TestCloseAfter(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		req := request("GET", "https://a.test/", nil, 0)
		req.Close = true
		k := p.start(req)
		p.wantHeaders(1, true)
		if p.c.Err() == nil || p.c.Reserve() == nil {
			t.Error("the connection takes more")
		}
		p.headers(1, true, ":status", "204")
		k.wantBody("")
		p.wantEnd()
	})
}

// TestCanceledBefore: a context that has ended sends nothing.
func TestCanceledBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.c.Reserve()
		body := &closing{Reader: strings.NewReader("x")}
		req := request("POST", "https://a.test/", nil, 1)
		req.Body = body
		_, err := p.c.RoundTrip(ctx, req)
		var a *exchange.AttemptError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &a) || a.Sent || body.closed != 1 {
			t.Errorf("%v, body closed %d times", err, body.closed)
		}
		p.wantQuiet()
		p.wantSlots(0, 100)
	})
}

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }
