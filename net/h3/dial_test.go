package h3_test

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// connectedTo returns a socket that is connected to addr.
func connectedTo(t testing.TB, addr net.Addr) *net.UDPConn {
	t.Helper()
	udp, err := net.DialUDP("udp", nil, addr.(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	return udp
}

func clientTLS() *stdtls.Config {
	return &stdtls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}, ServerName: "a.test"}
}

// TestDial: the Conn has a socket and closes it.
func TestDial(t *testing.T) {
	nettest.CheckGoroutines(t)
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") }), nil)
	socket := connectedTo(t, addr)
	released := 0
	c, err := h3.Dial(t.Context(), socket, clientTLS(), h3.Config{Released: func() { released++ }})
	if err != nil {
		t.Fatal(err)
	}
	if o := <-send(t, c, get("/")); o.err != nil || o.body != "x" || o.resp.Info.Remote != exchange.AddrPort(addr) {
		t.Errorf("got %+v", o)
	}
	c.Close(nil)
	if _, err := socket.Write([]byte("x")); !errors.Is(err, net.ErrClosed) || released != 1 {
		t.Errorf("after Close: write %v, released %d times", err, released)
	}
}

// TestDialFails: why no connection comes to be, in Chromium's words. The socket is closed.
func TestDialFails(t *testing.T) {
	nobody, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	silent := nobody.LocalAddr()
	defer nobody.Close()
	closed, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	served := serve(t, http.NotFoundHandler(), nil)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	untrusted := clientTLS()
	untrusted.VerifyConnection = func(stdtls.ConnectionState) error {
		return &neterr.Error{Code: neterr.CertDateInvalid, Op: "verify"}
	}
	other := clientTLS()
	other.NextProtos = []string{"other"}
	tests := []struct {
		name string
		ctx  context.Context
		addr net.Addr
		tls  *stdtls.Config
		want error
	}{
		{"canceled", canceled, silent, clientTLS(), neterr.Aborted},
		{"nobody listens", t.Context(), closed.LocalAddr(), clientTLS(), neterr.ConnectionRefused},
		{"certificate", t.Context(), served, untrusted, neterr.CertDateInvalid},
		{"no common protocol", t.Context(), served, other, neterr.QUICHandshakeFailed},
		{"version", t.Context(), otherVersion(t), clientTLS(), neterr.QUICHandshakeFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			socket := connectedTo(t, tt.addr)
			_, err := h3.Dial(tt.ctx, socket, tt.tls, h3.Config{})
			var full *neterr.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &full) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if _, err := socket.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the socket is open: %v", err)
			}
		})
	}
}

// otherVersion is a server that speaks another version of QUIC.
func otherVersion(t *testing.T) net.Addr {
	l, err := quic.ListenAddr("127.0.0.1:0", serverTLS(t), &quic.Config{Versions: []quic.Version{quic.Version2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr()
}
