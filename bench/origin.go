package main

import (
	"bufio"
	stdtls "crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

// The origin is this program run once more. It speaks just enough of each protocol to
// answer from prepared bytes, so that it needs less CPU than any client and the client
// is what is measured. It counts what it answers: a response that came from elsewhere,
// such as a cache, shows.

const (
	originEnv     = "KAON_BENCH_ORIGIN"
	serverCoreEnv = "KAON_BENCH_SERVER_CORE" // the processor it gets, if any
	spinEnv       = "KAON_BENCH_SPIN"        // set if it may keep that busy
)

// isOrigin reports whether this process is to be the server.
func isOrigin() bool { return os.Getenv(originEnv) != "" }

// An announcement is what the server tells its client, on one line.
type announcement struct {
	URLs map[string]string // by protocol
	CA   []byte            // PEM
}

// A tally is what the server has done until now. It tells on each line it is sent.
type tally struct {
	Requests, Conns int64
	CPU             time.Duration
}

func (t tally) since(before tally) tally {
	return tally{t.Requests - before.Requests, t.Conns - before.Conns, t.CPU - before.CPU}
}

// serveOrigin prints where it listens and serves until standard input ends, which it
// does with the process that started it, however that goes.
func serveOrigin() error {
	if core, err := strconv.Atoi(os.Getenv(serverCoreEnv)); err == nil {
		pin(core)
	}
	ca := nettest.NewCA()
	hello := announcement{URLs: map[string]string{}, CA: ca.PEM()}
	s := &server{spin: pinned() && os.Getenv(spinEnv) != ""}
	for _, proto := range []string{h1, h1TLS, h2} {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		cfg := ca.Config("localhost")
		cfg.DynamicRecordSizingDisabled = true // large records are the cheaper ones
		hello.URLs[proto] = "https://localhost:" + port
		serve := s.serveH1
		switch proto {
		case h1:
			hello.URLs[proto] = "http://127.0.0.1:" + port
			cfg = nil
		case h2:
			cfg.NextProtos = []string{"h2"}
			serve = s.serveH2
		}
		go s.accept(ln, cfg, serve)
	}
	url, err := s.listenH3(ca)
	if err != nil {
		return err
	}
	hello.URLs[h3Proto] = url
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(hello); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if err := out.Encode(tally{s.requests.Load(), s.conns.Load(), cpuTime()}); err != nil {
			return err
		}
	}
	return nil
}

// A server counts for all protocols.
type server struct {
	requests, conns atomic.Int64
	open            atomic.Int64 // connections
	spin            bool
}

// accept serves each connection on a goroutine, over TLS if there is a cfg.
func (s *server) accept(ln net.Listener, cfg *stdtls.Config, serve func(net.Conn, *cork)) {
	for {
		raw, err := ln.Accept()
		if err != nil {
			return
		}
		s.conns.Add(1)
		go func() {
			s.open.Add(1)
			defer s.open.Add(-1)
			c := &cork{Conn: raw}
			if s.spin {
				c.raw, _ = raw.(*net.TCPConn).SyscallConn()
				c.open = &s.open
			}
			if cfg == nil {
				defer c.Close()
				serve(c, c)
				return
			}
			conn := stdtls.Server(c, cfg)
			defer conn.Close()
			if conn.Handshake() == nil {
				c.hold = true
				serve(conn, c)
			}
		}()
	}
}

// A cork holds back what is written until flush, so that crypto/tls, which writes each
// record alone, does not cost the server a system call for every 16 KiB. It is one
// goroutine's.
type cork struct {
	net.Conn
	hold bool // false: nothing is held back
	held []byte

	raw  syscall.RawConn // to spin on; nil: do not
	open *atomic.Int64   // the server's connections
}

const spinTime = 200 * time.Microsecond

// Read spins before it sleeps while each client has no more than one connection: with
// one request at a time, how long the system takes to wake a processor would else be
// half of what is measured. With more there is always one to serve.
func (c *cork) Read(p []byte) (int, error) {
	if c.raw != nil && c.open.Load() <= 2 {
		if n := await(c.raw, p, spinTime); n > 0 {
			return n, nil
		}
	}
	return c.Conn.Read(p)
}

func (c *cork) Write(p []byte) (int, error) {
	if !c.hold {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *cork) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}

func (c *cork) Close() error {
	c.flush()
	return c.Conn.Close()
}

// An origin is the server's process seen from the client's.
type origin struct {
	urls  map[string]string // by protocol
	roots *x509.CertPool
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *json.Decoder
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
	o := &origin{cmd: cmd, in: stdin, out: json.NewDecoder(stdout), roots: x509.NewCertPool()}
	var hello announcement
	if err := o.out.Decode(&hello); err != nil {
		o.stop()
		return nil, fmt.Errorf("origin gave no address: %w", err)
	}
	o.urls = hello.URLs
	o.roots.AppendCertsFromPEM(hello.CA)
	return o, nil
}

// tally asks the server what it has done.
func (o *origin) tally() (tally, error) {
	if _, err := io.WriteString(o.in, "\n"); err != nil {
		return tally{}, fmt.Errorf("origin is gone: %w", err)
	}
	var t tally
	if err := o.out.Decode(&t); err != nil {
		return tally{}, fmt.Errorf("origin gave no tally: %w", err)
	}
	return t, nil
}

// stop ends the server and waits for it.
func (o *origin) stop() {
	o.in.Close()
	o.cmd.Wait()
}
