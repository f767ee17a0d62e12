package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const coldStart = "cold start"

// starters are the programs of cold start, the one to compare with first. The limit
// is what one may take beyond that.
var starters = []struct {
	name  string // of the folder in coldstart
	limit time.Duration
}{
	{name: "nethttp"},
	{name: "transport", limit: time.Millisecond},
	{name: "session", limit: 2500 * time.Microsecond},
}

// coldStarts builds the programs and starts each n times, taking turns. It returns
// how long each took to the first byte of a response, in the order of starters.
func coldStarts(ctx context.Context, url string, n int) ([][]time.Duration, error) {
	dir, err := os.MkdirTemp("", "kaon-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "-o", dir}
	for _, s := range starters {
		args = append(args, "github.com/kaon-net/kaon/bench/coldstart/"+s.name)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	took := make([][]time.Duration, len(starters))
	for i := range n + 1 {
		for k, s := range starters {
			d, err := startOnce(ctx, filepath.Join(dir, s.name), url)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			if i > 0 { // the first one reads the file from disk
				took[k] = append(took[k], d)
			}
		}
	}
	return took, nil
}

// startOnce runs a program until it has written the first byte it got.
func startOnce(ctx context.Context, program, url string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, program, url)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(stdout, make([]byte, 1))
	took := time.Since(start)
	return took, errors.Join(err, cmd.Wait())
}

func printStarts(w io.Writer, took [][]time.Duration) {
	fmt.Fprintf(w, "\n%-41s %-12s %9s %9s  want\n", coldStart+", to the first byte", "program", "time", "more")
	for k, s := range starters {
		fmt.Fprintf(w, "%-41s %-12s %9s", "", s.name, duration(float64(median(took[k]))))
		if k > 0 {
			more := make([]time.Duration, len(took[k]))
			for i := range more {
				more[i] = took[k][i] - took[0][i]
			}
			word := "ok"
			if median(more) > s.limit {
				word = "miss"
			}
			fmt.Fprintf(w, " %9s  <=%v %s", milliseconds(median(more)), s.limit, word)
		}
		fmt.Fprintln(w)
	}
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%+.2fms", d.Seconds()*1e3) }
