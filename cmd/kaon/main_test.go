package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

// asKaon in the environment makes the test binary be the program.
const asKaon = "KAON_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asKaon) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A result is what a run of the command left.
type result struct {
	status   int
	out, err string
}

// kaon runs the command in this process, with stdin to read from.
func kaon(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return kaonContext(t.Context(), stdin, args...)
}

func kaonContext(ctx context.Context, stdin string, args ...string) result {
	var out, errs bytes.Buffer
	status := run(ctx, args, streams{strings.NewReader(stdin), &out, &errs})
	return result{status, out.String(), errs.String()}
}

// testOrigin starts the demo's origin for a test, and writes its authority to a
// file for --cacert.
func testOrigin(t *testing.T) (o *origin, cacert string) {
	t.Helper()
	nettest.CheckGoroutines(t)
	o, err := startOrigin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.close)
	cacert = t.TempDir() + "/ca.pem"
	writeFile(t, cacert, string(o.ca.PEM()))
	return o, cacert
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	version := fmt.Sprintf(", %s %s/%s, as Chromium ", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	tests := []struct {
		name     string
		args     string
		status   int
		out, err string // parts; empty wants nothing at all
	}{
		{"nothing", "", 2, "", "Usage: kaon COMMAND"},
		{"help", "help", 0, "Usage: kaon COMMAND", ""},
		{"help flag", "--help", 0, "fetch     request URLs", ""},
		{"help for a command", "help fetch", 0, "--cacert FILE", ""},
		{"help for none such", "help brew", 2, "", `kaon: no command "brew"`},
		{"unknown command", "brew", 2, "", `kaon: no command "brew"`},
		{"version", "version", 0, version, ""},
		{"version flag", "--version", 0, version, ""},
		{"version help", "version -h", 0, "Usage: kaon version", ""},
		{"version argument", "version now", 2, "", `kaon version: takes no arguments, not "now"`},
		{"demo help", "demo --help", 0, "Usage: kaon demo", ""},
		{"demo argument", "demo x", 2, "", "See 'kaon demo --help'."},
		{"demo option", "demo -x", 2, "", "kaon demo: unknown shorthand flag: 'x'"},
		{"fetch help", "fetch -h", 0, "Usage: kaon fetch [options] URL...", ""},
		{"fetch nothing", "fetch", 2, "", "kaon fetch: no URL given"},
		{"unknown option", "fetch --nonsense", 2, "", "kaon fetch: unknown flag: --nonsense\nSee 'kaon fetch --help'."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kaon(t, "", strings.Fields(tt.args)...)
			if got.status != tt.status {
				t.Errorf("status: got %d, want %d", got.status, tt.status)
			}
			wantPart(t, "standard output", got.out, tt.out)
			wantPart(t, "standard error", got.err, tt.err)
		})
	}
}

// wantPart fails unless got has the part want in it, or is empty if want is.
func wantPart(t *testing.T, what, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("%s: got %q, want %q in it", what, got, want)
	}
}

// TestProgram runs the real program for its exit statuses.
func TestProgram(t *testing.T) {
	o, _ := testOrigin(t)
	tests := []struct {
		name   string
		args   []string
		status int
	}{
		{"ok", []string{"fetch", o.http}, 0},
		{"failure", []string{"fetch", o.http + "/empty"}, 1},
		{"usage", []string{"fetch"}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := program(t, tt.args...).CombinedOutput()
			if got := exitStatus(t, err); got != tt.status {
				t.Errorf("got exit status %d, want %d; it wrote %q", got, tt.status, out)
			}
		})
	}
}

func TestProgramInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be sent an interrupt on Windows")
	}
	o, _ := testOrigin(t)
	var errs bytes.Buffer
	body := t.TempDir() + "/body"
	cmd := program(t, "fetch", "-o", body, o.http+"/hang")
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-o.hanging
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if got := exitStatus(t, cmd.Wait()); got != 130 {
		t.Errorf("got exit status %d, want 130", got)
	}
	if got, want := errs.String(), "kaon fetch: interrupted\n"; got != want {
		t.Errorf("standard error: got %q, want %q", got, want)
	}
	wantFolder(t, body, "")
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), asKaon+"=1")
	return cmd
}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return -1
}
