package session_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/session/storage"
)

// childDir tells a child which directory to work in.
const childDir = "KAON_SESSION_STORAGE"

// child starts this test program again, to write into dir.
func child(t *testing.T, dir string) (cmd *exec.Cmd, out io.Reader) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// writeForever writes generations of ten cookies, and says which one is on the disk.
func writeForever(t *testing.T, dir string) error {
	s, err := session.New(session.Config{Path: dir})
	if err != nil {
		return err
	}
	gen := 0
	if got := cookies(s); got != nil {
		gen = generation(got[0])
	}
	for {
		gen++
		for i := range 10 {
			// Values of many lengths, so that pages split and merge.
			value := fmt.Sprint(gen, strings.Repeat("x", gen*i%700))
			if err := s.Cookies().Set(cookiejar.Details{
				URL: "https://www.example/", Name: fmt.Sprint("c", i), Value: value, Expires: time.Now().Add(time.Hour),
			}); err != nil {
				return err
			}
		}
		write := s.FlushStorageData
		if gen%5 == 0 { // which writes the file anew
			write = func(ctx context.Context) error {
				return s.ClearData(ctx, &storage.ClearDataOptions{DataTypes: []storage.DataType{storage.HSTS}})
			}
		}
		if err := write(t.Context()); err != nil {
			return err
		}
		fmt.Println("flushed", gen)
	}
}

// Killed at any moment, a session has afterwards what was flushed, and nothing by half.
func TestKilledWhileWriting(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Println("error:", writeForever(t, dir))
		return
	}
	dir := t.TempDir()
	last := 0
	for range times(8, 200) {
		cmd, out := child(t, dir)
		after := 1 + rand.IntN(12)
		lines := bufio.NewScanner(out)
		for n := 0; n < after && lines.Scan(); {
			if number, ok := strings.CutPrefix(lines.Text(), "flushed "); ok {
				last, _ = strconv.Atoi(number)
				n++
			} else if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
		}
		moment := time.NewTimer(time.Duration(rand.IntN(3000)) * time.Microsecond)
		<-moment.C
		cmd.Process.Kill()
		for lines.Scan() { // what it said meanwhile
			if number, ok := strings.CutPrefix(lines.Text(), "flushed "); ok {
				last, _ = strconv.Atoi(number)
			}
		}
		cmd.Wait()

		s := newKeeper(t, dir, session.Config{})
		list := cookies(s)
		if len(list) != 10 {
			t.Fatalf("after generation %d: got %d cookies, want 10: %q", last, len(list), list)
		}
		gen := generation(list[0])
		for _, c := range list {
			if generation(c) != gen {
				t.Fatalf("got cookies of generations %d and %d at once", gen, generation(c))
			}
		}
		if gen < last {
			t.Fatalf("got generation %d, after %d was flushed", gen, last)
		}
		if got := entries(t, dir+"/Network"); len(got) > 3 || slices.ContainsFunc(got, func(name string) bool { return strings.Contains(name, "damaged") }) {
			t.Fatalf("got the files %q", got)
		}
		closeSession(t, s)
	}
	t.Logf("%d generations", last)
}

// generation is what the value of "name=value" begins with.
func generation(cookie string) int {
	_, value, _ := strings.Cut(cookie, "=")
	n, _ := strconv.Atoi(strings.TrimRight(value, "x"))
	return n
}

// A second process learns at once that it is one, and which directory it is about.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	cmd, out := child(t, dir)
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "flushed"); {
	}
	began := time.Now()
	_, err := session.New(session.Config{Path: dir})
	wantError(t, err, neterr.FileExists, dir, "in use")
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}

	mine := t.TempDir()
	s := newKeeper(t, mine, session.Config{})
	defer closeSession(t, s)
	second, out := child(t, mine)
	said, err := io.ReadAll(out)
	if err != nil || !bytes.Contains(said, []byte(mine)) || !bytes.Contains(said, []byte("in use")) {
		t.Errorf("the other process said %q, %v", said, err)
	}
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
}
