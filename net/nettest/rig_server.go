package nettest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// A Rig is a real server that runs for the length of a test, such as [Nginx] or
// [OpenSSL]. What it printed is logged if the test fails.
type Rig struct {
	Dir   string // everything it reads and writes
	HTTP  string // "127.0.0.1:port"; empty if it speaks TLS alone
	HTTPS string // the same with TLS; empty without a CA
	DNS   string // the same over UDP and TCP; empty if it is no DNS server
	Redis string // the same for Redis' protocol; empty if it does not speak that

	command func() *exec.Cmd // starts it
	reload  func() error     // nil if it cannot
	daemon  *daemon
}

// Reload tells the server to read its configuration again in its own graceful way:
// what is under way ends well, and its connections are given up. That takes effect
// some time after Reload has returned. A server without such a way gives an error.
func (r *Rig) Reload() error {
	if r.reload == nil {
		return fmt.Errorf("nettest: %s cannot reload", r.daemon.cmd.Path)
	}
	return r.reload()
}

// Restart kills the server, which ends its connections wherever they are, and starts
// it again at the same addresses. An error means that somebody else took one of them
// meanwhile, and that it may be tried again. It must not be called by two goroutines at
// once.
func (r *Rig) Restart() error {
	r.daemon.crash()
	return r.start()
}

// startRig has prepare fill in a Rig and starts it. Between the choice of a port and
// its use somebody else may take it: then all of it is done again.
func startRig(t testing.TB, name string, prepare func(*Rig) error) *Rig {
	t.Helper()
	var err error
	for range 3 {
		r := &Rig{Dir: t.TempDir()}
		if err = prepare(r); err != nil {
			break
		}
		if err = r.start(); err == nil {
			t.Cleanup(func() { r.stop(t, name) })
			return r
		}
	}
	t.Fatalf("rig %s: %v", name, err)
	return nil
}

func (r *Rig) start() error {
	var ready []string
	for _, addr := range []string{r.HTTP, r.HTTPS, r.DNS, r.Redis} {
		if addr != "" {
			ready = append(ready, addr)
		}
	}
	d, err := startDaemon(r.command(), ready...)
	if err == nil {
		r.daemon = d
	}
	return err
}

func (r *Rig) stop(t testing.TB, name string) {
	r.daemon.stop()
	if out := r.daemon.output.String(); t.Failed() && out != "" {
		t.Logf("%s printed:\n%s", name, out)
	}
}

// writeFiles writes files by their slash-separated path in dir.
func writeFiles(dir string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run waits for a program that does one thing, and says what it printed if that
// failed.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

func loopbackAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
