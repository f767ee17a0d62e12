package h3_test

import (
	stdtls "crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/nettest"
)

// serverTLS is a certificate that nobody verifies: who verifies is not this package.
func serverTLS(t testing.TB) *stdtls.Config {
	t.Helper()
	cfg := nettest.NewCA().Config("a.test")
	cfg.NextProtos = []string{"h3"}
	return cfg
}

// serve starts quic-go's own server.
func serve(t testing.TB, h http.Handler, cfg *quic.Config) net.Addr {
	t.Helper()
	return serveTLS(t, h, cfg, serverTLS(t))
}

func serveTLS(t testing.TB, h http.Handler, cfg *quic.Config, tls *stdtls.Config) net.Addr {
	t.Helper()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if cfg == nil {
		cfg = &quic.Config{Allow0RTT: true} // as Server.Serve has it
	}
	// Not Serve: the listener's goroutines are to run before a test counts those it has.
	ln, err := quic.ListenEarly(udp, http3.ConfigureTLSConfig(tls), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &http3.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeListener(ln)
	}()
	t.Cleanup(func() {
		s.Close()
		ln.Close()
		udp.Close()
		<-served
	})
	return udp.LocalAddr()
}

// connect returns a connection to quic-go's own server.
func connect(t testing.TB, h http.Handler) *h3.Conn {
	t.Helper()
	c, err := h3.NewConn(t.Context(), dialQUIC(t, serve(t, h, nil)), h3.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(nil) })
	return c
}
