package session_test

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// Servers that end the connection instead of answering.
func TestBadPeers(t *testing.T) {
	runBad(t, []badInput{
		{name: "closes at once", serve: raw(""), want: neterr.EmptyResponse},
		{name: "closes without goodbye", tls: true, serve: func(c *nettest.Conn) { c.Cut() }, want: neterr.EmptyResponse},
		{name: "half-closes", serve: func(c *nettest.Conn) { c.CloseWrite(); c.WaitClose() }, want: neterr.EmptyResponse},
		{name: "resets", serve: func(c *nettest.Conn) { c.Reset() }, want: neterr.ConnectionReset},
		{name: "resets in the head", serve: func(c *nettest.Conn) { c.Print("HTTP/1.1 200 OK\r\nA: "); c.Reset() }, want: neterr.ConnectionReset},
	})
}

// A server that resets within the body has sent a head that may or may not arrive.
func TestResetInBody(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			s := newSession(t, trusting(nettest.NewCA()))
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				c.Print("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
				c.Reset()
			})
			if a := d.do(t.Context(), s, call{url: srv.URL()}); neterr.CodeOf(a.err) != neterr.ConnectionReset {
				t.Errorf("got %v (body %q), want %v", a.err, a.body, neterr.ConnectionReset)
			}
			wantUsable(t, t.Context(), s, d)
		})
	}
}

// TestSilentPeers has servers that stop answering, and callers that stop waiting:
// by a deadline, or by cancelling.
func TestSilentPeers(t *testing.T) {
	ca := nettest.NewCA()
	silent := []struct {
		name  string
		tls   bool
		serve func(*nettest.Conn, func()) // calls its second argument when it falls silent
	}{
		{"before the head", false, func(c *nettest.Conn, now func()) { c.ReadHead(); now(); c.WaitClose() }},
		{"before the head", true, func(c *nettest.Conn, now func()) { c.ReadHead(); now(); c.WaitClose() }},
		{"in the head", false, func(c *nettest.Conn, now func()) { c.ReadHead(); c.Print("HTTP/1.1 200 OK\r\nA"); now(); c.WaitClose() }},
		{"in the body", false, func(c *nettest.Conn, now func()) {
			c.ReadHead()
			c.Print("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			now()
			c.WaitClose()
		}},
		{"in the body", true, func(c *nettest.Conn, now func()) {
			c.ReadHead()
			c.Print("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
			now()
			c.WaitClose()
		}},
	}
	for _, tt := range silent {
		for _, d := range doors {
			for _, how := range []string{"deadline", "cancel"} {
				t.Run(fmt.Sprintf("%s/%s/%s/TLS=%v", tt.name, d.name, how, tt.tls), func(t *testing.T) {
					nettest.CheckGoroutines(t)
					s := newSession(t, trusting(ca))
					quiet := make(chan struct{})
					serve := func(c *nettest.Conn) { tt.serve(c, func() { close(quiet) }) }
					var srv *nettest.Server
					if tt.tls {
						srv = nettest.NewTLSServer(t, ca.Config("127.0.0.1"), serve)
					} else {
						srv = nettest.NewServer(t, serve)
					}
					a, want := giveUp(t, how, quiet, func(ctx context.Context) answer { return d.do(ctx, s, call{url: srv.URL()}) })
					if neterr.CodeOf(a.err) != want {
						t.Errorf("got %v, want %v", a.err, want)
					}
					// The connection is of no use to anybody.
					nettest.Eventually(t, "the connection is closed", func() bool { return srv.Open() == 0 })
					wantUsable(t, t.Context(), s, d)
				})
			}
		}
	}
}

// A server that accepts and then says nothing holds up the TLS handshake.
func TestSilentHandshake(t *testing.T) {
	for _, d := range doors {
		for _, how := range []string{"deadline", "cancel"} {
			t.Run(d.name+"/"+how, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				s := newSession(t, trusting(nettest.NewCA()))
				quiet := make(chan struct{})
				srv := nettest.NewServer(t, func(c *nettest.Conn) {
					c.ReadBody(1)
					close(quiet)
					c.WaitClose()
				})
				a, want := giveUp(t, how, quiet, func(ctx context.Context) answer {
					return d.do(ctx, s, call{url: "https://" + srv.Addr()})
				})
				if neterr.CodeOf(a.err) != want {
					t.Errorf("got %v, want %v", a.err, want)
				}
				wantUsable(t, t.Context(), s, d)
			})
		}
	}
}

// giveUp runs do under a context that ends after quiet was closed, and checks that
// do returns at once. It returns the code that the error must have.
func giveUp(t *testing.T, how string, quiet <-chan struct{}, do func(context.Context) answer) (answer, neterr.Code) {
	t.Helper()
	want, std := neterr.Aborted, context.Canceled
	var ctx context.Context
	var cancel context.CancelFunc
	if how == "deadline" {
		want, std = neterr.TimedOut, context.DeadlineExceeded
		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	} else {
		ctx, cancel = context.WithCancel(t.Context())
		go func() { <-quiet; cancel() }()
	}
	defer cancel()
	a := do(ctx)
	over := time.Now()
	if deadline, ok := ctx.Deadline(); ok {
		if late := over.Sub(deadline); late > 2*time.Second {
			t.Errorf("returned %v after the deadline", late)
		}
	}
	select {
	case <-quiet:
	case <-time.After(never):
		t.Fatal("the server was not reached")
	}
	if !errors.Is(a.err, std) {
		t.Errorf("got %v, which is no %v", a.err, std)
	}
	return a, want
}

func TestRefused(t *testing.T) {
	closed := fmt.Sprintf("127.0.0.1:%d", nettest.FreePort(t))
	for _, tt := range []struct {
		name, url string
		want      neterr.Code
	}{
		{"nobody listens", "http://" + closed, neterr.ConnectionRefused},
		{"nobody listens, https", "https://" + closed, neterr.ConnectionRefused},
		{"no such host", "http://no-such-host.invalid/", neterr.NameNotResolved},
		{"no such host, https", "https://no-such-host.invalid/", neterr.NameNotResolved},
		{"restricted port", "http://127.0.0.1:6667/", neterr.UnsafePort},
		{"restricted port, https", "https://127.0.0.1:22/", neterr.UnsafePort},
		{"port 0", "http://127.0.0.1:0/", neterr.UnsafePort},
		{"unknown scheme", "gopher://127.0.0.1/", neterr.UnknownURLScheme},
	} {
		for _, d := range doors {
			t.Run(tt.name+"/"+d.name, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				s := newSession(t, trusting(nettest.NewCA()))
				if a := d.do(t.Context(), s, call{url: tt.url}); neterr.CodeOf(a.err) != tt.want {
					t.Errorf("got %v, want %v", a.err, tt.want)
				}
				wantUsable(t, t.Context(), s, d)
			})
		}
	}
}

