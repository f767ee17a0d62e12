package tls_test

import (
	"context"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

func TestRefusedCertificates(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-30*time.Minute), time.Now().Add(-time.Minute)
	}
	for _, c := range []struct {
		name string
		cert stdtls.Certificate
		want neterr.Code
	}{
		{"unknown authority", nettest.NewCA().Issue(host), neterr.CertAuthorityInvalid},
		{"wrong name", ca.Issue("other.test"), neterr.CertCommonNameInvalid},
		{"expired", ca.IssueWith(expired, host), neterr.CertDateInvalid},
		{"expired and wrong name", ca.IssueWith(expired, "other.test"), neterr.CertCommonNameInvalid},
		{"for clients", ca.IssueWith(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, host), neterr.CertInvalid},
	} {
		for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
			t.Run(c.name+", "+stdtls.VersionName(version), func(t *testing.T) {
				s := serveTLS(t, &stdtls.Config{Certificates: []stdtls.Certificate{c.cert}, MaxVersion: version})
				err := s.refused(t, newClient(t, tls.Config{Verifier: verifier(ca)}), s.request())
				var e *neterr.Error
				if !errors.As(err, &e) || e.Code != c.want {
					t.Errorf("got %v, want %v", err, c.want)
				}
				// The server knows, and never saw a handshake or data.
				se := <-s.done
				if se.err == nil || se.data.Len() != 0 {
					t.Errorf("server: got handshake error %v and %d bytes, want an error and none", se.err, se.data.Len())
				}
			})
		}
	}
}

// While the verdict is out, the server has no handshake and so cannot take or send
// anything.
func TestNothingBeforeVerdict(t *testing.T) {
	ca := nettest.NewCA()
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		shaken := make(chan error, 1)
		s := serve(t, func(c net.Conn, se *session) {
			conn := stdtls.Server(c, &stdtls.Config{Certificates: certificate(ca), MaxVersion: version})
			shaken <- conn.Handshake()
			_, _ = io.Copy(conn, conn)
		})
		asked, answer := make(chan struct{}), make(chan struct{})
		v := certverify.New(certverify.Config{Roots: ca.Pool(), Now: func() time.Time {
			close(asked)
			<-answer
			return time.Now()
		}})
		made := make(chan *tls.Conn)
		client, raw := newClient(t, tls.Config{Verifier: v}), s.dial(t)
		go func() {
			conn, err := client.Handshake(t.Context(), raw, s.request())
			if err != nil {
				t.Errorf("handshake: %v", err)
			}
			made <- conn
		}()
		<-asked
		select {
		case err := <-shaken:
			t.Errorf("%s: the server's handshake ended before the verdict: %v", stdtls.VersionName(version), err)
		case <-made:
			t.Errorf("%s: there is a connection before the verdict", stdtls.VersionName(version))
		default:
		}
		close(answer)
		if conn := <-made; conn != nil {
			echo(t, conn)
			conn.Close()
		}
	}
}

