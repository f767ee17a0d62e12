//go:build unix

package eager_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/internal/eager"
)

// TestSocket: what can be had at once is, and before a wait the function is called.
func TestSocket(t *testing.T) {
	near, far := pair(t)
	var waits atomic.Int32
	told := make(chan struct{}, 100)
	s := eager.NewSocket(near, func() { waits.Add(1); told <- struct{}{} }, new(eager.Looker))
	p := make([]byte, 100)

	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: got %d, %v", n, err)
	}
	var probe eager.Probe
	probe.Init(near)
	far.Write([]byte("quick"))
	for !probe.Readable() {
	}
	if n, err := s.Read(p); string(p[:n]) != "quick" || err != nil || waits.Load() != 0 {
		t.Errorf("got %q, %v after %d waits, want it at once", p[:n], err, waits.Load())
	}
	go func() { <-told; far.Write([]byte("slow")) }()
	if n, err := s.Read(p); string(p[:n]) != "slow" || err != nil || waits.Load() != 1 {
		t.Errorf("got %q, %v after %d waits, want one", p[:n], err, waits.Load())
	}

	if n, err := s.Write([]byte("short")); n != 5 || err != nil || waits.Load() != 1 {
		t.Errorf("wrote %d, %v after %d waits, want it at once", n, err, waits.Load())
	}
	long := bytes.Repeat([]byte("long"), 8<<20)
	got := make(chan []byte)
	go func() {
		<-told // nobody reads before
		b := make([]byte, len("short")+len(long))
		io.ReadFull(far, b)
		got <- b
	}()
	if n, err := s.Write(long); n != len(long) || err != nil || waits.Load() < 2 {
		t.Errorf("wrote %d, %v after %d waits, want it to wait", n, err, waits.Load())
	}
	if !bytes.Equal(<-got, append([]byte("short"), long...)) {
		t.Error("something else came than was written")
	}

	far.Close()
	if n, err := s.Read(p); n != 0 || err != io.EOF {
		t.Errorf("at the end: got %d, %v", n, err)
	}
}

// TestSocketErrors: they are those of a net.Conn.
func TestSocketErrors(t *testing.T) {
	p := make([]byte, 1)
	nothing := func() {}

	near, _ := pair(t)
	s := eager.NewSocket(near, nothing, new(eager.Looker))
	near.SetReadDeadline(time.Now())
	if _, err := s.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("late: got %v", err)
	}
	near.Close()
	if _, err := s.Read(p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read when closed: got %v", err)
	}
	if _, err := s.Write(p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write when closed: got %v", err)
	}

	near, far := pair(t)
	far.(*net.TCPConn).SetLinger(0)
	far.Close() // a reset
	s = eager.NewSocket(near, nothing, new(eager.Looker))
	if _, err := s.Read(p); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read after a reset: got %v", err)
	}
	if _, err := s.Write(p); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write after a reset: got %v", err)
	}

	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if eager.NewSocket(a, nothing, new(eager.Looker)) != nil {
		t.Error("a pipe is taken for a socket")
	}
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if near, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	if far, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

// TestSocketExpects: an answer is the same whether it is found by looking or waited for,
// which is told of once at most.
func TestSocketExpects(t *testing.T) {
	near, far := pair(t)
	waits := 0
	var waiting atomic.Int32
	s := eager.NewSocket(near, func() {
		if waits++; waiting.Load() != 1 {
			t.Errorf("%d sockets wait, want one", waiting.Load())
		}
	}, &eager.Looker{Near: true, Waiting: &waiting})
	p := make([]byte, 10)
	asked := make(chan struct{})
	answered := make(chan error)
	go func() {
		for range asked {
			_, err := far.Write([]byte("answer"))
			answered <- err
		}
	}()
	defer close(asked)
	for range 100 {
		before := waits
		s.Expect()
		asked <- struct{}{}
		if n, err := s.Read(p); string(p[:n]) != "answer" || err != nil || waits > before+1 || waiting.Load() != 0 {
			t.Fatalf("got %q, %v after %d waits, and %d sockets wait", p[:n], err, waits-before, waiting.Load())
		}
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
	}
}
