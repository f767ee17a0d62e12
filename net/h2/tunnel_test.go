package h2_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestTunnel: the body of a CONNECT carries DATA both ways.
func TestTunnel(t *testing.T) {
	open := func(p *peer, id uint32) (*call, io.ReadWriteCloser) {
		p.t.Helper()
		k := p.start(request("CONNECT", "https://a.test/", nil, 0))
		got := p.wantHeaders(id, false)
		if want := ":method: CONNECT :authority: a.test:443"; strings.Join(got, " ") != want {
			p.t.Errorf("got %q", got)
		}
		p.headers(id, false, ":status", "200")
		return k, k.response().Body.(io.ReadWriteCloser)
	}
	t.Run("both ways", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			_, rw := open(p, 1)
			if n, err := rw.Write([]byte("ping")); n != 4 || err != nil {
				t.Error(n, err)
			}
			p.wantData(1, 4, false)
			p.data(1, false, "pong")
			b := make([]byte, 4)
			if _, err := io.ReadFull(rw, b); string(b) != "pong" || err != nil {
				t.Error(b, err)
			}
			p.data(1, true, "")
			if n, err := rw.Read(b); n != 0 || err != io.EOF {
				t.Error(n, err)
			}
			p.wantSlots(1, 99) // half of it is open
			rw.Write([]byte("x"))
			p.wantData(1, 1, false)
			rw.(interface{ CloseWrite() error }).CloseWrite()
			p.wantData(1, 0, true)
			p.wantSlots(0, 100)
			rw.Close()
			p.wantQuiet()
			if _, err := rw.Write([]byte("x")); err == nil {
				t.Error("a closed tunnel takes more")
			}
		})
	})
	t.Run("closed", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			_, rw := open(p, 1)
			done := make(chan error, 2)
			go func() {
				_, err := rw.Write(make([]byte, 100_000)) // more than the window
				done <- err
			}()
			go func() {
				_, err := rw.Read(make([]byte, 1))
				done <- err
			}()
			for range 5 {
				p.want("DATA")
			}
			synctest.Wait()
			rw.Close()
			for range 2 {
				if err := <-done; err == nil {
					t.Error("no error")
				}
			}
			p.wantReset(1, http2.ErrCodeCancel)
			p.working(3)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k, rw := open(p, 1)
			k.cancel()
			p.wantReset(1, http2.ErrCodeCancel)
			if _, err := rw.Read(make([]byte, 1)); !errors.Is(err, neterr.Aborted) {
				t.Error(err)
			}
			if _, err := rw.Write([]byte("x")); !errors.Is(err, neterr.Aborted) {
				t.Error(err)
			}
		})
	})
	t.Run("reset", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			_, rw := open(p, 1)
			p.fr.WriteRSTStream(1, http2.ErrCodeConnect)
			if _, err := rw.Read(make([]byte, 1)); !errors.Is(err, neterr.HTTP2ProtocolError) {
				t.Error(err)
			}
			if _, err := rw.Write([]byte("x")); !errors.Is(err, neterr.HTTP2ProtocolError) {
				t.Error(err)
			}
		})
	})
	t.Run("refused", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *peer) {
			k := p.start(request("CONNECT", "https://a.test:8443/", nil, 0))
			p.wantHeaders(1, false)
			p.headers(1, false, ":status", "407")
			p.data(1, true, "who?")
			k.wantBody("who?")
			p.wantData(1, 0, true)
			p.wantSlots(0, 100)
		})
	})
}

// TestExtendedConnect: a web socket over HTTP/2, once the peer has offered it.
func TestExtendedConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, h2.Config{})
		p.wantPreface()
		if p.c.ExtendedConnect() {
			t.Error("offered before SETTINGS")
		}
		p.greet(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
		if !p.c.ExtendedConnect() {
			t.Error("not offered")
		}
		req := request("CONNECT", "wss://a.test/chat?x", nil, 0)
		req.Protocol = "websocket"
		k := p.start(req)
		got := p.wantHeaders(1, false)
		if want := ":method: CONNECT|:authority: a.test|:scheme: https|:path: /chat?x|:protocol: websocket"; strings.Join(got, "|") != want {
			t.Errorf("got %q", got)
		}
		p.headers(1, false, ":status", "200", "sec-websocket-protocol", "chat")
		rw := k.response().Body.(io.ReadWriteCloser)
		rw.Write([]byte("frame"))
		p.wantData(1, 5, false)
		rw.Close()
		p.wantReset(1, http2.ErrCodeCancel)
	})
}