// sending is a server that answers a hello with b and says no more.
func sending(b string) func(net.Conn, *session) {
	return func(c net.Conn, _ *session) {
		_, _ = io.ReadFull(c, make([]byte, 1900)) // all but little of a hello
		_, _ = io.WriteString(c, b)
		_ = c.(recorder).Conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
}

// alerting is a server that answers a hello with a fatal alert.
func alerting(n byte) func(net.Conn, *session) {
	return sending("\x15\x03\x03\x00\x02\x02" + string([]byte{n}))
}

func TestBadServers(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	shake := func(cfg *stdtls.Config) func(net.Conn, *session) {
		cfg.Certificates = certificate(ca)
		return func(c net.Conn, se *session) { se.err = stdtls.Server(c, cfg).Handshake() }
	}
	for _, c := range []struct {
		name   string
		handle func(net.Conn, *session)
		want   neterr.Code
	}{
		{"handshake_failure", alerting(40), neterr.SSLVersionOrCipherMismatch},
		{"protocol_version", alerting(70), neterr.SSLVersionOrCipherMismatch},
		{"insufficient_security", alerting(71), neterr.SSLVersionOrCipherMismatch},
		{"unrecognized_name", alerting(112), neterr.SSLUnrecognizedNameAlert},
		{"decrypt_error", alerting(51), neterr.SSLDecryptErrorAlert},
		{"bad_record_mac", alerting(20), neterr.SSLBadRecordMACAlert},
		{"internal_error", alerting(80), neterr.SSLProtocolError},
		{"unknown alert", alerting(200), neterr.SSLProtocolError},
		{"close_notify", sending("\x15\x03\x03\x00\x02\x01\x00"), neterr.ConnectionClosed},
		{"HTTP", sending("HTTP/1.1 400 Bad Request\r\n\r\n"), neterr.SSLProtocolError},
		{"noise", sending("\x00\xff\x00\xff\x00\xff\x00\xff"), neterr.SSLProtocolError},
		{"record too long", sending("\x16\x03\x03\xff\xff" + string(make([]byte, 100))), neterr.SSLProtocolError},
		{"half a record", sending("\x16\x03\x03\x00\x50half"), neterr.ConnectionClosed},
		{"huge message", sending("\x16\x03\x03\x00\x04\x02\xff\xff\xff"), neterr.SSLProtocolError},
		{"empty ServerHello", sending("\x16\x03\x03\x00\x04\x02\x00\x00\x00"), neterr.SSLProtocolError},
		{"data instead of ServerHello", sending("\x17\x03\x03\x00\x01x"), neterr.SSLProtocolError},
		{"a cipher suite that was not offered", sending(serverHello(0x0005, "")), neterr.SSLProtocolError}, // RC4
		{"NULL cipher", sending(serverHello(0x003b, "")), neterr.SSLProtocolError},
		{"a protocol that was not offered", sending(serverHello(0xc02b, "\x00\x10\x00\x06\x00\x04\x03foo")), neterr.SSLProtocolError},
		{"TLS 1.0 chosen", sending("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + string(make([]byte, 32)) + "\x00\xc0\x13\x00"), neterr.SSLVersionOrCipherMismatch},
		{"warnings without end", sending(warnings(100)), neterr.SSLProtocolError},
		{"closes after the hello", sending(""), neterr.ConnectionClosed},
		{"closes at once", func(c net.Conn, _ *session) {
			_ = c.(recorder).Conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}, neterr.ConnectionClosed},
		{"resets", func(c net.Conn, _ *session) {
			_, _ = io.ReadFull(c, make([]byte, 1))
			_ = c.(recorder).Conn.(*net.TCPConn).SetLinger(0)
		}, neterr.ConnectionReset},
		{"TLS 1.0 alone", shake(&stdtls.Config{MinVersion: stdtls.VersionTLS10, MaxVersion: stdtls.VersionTLS10}), neterr.SSLVersionOrCipherMismatch},
		{"no common cipher suite", shake(&stdtls.Config{MaxVersion: stdtls.VersionTLS12, CipherSuites: []uint16{stdtls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256}}), neterr.SSLVersionOrCipherMismatch},
		{"downgrade", shake(&stdtls.Config{MaxVersion: stdtls.VersionTLS12, Rand: downgrading{}}), neterr.TLS13DowngradeDetected},
		{"no certificate at all", func(c net.Conn, se *session) {
			garbage := stdtls.Certificate{Certificate: [][]byte{[]byte("garbage")}, PrivateKey: certificate(ca)[0].PrivateKey}
			se.err = stdtls.Server(c, &stdtls.Config{Certificates: []stdtls.Certificate{garbage}}).Handshake()
		}, neterr.SSLServerCertBadFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.handle)
			err := s.refused(t, newClient(t, tls.Config{Verifier: verifier(ca)}), s.request())
			var e *neterr.Error
			if !errors.As(err, &e) || e.Code != c.want || e.Op != "tls handshake" || e.Addr == "" {
				t.Errorf("got %v, want %v of tls handshake", err, c.want)
			}
		})
	}
}

// serverHello chooses TLS 1.2 and a cipher suite.
func serverHello(suite uint16, extensions string) string {
	body := "\x03\x03" + string(make([]byte, 32)) + "\x00" + string([]byte{byte(suite >> 8), byte(suite)}) + "\x00"
	if extensions != "" {
		body += string([]byte{0, byte(len(extensions))}) + extensions
	}
	msg := "\x02\x00\x00" + string([]byte{byte(len(body))}) + body
	return "\x16\x03\x03\x00" + string([]byte{byte(len(msg))}) + msg
}

// warnings is n alerts that end nothing.
func warnings(n int) string {
	var b []byte
	for range n {
		b = append(b, "\x15\x03\x03\x00\x02\x01\x5a"...) // user_canceled
	}
	return string(b)
}

// downgrading is randomness for a server that could do TLS 1.3 and was kept from it
// (RFC 8446 section 4.1.3).
type downgrading struct{}

func (downgrading) Read(b []byte) (int, error) {
	_, _ = rand.Read(b)
	if len(b) == 32 {
		copy(b[24:], "DOWNGRD\x01")
	}
	return len(b), nil
}

func TestServerStalls(t *testing.T) {
	nettest.CheckGoroutines(t)
	s := serve(t, func(c net.Conn, _ *session) { _, _ = io.Copy(io.Discard, c) })
	client := newClient(t, tls.Config{})

	_, err := client.Handshake(deadline(t, 50*time.Millisecond), s.dial(t), s.request())
	if !errors.Is(err, neterr.TimedOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: got %v, want %v", err, neterr.TimedOut)
	}
	<-s.done // the socket is closed

	ctx, cancel := context.WithCancel(t.Context())
	raw := cancelOnWrite{s.dial(t), cancel}
	_, err = client.Handshake(ctx, raw, s.request())
	if !errors.Is(err, neterr.Aborted) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancel: got %v, want %v", err, neterr.Aborted)
	}
	<-s.done

	_, err = client.Handshake(ctx, s.dial(t), s.request())
	if !errors.Is(err, neterr.Aborted) {
		t.Errorf("cancelled before: got %v, want %v", err, neterr.Aborted)
	}
	if se := <-s.done; se.wire.Len() != 0 {
		t.Errorf("cancelled before: %d bytes were sent", se.wire.Len())
	}
}

