//go:build unix

package eager

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A Socket reads and writes a connection, and tells before it waits: what is only
// needed while somebody waits, such as a watch on a context, costs nothing where the
// peer has been quick. One goroutine may read and one write at a time.
type Socket struct {
	raw    syscall.RawConn
	wait   func()
	looker *Looker

	expects bool // the next Read is for an answer
	waits   bool // it is one of the looker's Waiting

	in, out transfer
	read    func(fd uintptr) bool // made once, as a Probe's
	write   func(fd uintptr) bool
}

// A transfer is the Read or Write under way.
type transfer struct {
	fd  uintptr
	p   []byte
	n   int
	err error
}

// NewSocket returns a Socket over nc, or nil if nc is not a socket itself. wait is
// called on the goroutine that is about to wait. A Read that waits is one of l's Waiting.
func NewSocket(nc net.Conn, wait func(), l *Looker) *Socket {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	s := &Socket{raw: raw, wait: wait, looker: l}
	s.read, s.write = s.tryRead, s.tryWrite
	return s
}

// Expect says that the next Read is for the answer to what was just written. The looker
// decides whether it looks for that a few times before it waits.
func (s *Socket) Expect() { s.expects = s.looker.begins() }

// Read is net.Conn's.
func (s *Socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.in.do(p, s.raw.Read, s.read)
	s.expects = false
	if s.waits {
		s.waits = false
		s.looker.Waiting.Add(-1)
	}
	return n, err
}

// Write is net.Conn's.
func (s *Socket) Write(p []byte) (int, error) { return s.out.do(p, s.raw.Write, s.write) }

func (t *transfer) do(p []byte, by func(func(uintptr) bool) error, try func(uintptr) bool) (int, error) {
	*t = transfer{p: p}
	err := by(try)
	n := t.n
	if err == nil {
		err = t.err
	}
	*t = transfer{}
	return n, err
}

func (s *Socket) tryRead(fd uintptr) bool {
	s.in.fd = fd
	l, expects := s.looker, s.expects
	s.expects = false
	if s.in.Readable() {
		if expects {
			l.pause = 0
		}
		return true
	}
	if l.Waiting != nil && !s.waits {
		s.waits = true
		l.Waiting.Add(1)
	}
	if expects && l.look(&s.in, time.Now()) {
		return true
	}
	s.wait()
	return false
}

// Readable reads what there is, and reports whether that was anything: bytes, the end, or
// an error.
func (t *transfer) Readable() bool {
	n, err := retry(syscall.Read, t.fd, t.p)
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		t.err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", err)}
	case n == 0:
		t.err = io.EOF
	}
	t.n = max(n, 0)
	return true
}

func (s *Socket) tryWrite(fd uintptr) bool {
	t := &s.out
	for t.n < len(t.p) {
		n, err := retry(syscall.Write, fd, t.p[t.n:])
		switch {
		case err == syscall.EAGAIN:
			s.wait()
			return false
		case err != nil:
			t.err = &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", err)}
			return true
		}
		t.n += n
	}
	return true
}

// retry makes the call of package syscall, which the race detector knows to be ordered
// after what the other end did, until no signal interrupts it.
func retry(call func(int, []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		if n, err := call(int(fd), p); err != syscall.EINTR {
			return n, err
		}
	}
}
