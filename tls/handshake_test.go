package tls_test

import (
	stdtls "crypto/tls"
	"io"
	"net"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
)

func TestHandshake(t *testing.T) {
	ca := nettest.NewCA()
	cert := certificate(ca)
	for _, c := range []struct {
		name    string
		server  *stdtls.Config
		client  tls.Config
		version uint16
		curve   stdtls.CurveID
	}{
		{name: "TLS 1.3, X25519MLKEM768", version: stdtls.VersionTLS13, curve: stdtls.X25519MLKEM768},
		{name: "TLS 1.3, X25519", server: &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.X25519}}, version: stdtls.VersionTLS13, curve: stdtls.X25519},
		{name: "TLS 1.3, P-256 after a retry", server: &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.CurveP256}}, version: stdtls.VersionTLS13, curve: stdtls.CurveP256},
		{name: "TLS 1.3, P-384 after a retry", server: &stdtls.Config{CurvePreferences: []stdtls.CurveID{stdtls.CurveP384}}, version: stdtls.VersionTLS13, curve: stdtls.CurveP384},
		{name: "TLS 1.2", server: &stdtls.Config{MaxVersion: stdtls.VersionTLS12}, version: stdtls.VersionTLS12},
		{name: "TLS 1.2 at most", client: tls.Config{SSL: tls.SSLConfig{MaxVersion: "tls1.2"}}, version: stdtls.VersionTLS12},
		{name: "TLS 1.3 at least", client: tls.Config{SSL: tls.SSLConfig{MinVersion: "tls1.3"}}, version: stdtls.VersionTLS13, curve: stdtls.X25519MLKEM768},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.server == nil {
				c.server = new(stdtls.Config)
			}
			c.server.Certificates = cert
			c.server.NextProtos = []string{"h2", "http/1.1"}
			s := serveTLS(t, c.server)
			c.client.Verifier = verifier(ca)
			raw := s.dial(t)
			conn, err := newClient(t, c.client).Handshake(t.Context(), raw, s.request())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			echo(t, conn)

			st := conn.State()
			if st != conn.State() {
				t.Error("State makes a new state each time")
			}
			if st.Version != c.version || st.CurveID != c.curve || !st.HandshakeComplete || st.DidResume {
				t.Errorf("got version %04x, group %v, complete %t, resumed %t; want %04x, %v, true, false",
					st.Version, st.CurveID, st.HandshakeComplete, st.DidResume, c.version, c.curve)
			}
			if retry := c.curve == stdtls.CurveP256 || c.curve == stdtls.CurveP384; st.HelloRetryRequest != retry {
				t.Errorf("HelloRetryRequest: got %t, want %t", st.HelloRetryRequest, retry)
			}
			if st.NegotiatedProtocol != "h2" || st.ServerName != host || st.CipherSuite == 0 {
				t.Errorf("got protocol %q, name %q, suite %04x", st.NegotiatedProtocol, st.ServerName, st.CipherSuite)
			}
			if len(st.PeerCertificates) != 2 || len(st.VerifiedChains) != 1 || len(st.VerifiedChains[0]) != 2 {
				t.Errorf("got %d certificates and chains %v, want 2 and a chain of 2", len(st.PeerCertificates), st.VerifiedChains)
			}
			if conn.NetConn() != raw || conn.RemoteAddr() != raw.RemoteAddr() || conn.LocalAddr() != raw.LocalAddr() {
				t.Error("NetConn or an address is not the connection's below")
			}
			if key, err := conn.ExportKeyingMaterial("EXPORTER-test", nil, 32); err != nil || len(key) != 32 {
				t.Errorf("ExportKeyingMaterial: got %d bytes, %v; want 32", len(key), err)
			}
		})
	}
}

func TestALPN(t *testing.T) {
	ca := nettest.NewCA()
	for _, c := range []struct {
		name   string
		offer  []string
		server []string
		want   string
	}{
		{"profile", nil, []string{"http/1.1", "h2"}, "http/1.1"},
		{"HTTP/1.1 alone", []string{"http/1.1"}, []string{"h2", "http/1.1"}, "http/1.1"},
		{"nothing offered", []string{}, []string{"h2"}, ""},
		{"nothing known to the server", nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca), NextProtos: c.server})
			r := s.request()
			r.ALPN = c.offer
			conn := s.connect(t, newClient(t, tls.Config{Verifier: verifier(ca)}), r)
			if got := conn.State().NegotiatedProtocol; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	client := newClient(t, tls.Config{Verifier: verifier(ca), SessionCacheSize: 2})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 3 {
				raw, err := net.Dial("tcp", s.addr.String())
				if err != nil {
					t.Error(err)
					return
				}
				conn, err := client.Handshake(t.Context(), raw, &tls.Request{Host: host, Port: uint16(i % 4)})
				if err != nil {
					t.Error(err)
					return
				}
				if err := tryEcho(conn); err != nil {
					t.Error(err)
				}
				conn.Close()
			}
		})
	}
	wg.Wait()
}

func TestEndOfData(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	conn := s.connect(t, newClient(t, tls.Config{Verifier: verifier(ca)}), s.request())
	echo(t, conn)
	if err := conn.CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read after the server's goodbye: got %d, %v; want 0, EOF", n, err)
	}
}

func TestTrace(t *testing.T) {
	ca := nettest.NewCA()
	s := serveTLS(t, &stdtls.Config{Certificates: certificate(ca)})
	var started int
	var state stdtls.ConnectionState
	var failure error
	r := s.request()
	r.Trace = &httptrace.ClientTrace{
		TLSHandshakeStart: func() { started++ },
		TLSHandshakeDone:  func(s stdtls.ConnectionState, err error) { state, failure = s, err },
	}
	s.connect(t, newClient(t, tls.Config{Verifier: verifier(ca)}), r)
	if started != 1 || state.Version != stdtls.VersionTLS13 || failure != nil {
		t.Errorf("success: got %d starts, version %04x, error %v", started, state.Version, failure)
	}
	err := s.refused(t, newClient(t, tls.Config{Verifier: verifier(nettest.NewCA())}), r)
	if started != 2 || state.Version != 0 || failure != err {
		t.Errorf("failure: got %d starts, version %04x, error %v; want 2, 0, %v", started, state.Version, failure, err)
	}
}