type cancelOnWrite struct {
	net.Conn
	cancel func()
}

func (c cancelOnWrite) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.cancel()
	return n, err
}

// A server that stops after any number of bytes, within whichever message, costs no
// more than the timer.
func TestTimerEndsStalls(t *testing.T) {
	for version, limits := range map[uint16][]int{
		stdtls.VersionTLS12: {0, 1, 5, 60, 100, 500, 900, 1000, 1060},
		stdtls.VersionTLS13: {0, 1, 5, 60, 1200, 1300, 1500, 2000},
	} {
		for _, limit := range limits {
			synctest.Test(t, func(t *testing.T) {
				ca := nettest.NewCA()
				near, far := net.Pipe()
				done := make(chan struct{})
				go func() {
					defer close(done)
					cfg := &stdtls.Config{Certificates: certificate(ca), MaxVersion: version}
					_ = stdtls.Server(&stallingConn{far, limit}, cfg).Handshake()
				}()
				start := time.Now()
				_, err := newClient(t, tls.Config{Verifier: verifier(ca)}).Handshake(t.Context(), near, &tls.Request{Host: host, Port: 443})
				if took := time.Since(start); !errors.Is(err, neterr.TimedOut) || took != 30*time.Second {
					t.Errorf("%s after %d bytes: got %v in %v, want %v in 30s", stdtls.VersionName(version), limit, err, took, neterr.TimedOut)
				}
				far.Close()
				<-done
			})
		}
	}
}

// A stallingConn keeps all but the first bytes to itself.
type stallingConn struct {
	net.Conn
	left int
}

func (c *stallingConn) Write(b []byte) (int, error) {
	n := min(c.left, len(b))
	c.left -= n
	if n > 0 {
		if _, err := c.Conn.Write(b[:n]); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// The program's verdict may take longer than a handshake.
func TestTimerSparesVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := nettest.NewCA()
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn := stdtls.Server(far, &stdtls.Config{Certificates: certificate(ca)})
			_, _ = io.Copy(conn, conn)
		}()
		slow := certverify.New(certverify.Config{Roots: ca.Pool(), Now: func() time.Time {
			time.Sleep(5 * time.Minute)
			return time.Now()
		}})
		conn, err := newClient(t, tls.Config{Verifier: slow}).Handshake(t.Context(), near, &tls.Request{Host: host, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the timer is no more
		echo(t, conn)
		conn.Close()
		<-done
	})
}
