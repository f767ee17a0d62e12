package main

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"

	"github.com/kaon-net/kaon/net/nettest"
)

// The origin is this program run once more. Over HTTP/1.1 it speaks just enough to
// answer GETs from prepared bytes, so that it needs less CPU than any client and the
// client is what is measured.

const (
	originEnv     = "KAON_BENCH_ORIGIN"
	serverCoreEnv = "KAON_BENCH_SERVER_CORE" // the processor it gets, if any
)

// isOrigin reports whether this process is to be the server.
func isOrigin() bool { return os.Getenv(originEnv) != "" }

// serveOrigin prints where it listens and serves until standard input ends, which it
// does with the process that started it, however that goes.
func serveOrigin() error {
	if core, err := strconv.Atoi(os.Getenv(serverCoreEnv)); err == nil {
		pin(core)
	}
	ca := nettest.NewCA()
	hello := announcement{URLs: map[string]string{}, CA: ca.PEM()}
	for _, proto := range []string{h1, h1TLS, h2} {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		switch proto {
		case h1:
			hello.URLs[proto] = "http://127.0.0.1:" + port
			go serveRaw(ln)
		case h1TLS:
			hello.URLs[proto] = "https://localhost:" + port
			go serveRaw(ca.Listener(ln, "localhost"))
		case h2:
			hello.URLs[proto] = "https://localhost:" + port
			srv := &http.Server{Handler: http.HandlerFunc(serveStd), TLSConfig: ca.Config("localhost")}
			srv.TLSConfig.NextProtos = nil // std adds what it speaks
			go srv.ServeTLS(ln, "", "")
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(hello); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// An announcement is what the server tells its client, on one line.
type announcement struct {
	URLs map[string]string // by protocol
	CA   []byte            // PEM
}

func serveRaw(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go serveConn(c)
	}
}

// serveStd answers the same over HTTP/2, by net/http's server: whatever its share is,
// both clients meet it.
func serveStd(w http.ResponseWriter, r *http.Request) {
	size, mime := 0, "application/json"
	switch r.URL.Path {
	case "/small":
		size = smallSize
	case "/big":
		size, mime = bigSize, "application/octet-stream"
	default:
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(size))
	h.Set("Cache-Control", "no-store")
	h.Set("Etag", `"5f3759df-64"`)
	h.Set("Server", "bench")
	for ; size > 0; size -= min(size, len(bigChunk)) {
		if _, err := w.Write(bigChunk[:min(size, len(bigChunk))]); err != nil {
			return
		}
	}
}

var (
	smallResponse = append(head(smallSize, "application/json"), bytes.Repeat([]byte("x"), smallSize)...)
	bigHead       = head(bigSize, "application/octet-stream")
	bigChunk      = make([]byte, 256<<10) // bigSize is a multiple of it
	notFound      = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

func head(size int, mime string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n"+
		"Date: Mon, 02 Jan 2026 15:04:05 GMT\r\n"+
		"Content-Type: %s\r\n"+
		"Content-Length: %d\r\n"+
		"Cache-Control: no-store\r\n"+
		"Etag: \"5f3759df-64\"\r\n"+
		"Server: bench\r\n\r\n", mime, size)
}

// serveConn answers requests without bodies, one after the other.
func serveConn(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 8<<10)
	for {
		first := true
		var answer func(net.Conn) error
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if first {
				first, answer = false, route(line)
			} else if len(line) <= 2 {
				break
			}
		}
		if answer(c) != nil {
			return
		}
	}
}

func route(line []byte) func(net.Conn) error {
	switch {
	case bytes.HasPrefix(line, []byte("GET /small ")):
		return answerSmall
	case bytes.HasPrefix(line, []byte("GET /big ")):
		return answerBig
	}
	return answerNotFound
}

func answerSmall(c net.Conn) error {
	_, err := c.Write(smallResponse)
	return err
}

func answerBig(c net.Conn) error {
	if _, err := c.Write(bigHead); err != nil {
		return err
	}
	for range bigSize / len(bigChunk) {
		if _, err := c.Write(bigChunk); err != nil {
			return err
		}
	}
	return nil
}

func answerNotFound(c net.Conn) error {
	_, err := c.Write(notFound)
	return err
}

// An origin is the server's process seen from the client's.
type origin struct {
	urls  map[string]string // by protocol
	roots *x509.CertPool
	cmd   *exec.Cmd
	stdin io.Closer
}

// startOrigin runs this program, or test binary, as the server. It gets one thread
// to run Go on: the other processors are the client's.
func startOrigin() (*origin, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), originEnv+"=1", "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	o := &origin{cmd: cmd, stdin: stdin}
	var hello announcement
	if err := json.NewDecoder(stdout).Decode(&hello); err != nil {
		o.stop()
		return nil, fmt.Errorf("origin gave no address: %w", err)
	}
	o.urls, o.roots = hello.URLs, x509.NewCertPool()
	o.roots.AppendCertsFromPEM(hello.CA)
	return o, nil
}

// stop ends the server and waits for it.
func (o *origin) stop() {
	o.stdin.Close()
	o.cmd.Wait()
}

// canned is a body of so many zero bytes, given as fast as they can be counted.
type canned int64

func (b *canned) Read(p []byte) (int, error) {
	if *b == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), int64(*b))
	*b -= canned(n)
	return int(n), nil
}

func (b *canned) Close() error { return nil }
