package nettest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Program returns the path of a program that a rig needs. Without it the test is
// skipped, or fails if KAON_RIGS=required is set; pkg is the Debian package to name
// in either case. The folders that hold daemons are searched after PATH.
func Program(t testing.TB, name, pkg string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if os.Getenv("KAON_RIGS") == "required" {
		t.Fatalf("rig %s is missing and KAON_RIGS=required is set: install the package %s", name, pkg)
	}
	t.Skipf("rig %s is missing: install the package %s to run this test", name, pkg)
	return ""
}

// FreePort returns a TCP port of 127.0.0.1 that nobody listened at a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("nettest: find a free port: %v", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// A daemon is a program that runs in the foreground and in a process group of its
// own until it is stopped.
type daemon struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the program has ended; err and output are settled then
	err    error
	output syncBuffer
}

// startDaemon runs cmd and waits until every address accepts a connection. An error
// means that it ended by itself, most likely because its port was taken meanwhile,
// or answered nowhere within 5 s.
func startDaemon(cmd *exec.Cmd, ready ...string) (*daemon, error) {
	d := &daemon{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &d.output, &d.output
	setGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(d.exited)
		d.err = cmd.Wait()
	}()
	for _, addr := range ready {
		if err := d.awaitReady(addr); err != nil {
			d.stop()
			return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, d.output.String())
		}
	}
	return d, nil
}

func (d *daemon) awaitReady(addr string) error {
	var last error
	ready := poll(func() bool {
		if d.hasExited() {
			return true
		}
		var c net.Conn
		if c, last = net.DialTimeout("tcp", addr, time.Second); last == nil {
			c.Close()
		}
		return last == nil
	})
	// It is asked again because somebody else at the port may have answered.
	if d.hasExited() {
		return fmt.Errorf("ended before it was ready: %v", d.err)
	}
	if !ready {
		return fmt.Errorf("not ready within %v: %w", patience, last)
	}
	return nil
}

func (d *daemon) hasExited() bool {
	select {
	case <-d.exited:
		return true
	default:
		return false
	}
}

// stop ends the group, at first politely, and waits for the program: nobody else
// would reap it.
func (d *daemon) stop() {
	terminate(d.cmd)
	grace := time.AfterFunc(patience, func() { kill(d.cmd) })
	defer grace.Stop()
	<-d.exited
}

// crash ends the group without a warning and waits for the program.
func (d *daemon) crash() {
	kill(d.cmd)
	<-d.exited
}

// maxOutput is how much is kept of what a program printed.
const maxOutput = 64 << 10

// A syncBuffer keeps the beginning of what a program printed, read while it may
// still print.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Write(p[:min(len(p), maxOutput-b.buf.Len())])
	return len(p), nil
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
