package nettest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long the polling checks wait. Nothing waits so long in a test
// that passes; it is what a loaded machine may need.
const patience = 5 * time.Second

// Eventually waits until ok returns true and fails the test, saying what did not
// happen, if that takes longer than 5 s. It is for what a real socket or process
// does in its own time; under testing/synctest use synctest.Wait instead.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !poll(ok) {
		t.Fatalf("not within %v: %s", patience, what)
	}
}

// CheckGoroutines notes which goroutines there are and, when the test ends, waits
// until no others are left; if that takes longer than 5 s the test fails and their
// stacks are logged. Call it first: clean-up functions registered later run before
// it looks. A test that uses it must not run in parallel with others.
func CheckGoroutines(t testing.TB) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		t.Helper()
		var leaked []string
		clean := poll(func() bool {
			leaked = leaked[:0]
			for id, stack := range goroutines() {
				if _, known := before[id]; !known {
					leaked = append(leaked, stack)
				}
			}
			return len(leaked) == 0
		})
		if !clean {
			t.Errorf("%d goroutines are left after the test:\n\n%s", len(leaked), strings.Join(leaked, "\n\n"))
		}
	})
}

// poll calls ok, at first as fast as other goroutines allow, then ever more rarely.
func poll(ok func() bool) bool {
	for range 100 {
		if ok() {
			return true
		}
		runtime.Gosched()
	}
	end := time.Now().Add(patience)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := time.Millisecond; time.Now().Before(end); wait = min(2*wait, 100*time.Millisecond) {
		pause.Reset(wait)
		<-pause.C
		if ok() {
			return true
		}
	}
	return false
}

// goroutines returns the stacks of all goroutines by their number, but for those of
// the test framework and the runtime, which come and go by themselves.
func goroutines() map[string]string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	stacks := make(map[string]string)
	for stack := range strings.SplitSeq(strings.TrimSpace(string(buf)), "\n\n") {
		head, rest, _ := strings.Cut(stack, "\n")
		id, _, _ := strings.Cut(strings.TrimPrefix(head, "goroutine "), " ")
		if !ownedByTesting(rest) {
			stacks[id] = stack
		}
	}
	return stacks
}

func ownedByTesting(stack string) bool {
	for _, mark := range []string{
		"created by testing.",
		"created by runtime.",
		"created by os/signal.",
		"testing.RunTests(",
		"testing.runFuzzing(",
		"runtime.ReadTrace(",
		"runtime.ensureSigM(",
	} {
		if strings.Contains(stack, mark) {
			return true
		}
	}
	return false
}
