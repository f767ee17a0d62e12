package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOutputPipe: what is no regular file is written to and stays. The pipe is the
// test's own: a mistake here as root would replace the machine's /dev/null.
func TestOutputPipe(t *testing.T) {
	o, _ := testOrigin(t)
	pipe := t.TempDir() + "/pipe"
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// Open for both: neither end waits for the other.
	r, err := os.OpenFile(pipe, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := kaon(t, "", "fetch", "-o", pipe, o.http+"/hello"); got != (result{}) {
		t.Errorf("got %+v", got)
	}
	if st, err := os.Lstat(pipe); err != nil || st.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("the pipe is %v (%v) now", st, err)
	}
	buf := make([]byte, 100)
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "GET /hello" {
		t.Errorf("got %q (%v) through the pipe", buf[:n], err)
	}
}