func TestBadTLS(t *testing.T) {
	ca, other := nettest.NewCA(), nettest.NewCA()
	with := func(cert stdtls.Certificate) *stdtls.Config {
		return &stdtls.Config{Certificates: []stdtls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	}
	aged := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-50*time.Minute), time.Now().Add(-30*time.Minute)
	}
	unborn := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(12 * time.Hour) }
	old := ca.Config("127.0.0.1")
	old.MaxVersion = stdtls.VersionTLS11
	old.MinVersion = stdtls.VersionTLS10

	onTLS := func(config *stdtls.Config) func(*testing.T) *nettest.Server {
		return func(t *testing.T) *nettest.Server {
			return nettest.NewTLSServer(t, config, nettest.Respond(okResponse))
		}
	}
	onTCP := func(serve func(*nettest.Conn)) func(*testing.T) *nettest.Server {
		return func(t *testing.T) *nettest.Server {
			return nettest.NewServer(t, func(c *nettest.Conn) { c.ReadBody(5); serve(c) })
		}
	}
	for _, tt := range []struct {
		name   string
		server func(*testing.T) *nettest.Server
		want   neterr.Code
	}{
		{"unknown authority", onTLS(other.Config("127.0.0.1")), neterr.CertAuthorityInvalid},
		{"expired", onTLS(with(ca.IssueWith(aged, "127.0.0.1"))), neterr.CertDateInvalid},
		{"not valid yet", onTLS(with(ca.IssueWith(unborn, "127.0.0.1"))), neterr.CertDateInvalid},
		{"wrong name", onTLS(ca.Config("other.test")), neterr.CertCommonNameInvalid},
		{"no common version", onTLS(old), neterr.SSLVersionOrCipherMismatch},
		{"plain HTTP", onTCP(held("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")), neterr.SSLProtocolError},
		{"garbage", onTCP(held("\x16\x03\x03\x00\x05garbage in the handshake")), neterr.SSLProtocolError},
		{"unknown alert", onTCP(held("\x15\x03\x03\x00\x02\x02\xf0")), neterr.SSLProtocolError},
		{"closes in the handshake", onTCP(raw("")), neterr.ConnectionClosed},
		{"closes in a record", onTCP(raw("\x16\x03\x03\x40")), neterr.ConnectionClosed},
		{"resets in the handshake", onTCP(func(c *nettest.Conn) { c.Reset() }), neterr.ConnectionReset},
	} {
		for _, d := range doors {
			t.Run(tt.name+"/"+d.name, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				s := newSession(t, trusting(ca))
				srv := tt.server(t)
				_, port, _ := net.SplitHostPort(srv.Addr())
				if a := d.do(t.Context(), s, call{url: "https://127.0.0.1:" + port}); neterr.CodeOf(a.err) != tt.want {
					t.Errorf("got %v (body %q), want %v", a.err, a.body, tt.want)
				}
				wantUsable(t, t.Context(), s, d)
			})
		}
	}
}
