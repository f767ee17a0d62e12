package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kaon-net/kaon/net/nettest"
)

// openTerminal returns the two ends of a pseudo-terminal of 80 columns: what is
// drawn on tty can be read from keyboard.
func openTerminal(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { tty.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	return keyboard, tty
}

// drip sends the first bytes of a body of n one by one, for some seconds or until
// enough is closed, and then the rest.
func drip(n int, enough <-chan struct{}) func(*nettest.Conn) {
	return func(c *nettest.Conn) {
		if _, err := c.ReadHead(); err != nil {
			return
		}
		c.Print(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n))
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		sent := 0
		for waiting := true; waiting && sent < 500; sent++ {
			if c.Print("x") != nil {
				return
			}
			select {
			case <-tick.C:
			case <-enough:
				waiting = false
			}
		}
		c.Print(strings.Repeat("x", n-sent))
	}
}

// TestProgressOnTerminal: a download that takes long gets a bar on a real terminal,
// which is gone at the end.
func TestProgressOnTerminal(t *testing.T) {
	nettest.CheckGoroutines(t)
	enough := make(chan struct{})
	srv := nettest.NewServer(t, drip(64<<10, enough))
	keyboard, tty := openTerminal(t)
	var out bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(t.Context(), []string{"fetch", srv.URL()}, streams{nil, &out, tty})
		tty.Close() // the reader's end
	}()
	var drawn []byte
	buf := make([]byte, 4<<10)
	for {
		n, err := keyboard.Read(buf)
		drawn = append(drawn, buf[:n]...)
		if enough != nil && bytes.Contains(drawn, []byte("/s  ")) {
			close(enough)
			enough = nil
		}
		if err != nil { // EIO once nobody has the terminal open
			break
		}
	}
	if got := <-status; got != 0 {
		t.Errorf("got status %d; the terminal shows %q", got, drawn)
	}
	if out.Len() != 64<<10 {
		t.Errorf("got a body of %d bytes, want %d", out.Len(), 64<<10)
	}
	lines := strings.Split(string(drawn), "\r")
	if len(lines) < 4 || !strings.HasPrefix(lines[1], "[....") || !strings.Contains(lines[1], " of 64.0 KiB  ") || len(lines[1]) > 79 {
		t.Errorf("got %q, want a bar of less than 80 columns", drawn)
	}
	if n := len(lines); strings.TrimSpace(lines[n-2]) != "" || lines[n-1] != "" {
		t.Errorf("got %q, want the bar gone in the end", drawn)
	}
}

// TestProgressHidden: no bar where it would be in the way.
func TestProgressHidden(t *testing.T) {
	_, tty := openTerminal(t)
	tests := []struct {
		name         string
		silent       bool
		body, screen io.Writer
		want         bool
	}{
		{"body elsewhere", false, io.Discard, tty, true},
		{"body on the terminal", false, tty, tty, false},
		{"silent", true, io.Discard, tty, false},
		{"no terminal", false, io.Discard, io.Discard, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &fetchOptions{silent: tt.silent}
			if got := o.bar(tt.body, tt.screen) != nil; got != tt.want {
				t.Errorf("got a bar: %t, want %t", got, tt.want)
			}
		})
	}
}
