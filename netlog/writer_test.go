package netlog_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// A funcWriter is a writer whose calls a test decides on, the nth at a time.
type funcWriter struct {
	n     int
	write func(n int, b []byte) (int, error)
}

func (w *funcWriter) Write(b []byte) (int, error) {
	w.n++
	return w.write(w.n, b)
}

func TestFailingWriter(t *testing.T) {
	for _, tc := range []struct {
		name  string
		write func(n int, b []byte) (int, error)
		want  error
	}{
		{"error", func(int, []byte) (int, error) { return 0, errBroken }, errBroken},
		{"short write", func(_ int, b []byte) (int, error) { return len(b) - 1, nil }, io.ErrShortWrite},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var l netlog.Log
			w := &funcWriter{write: func(n int, b []byte) (int, error) {
				if n == 1 { // the constants
					return len(b), nil
				}
				return tc.write(n, b)
			}}
			if err := l.Start(w, netlog.Options{}); err != nil {
				t.Fatal(err)
			}
			src := l.Source(netlog.SourceSocket)
			for l.On() { // ends when the writer goroutine has noticed
				src.Event(netlog.SocketAlive)
			}
			if !l.Running() {
				t.Error("not Running before Stop")
			}
			if err := l.Start(io.Discard, netlog.Options{}); err != netlog.ErrRunning {
				t.Errorf("Start = %v, want ErrRunning", err)
			}
			if err := l.Stop(); err != tc.want {
				t.Errorf("Stop = %v, want %v", err, tc.want)
			}
			if w.n != 2 {
				t.Errorf("got %d writes, want no more after the failed one", w.n)
			}
			if err := l.Start(io.Discard, netlog.Options{}); err != nil {
				t.Errorf("Start after a failed recording = %v", err)
			}
			l.Stop()
		})
	}
}

func TestFailingEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    netlog.Options
	}{
		{"stream", netlog.Options{}},
		{"bounded", netlog.Options{MaxSize: 1000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var l netlog.Log
			w := &funcWriter{write: func(_ int, b []byte) (int, error) {
				if bytes.HasSuffix(b, []byte("]}\n")) {
					return 0, errBroken
				}
				return len(b), nil
			}}
			if err := l.Start(w, tc.o); err != nil {
				t.Fatal(err)
			}
			if err := l.Stop(); err != errBroken {
				t.Errorf("Stop = %v, want %v", err, errBroken)
			}
		})
	}
}

// Nobody who logs waits for a writer that has stopped, and the newest events win.
func TestStuckWriter(t *testing.T) {
	var (
		l     netlog.Log
		file  bytes.Buffer
		stuck = make(chan struct{})
		free  = make(chan struct{})
	)
	w := &funcWriter{write: func(n int, b []byte) (int, error) {
		if n == 2 { // the first event
			close(stuck)
			<-free
		}
		return file.Write(b)
	}}
	if err := l.Start(w, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	src := l.Source(netlog.SourceSocket)
	src.Event(netlog.SocketAlive, netlog.Int("n", 0))
	<-stuck
	const events = 36
	text := strings.Repeat("x", 1<<20)
	for i := range events {
		src.Event(netlog.SocketAlive, netlog.Int("n", i+1), netlog.String("text", text))
	}
	dropped := l.Dropped()
	close(free)
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	if dropped < 5 || dropped > 12 {
		t.Errorf("dropped %d MiB of 36, want what is beyond 32 and a little more", dropped)
	}
	f := mustLoad(t, file.Bytes())
	if want := 1 + events - dropped; len(f.Events) != want {
		t.Fatalf("got %d events, want %d", len(f.Events), want)
	}
	for i, e := range f.Events[1:] {
		if want := float64(dropped + 1 + i); e.Params["n"] != want {
			t.Errorf("event %d is number %v, want %v", i, e.Params["n"], want)
		}
	}
}
