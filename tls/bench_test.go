package tls_test

import (
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
)

// BenchmarkHandshake compares handshakes with crypto/tls's, full and resumed, against
// a server in a process of its own: cpu-µs/op is all that this one used, made ahead or
// not, and ns/op how long a connection took. ahead lets the stock fill in between,
// as it does while a program is idle.
func BenchmarkHandshake(b *testing.B) {
	ca := nettest.NewCA()
	addr := benchServer(b, ca)
	host := "localhost"
	b.Run("crypto/tls/full", func(b *testing.B) {
		cfg := &stdtls.Config{ServerName: host, RootCAs: ca.Pool(), NextProtos: []string{"h2", "http/1.1"}}
		benchHandshakes(b, addr, nil, func(c net.Conn) (net.Conn, error) { return stdtls.Client(c, cfg), nil })
	})
	b.Run("crypto/tls/resumed", func(b *testing.B) {
		cfg := &stdtls.Config{
			ServerName: host, RootCAs: ca.Pool(), NextProtos: []string{"h2", "http/1.1"},
			ClientSessionCache: stdtls.NewLRUClientSessionCache(4),
		}
		benchHandshakes(b, addr, nil, func(c net.Conn) (net.Conn, error) { return stdtls.Client(c, cfg), nil })
	})
	for name, cfg := range map[string]tls.Config{
		"kaon/full":    {Verifier: verifier(ca), SessionCacheSize: -1},
		"kaon/resumed": {Verifier: verifier(ca)},
	} {
		for _, ahead := range []bool{false, true} {
			client := newClient(b, cfg)
			sub, idle := name, func() {}
			if ahead {
				sub, idle = name+"/ahead", client.AwaitStock
			}
			b.Run(sub, func(b *testing.B) {
				r := &tls.Request{Host: host, Port: 443}
				benchHandshakes(b, addr, idle, func(c net.Conn) (net.Conn, error) { return client.Handshake(b.Context(), c, r) })
			})
			client.Close()
		}
	}
}

func benchHandshakes(b *testing.B, addr string, idle func(), shake func(net.Conn) (net.Conn, error)) {
	one := func() {
		raw, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		conn, err := shake(raw)
		if err == nil {
			_, err = conn.Read(make([]byte, 1)) // brings tickets along
		}
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		conn.Close()
		if idle != nil {
			idle()
		}
	}
	one()
	b.ReportAllocs()
	b.ResetTimer()
	b.StopTimer()
	before := cpuTime()
	for range b.N {
		one()
	}
	b.ReportMetric(float64(cpuTime()-before)/1e3/float64(b.N), "cpu-µs/op")
}

const benchServerEnv = "KAON_TLS_BENCH_SERVER"

// benchServer runs this test binary again as the server.
func benchServer(b *testing.B, ca *nettest.CA) string {
	if runtime.GOOS == "windows" {
		b.Skip("no CPU times of a process")
	}
	chain, key := ca.IssuePEM("localhost")
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServer$")
	cmd.Env = append(os.Environ(), benchServerEnv+"="+string(chain)+string(key))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	line := make([]byte, 256)
	n, err := out.Read(line)
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(string(line[:n]))
}

// TestBenchServer is the server of BenchmarkHandshake, and nothing else.
func TestBenchServer(t *testing.T) {
	pem := os.Getenv(benchServerEnv)
	if pem == "" {
		return
	}
	cert, err := stdtls.X509KeyPair([]byte(pem), []byte(pem))
	if err != nil {
		t.Fatal(err)
	}
	l, err := stdtls.Listen("tcp", "127.0.0.1:0", &stdtls.Config{Certificates: []stdtls.Certificate{cert}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString(l.Addr().String() + "\n")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		go func() {
			defer c.Close()
			_, _ = c.Write([]byte("x"))
			_, _ = io.Copy(io.Discard, c)
		}()
	}
}
