package nettest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kaon-net/kaon/net/nettest"
)

// A recorder is a testing.TB that notes failures instead of failing.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
	skipped  string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Skipf(f string, a ...any) { r.skipped = fmt.Sprintf(f, a...) }
func (r *recorder) Errorf(f string, a ...any) {
	r.failures = append(r.failures, fmt.Sprintf(f, a...))
}

func (r *recorder) Fatalf(f string, a ...any) {
	r.failures = append(r.failures, fmt.Sprintf(f, a...))
}

func (r *recorder) finish() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

func TestCheckGoroutines(t *testing.T) {
	release := make(chan struct{})
	before := make(chan struct{})
	go waitFor(before)
	defer close(before)

	clean := &recorder{TB: t}
	nettest.CheckGoroutines(clean)
	go waitFor(release)
	clean.Cleanup(func() { close(release) })
	clean.finish()
	if len(clean.failures) != 0 {
		t.Errorf("the goroutine had ended, but: %v", clean.failures)
	}
}

func TestCheckGoroutinesFindsLeak(t *testing.T) {
	// In a bubble the 5 s of patience cost nothing.
	synctest.Test(t, func(t *testing.T) {
		leaked := make(chan struct{})
		r := &recorder{TB: t}
		nettest.CheckGoroutines(r)
		go waitFor(leaked)
		r.finish()
		if len(r.failures) != 1 || !strings.Contains(r.failures[0], "waitFor") {
			t.Errorf("got %q, want one failure with the stack of waitFor", r.failures)
		}
		close(leaked)
	})
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		r := &recorder{TB: t}
		nettest.Eventually(r, "third call", func() bool { calls++; return calls == 3 })
		nettest.Eventually(r, "enough calls", func() bool { calls++; return calls > 120 })
		if len(r.failures) != 0 {
			t.Errorf("got %q, want no failure", r.failures)
		}
		nettest.Eventually(r, "a miracle", func() bool { return false })
		if len(r.failures) != 1 || !strings.Contains(r.failures[0], "a miracle") {
			t.Errorf("got %q, want one failure naming the miracle", r.failures)
		}
	})
}

func waitFor(done chan struct{}) { <-done }
