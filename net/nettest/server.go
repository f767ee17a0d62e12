package nettest

import (
	"bufio"
	stdtls "crypto/tls"
	"net"
	"sync"
	"testing"
)

// A Server is a scripted peer on a real loopback socket: each connection runs a
// handler that reads and writes bytes as it likes, within the protocol or not.
// It closes with the test.
type Server struct {
	ln     net.Listener
	config *stdtls.Config // nil speaks plain TCP
	handle func(*Conn)
	tasks  sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	closed   bool
	accepted int
	most     int
}

// NewServer listens on a free port of 127.0.0.1 and runs handle for each connection,
// on a goroutine of its own; the connection is closed when handle returns. The
// handler must not call t.FailNow; errors on a connection the client left are
// usual, and ignoring them is fine.
//
// When the test ends, all connections are closed, which ends what a handler waits
// for, and the handlers are waited for.
func NewServer(t testing.TB, handle func(*Conn)) *Server {
	t.Helper()
	return start(t, nil, handle)
}

// NewTLSServer is [NewServer] with a TLS handshake before the handler; a connection
// whose handshake fails ends without reaching it. See [CA.Config].
func NewTLSServer(t testing.TB, config *stdtls.Config, handle func(*Conn)) *Server {
	t.Helper()
	return start(t, config, handle)
}

// Respond is a handler that answers every request without a body by the same bytes,
// until the client closes.
func Respond(raw string) func(*Conn) {
	return func(c *Conn) {
		for {
			if _, err := c.ReadHead(); err != nil {
				return
			}
			if err := c.Print(raw); err != nil {
				return
			}
		}
	}
}

// Addr returns the host and port that the server listens at.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Port returns the port alone.
func (s *Server) Port() uint16 { return s.ln.Addr().(*net.TCPAddr).AddrPort().Port() }

// URL returns "http://127.0.0.1:port", or https for a TLS server, without a path.
func (s *Server) URL() string {
	if s.config != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// Accepted returns how many connections were made until now.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Open returns how many connections are open: those whose handler has not returned.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// MaxOpen returns the most connections that were ever open at once.
func (s *Server) MaxOpen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Close stops listening, closes every connection and waits for the handlers. It may
// be called more than once, but not by a handler.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	var conns []net.Conn
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	s.ln.Close()
	for _, c := range conns {
		c.Close()
	}
	s.tasks.Wait()
}

func start(t testing.TB, config *stdtls.Config, handle func(*Conn)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("nettest: listen: %v", err)
	}
	s := &Server{ln: ln, config: config, handle: handle, conns: make(map[net.Conn]struct{})}
	s.tasks.Go(s.accept)
	t.Cleanup(s.Close)
	return s
}

func (s *Server) accept() {
	for {
		raw, err := s.ln.Accept()
		if err != nil {
			return
		}
		if !s.add(raw) {
			raw.Close()
			return
		}
		s.tasks.Go(func() { s.serve(raw) })
	}
}

func (s *Server) serve(raw net.Conn) {
	defer s.remove(raw)
	defer raw.Close()
	c := &Conn{Conn: raw, raw: raw.(*net.TCPConn)}
	if s.config != nil {
		secure := stdtls.Server(raw, s.config)
		if secure.Handshake() != nil {
			return
		}
		c.Conn = secure
	}
	c.r = bufio.NewReader(c.Conn)
	s.handle(c)
	c.Close() // says goodbye over TLS, which closing raw does not
}

func (s *Server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	s.accepted++
	s.most = max(s.most, len(s.conns))
	return true
}

func (s *Server) remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}
