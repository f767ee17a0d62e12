package tls_test

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A rigCase is a real server and what comes of a handshake with it.
type rigCase struct {
	name string
	rig  func(t *testing.T) *nettest.Rig
	ssl  tls.SSLConfig
	cert *tls.ClientCertificate // what to show; see choice
	none bool                   // show none
	want neterr.Code
}

func TestRealServers(t *testing.T) {
	ca, users := nettest.NewCA(), nettest.NewCA()
	rsaCert, rsaRoot := rsaPEM(t)
	openssl := func(args ...string) func(*testing.T) *nettest.Rig {
		return func(t *testing.T) *nettest.Rig {
			return nettest.OpenSSL(t, nettest.OpenSSLConfig{
				CA: ca, Args: args, Files: map[string][]byte{"users.pem": users.PEM()},
			})
		}
	}
	opensslRSA := func(args ...string) func(*testing.T) *nettest.Rig {
		return func(t *testing.T) *nettest.Rig {
			return nettest.OpenSSL(t, nettest.OpenSSLConfig{Leaf: rsaCert, Key: rsaCert, Args: args})
		}
	}
	long := func(t *testing.T) *nettest.Rig {
		return nettest.OpenSSL(t, nettest.OpenSSLConfig{CA: ca, Chain: []byte(strings.Repeat(string(ca.PEM()), 900))})
	}
	nginx := func(server string) func(*testing.T) *nettest.Rig {
		return func(t *testing.T) *nettest.Rig {
			return nettest.Nginx(t, nettest.NginxConfig{
				CA: ca, Server: server, Files: map[string][]byte{"users.pem": users.PEM()},
			})
		}
	}
	const anyCipher = "ssl_ciphers ALL:@SECLEVEL=0;"
	const asksUser = "ssl_client_certificate www/users.pem; ssl_verify_client on;"
	tls1 := tls.SSLConfig{MinVersion: "tls1"}
	me := user(users)
	for _, c := range []rigCase{
		{name: "openssl, TLS 1.3", rig: openssl("-tls1_3")},
		{name: "openssl, TLS 1.2", rig: openssl("-tls1_2")},
		{name: "openssl, TLS 1.1", rig: openssl("-tls1_1"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "openssl, TLS 1.0", rig: openssl("-tls1"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "openssl, TLS 1.0, allowed", rig: opensslRSA("-tls1"), ssl: tls1},
		{name: "openssl, TLS 1.1, allowed", rig: opensslRSA("-tls1_1"), ssl: tls1},
		{name: "openssl, NULL cipher", rig: opensslRSA("-tls1_2", "-cipher", "NULL:@SECLEVEL=0"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "openssl, anonymous", rig: openssl("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "openssl, finite-field DH", rig: opensslRSA("-tls1_2", "-cipher", "DHE:@SECLEVEL=0"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "openssl, RSA key exchange", rig: opensslRSA("-tls1_2", "-cipher", "AES128-GCM-SHA256")},
		{
			name: "openssl, its one suite disabled", rig: opensslRSA("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
			ssl: tls.SSLConfig{DisabledCipherSuites: []uint16{0x009c}}, want: neterr.SSLVersionOrCipherMismatch,
		},
		{name: "openssl, P-384 after a retry", rig: openssl("-tls1_3", "-groups", "P-384")},
		{name: "openssl, P-521", rig: openssl("-tls1_3", "-groups", "P-521"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "openssl, no common protocol", rig: openssl("-alpn", "gopher"), want: neterr.SSLProtocolError},
		{name: "openssl, oversized chain", rig: long, want: neterr.SSLProtocolError},
		{name: "openssl, TLS 1.3, wants a certificate", rig: openssl("-tls1_3", "-Verify", "1", "-CAfile", "users.pem"), want: neterr.SSLClientAuthCertNeeded},
		{name: "openssl, TLS 1.2, wants a certificate", rig: openssl("-tls1_2", "-Verify", "1", "-CAfile", "users.pem"), want: neterr.SSLClientAuthCertNeeded},
		{name: "openssl, TLS 1.3, gets one", rig: openssl("-tls1_3", "-Verify", "1", "-CAfile", "users.pem"), cert: me},
		{name: "openssl, TLS 1.2, gets one", rig: openssl("-tls1_2", "-Verify", "1", "-CAfile", "users.pem"), cert: me},
		{name: "openssl, TLS 1.3, gets none", rig: openssl("-tls1_3", "-Verify", "1", "-CAfile", "users.pem"), none: true, want: neterr.BadSSLClientAuthCert},
		{name: "openssl, TLS 1.2, gets none", rig: openssl("-tls1_2", "-Verify", "1", "-CAfile", "users.pem"), none: true, want: neterr.BadSSLClientAuthCert},

		{name: "nginx, TLS 1.3", rig: nginx("ssl_protocols TLSv1.3;")},
		{name: "nginx, TLS 1.0", rig: nginx("ssl_protocols TLSv1; " + anyCipher), want: neterr.SSLVersionOrCipherMismatch},
		{name: "nginx, NULL cipher", rig: nginx("ssl_protocols TLSv1.2; ssl_ciphers eNULL:@SECLEVEL=0;"), want: neterr.SSLVersionOrCipherMismatch},
		{name: "nginx, wants a certificate", rig: nginx(asksUser), want: neterr.SSLClientAuthCertNeeded},
		{name: "nginx, gets one", rig: nginx(asksUser), cert: me},
		{name: "nginx, gets none", rig: nginx(asksUser), none: true}, // and says so over HTTP
		{name: "gnutls, RC4", rig: gnutls(rsaCert, "NONE:+VERS-TLS1.0:+ARCFOUR-128:+RSA:+SHA1:+MD5:+COMP-NULL:+SIGN-ALL"), ssl: tls1, want: neterr.SSLVersionOrCipherMismatch},
		{name: "gnutls, 3DES", rig: gnutls(rsaCert, "NONE:+VERS-TLS1.2:+3DES-CBC:+RSA:+SHA1:+COMP-NULL:+SIGN-ALL"), want: neterr.SSLVersionOrCipherMismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			rig := c.rig(t)
			client := newClient(t, tls.Config{
				Verifier: certverify.New(certverify.Config{Roots: ca.Pool(), ExtraRoots: []*x509.Certificate{rsaRoot}}),
				SSL:      c.ssl,
			})
			if c.cert != nil || c.none {
				if err := client.SetClientCertificate("localhost", 443, c.cert); err != nil {
					t.Fatal(err)
				}
			}
			err := get(t, client, rig.HTTPS)
			if got := neterr.CodeOf(err); got != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// tooLong is what no test waits for, unless something is wrong.
const tooLong = 20 * time.Second

// get makes a connection and one request over HTTP/1.1, whose answer is of no
// interest.
func get(t testing.TB, client *tls.Client, addr string) error {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := client.Handshake(deadline(t, tooLong), raw, &tls.Request{Host: "localhost", Port: 443, ALPN: []string{"http/1.1"}})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err = io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// rsaPEM is rsaCertificate for programs: certificate and key in one file.
func rsaPEM(t testing.TB) ([]byte, *x509.Certificate) {
	t.Helper()
	cert, _ := rsaCertificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(cert[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(cert[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), root
}

// gnutls speaks what OpenSSL has forgotten.
func gnutls(cert []byte, priority string) func(*testing.T) *nettest.Rig {
	return func(t *testing.T) *nettest.Rig {
		path := filepath.Join(t.TempDir(), "cert.pem")
		if err := os.WriteFile(path, cert, 0o600); err != nil {
			t.Fatal(err)
		}
		addr, _ := program(t, "gnutls-serv", "gnutls-bin", func(port string) []string {
			return []string{"--http", "-p", port, "--x509certfile", path, "--x509keyfile", path, "--priority", priority}
		})
		return &nettest.Rig{HTTPS: addr}
	}
}

// program runs a server until the test ends. What is written to the result it reads
// from its terminal.
func program(t *testing.T, name, pkg string, args func(port string) []string) (addr string, in io.Writer) {
	t.Helper()
	path := nettest.Program(t, name, pkg)
	port := strconv.Itoa(nettest.FreePort(t))
	cmd := exec.Command(path, args(port)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	addr = net.JoinHostPort("127.0.0.1", port)
	nettest.Eventually(t, name+" accepts", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return addr, in
}

// renegotiating is a server of TLS 1.2 that asks for another handshake when it is
// told "r", and for one with a certificate when it is told "R".
func renegotiating(t *testing.T, ca, users *nettest.CA, protocol string) (string, io.Writer) {
	dir := t.TempDir()
	chain, key := ca.IssuePEM("localhost")
	for name, b := range map[string][]byte{"cert.pem": chain, "key.pem": key, "users.pem": users.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return program(t, "openssl", "openssl", func(port string) []string {
		return []string{
			"s_server", "-accept", "127.0.0.1:" + port, "-tls1_2", "-alpn", protocol,
			"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"), "-CAfile", filepath.Join(dir, "users.pem"),
		}
	})
}

// A secondHandshake notes when the client has written all of it: a hello, and then all
// that follows. Data from the server must not come before.
type secondHandshake struct {
	net.Conn
	begun  atomic.Bool
	writes atomic.Int32
	ended  chan struct{}
}

func (c *secondHandshake) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.begun.Load() && c.writes.Add(1) == 2 {
		close(c.ended)
	}
	return n, err
}

func TestRenegotiation(t *testing.T) {
	ca, users := nettest.NewCA(), nettest.NewCA()
	for _, c := range []struct {
		name, protocol, command string
		cert                    *tls.ClientCertificate
		want                    neterr.Code
	}{
		{name: "HTTP/1.1", protocol: "http/1.1", command: "r\n"},
		{name: "HTTP/1.1 with a certificate", protocol: "http/1.1", command: "R\n", cert: user(users)},
		{name: "HTTP/1.1 without a choice", protocol: "http/1.1", command: "R\n", want: neterr.SSLClientAuthCertNeeded},
		{name: "HTTP/2", protocol: "h2", command: "r\n", want: neterr.SSLProtocolError},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, in := renegotiating(t, ca, users, c.protocol)
			client := newClient(t, tls.Config{Verifier: verifier(ca)})
			if c.cert != nil {
				if err := client.SetClientCertificate("localhost", 443, c.cert); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			noted := &secondHandshake{Conn: raw, ended: make(chan struct{})}
			conn, err := client.Handshake(t.Context(), noted, &tls.Request{Host: "localhost", Port: 443})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(tooLong))
			if got := conn.State().NegotiatedProtocol; got != c.protocol {
				t.Fatalf("got protocol %q, want %q", got, c.protocol)
			}
			noted.begun.Store(true)
			if _, err := io.WriteString(in, c.command); err != nil {
				t.Fatal(err)
			}
			over := make(chan struct{})
			var pong sync.WaitGroup
			pong.Go(func() {
				select {
				case <-noted.ended:
					_, _ = io.WriteString(in, "pong\n")
				case <-over:
				}
			})
			got := make([]byte, 5)
			_, err = io.ReadFull(conn, got)
			close(over)
			pong.Wait()
			if code := neterr.CodeOf(err); code != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && string(got) != "pong\n" {
				t.Errorf("got %q, want pong", got)
			}
		})
	}
}
