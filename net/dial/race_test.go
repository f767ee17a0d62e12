package dial

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestRace plays the scenarios in testdata/race. Commands:
//
//	new [delay=300ms]             a race at 0 ms
//	learn [complete]              addresses, one a line, become known
//	fail connector=first          its attempt ends in vain
//	at time=300ms                 the clock moves on
//
// Each prints what the race does then, and what it waits for.
func TestRace(t *testing.T) {
	datadriven.Walk(t, "testdata/race", func(t *testing.T, path string) {
		var r *race
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now := start
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			switch d.Cmd {
			case "new":
				delay := "300ms"
				if d.HasArg("delay") {
					d.ScanArgs(t, "delay", &delay)
				}
				r, now = &race{delay: duration(t, delay)}, start
				return "ok"
			case "learn":
				var addrs []netip.Addr
				for s := range strings.FieldsSeq(d.Input) {
					addrs = append(addrs, netip.MustParseAddr(s))
				}
				r.learn(addrs, d.HasArg("complete"))
			case "fail":
				var name string
				d.ScanArgs(t, "connector", &name)
				c := 0
				if name != connectorName(c) {
					c = 1
				}
				if !r.connectors[c].busy {
					d.Fatalf(t, "%s has no attempt under way", name)
				}
				r.failed(c)
			case "at":
				var at string
				d.ScanArgs(t, "time", &at)
				now = start.Add(duration(t, at))
				if r.tick(now) {
					out.WriteString("second connector\n")
				}
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			for c, addr, ok := r.next(now); ok; c, addr, ok = r.next(now) {
				fmt.Fprintf(&out, "%s tries %s\n", connectorName(c), addr)
			}
			if wake, ok := r.wake(); ok {
				fmt.Fprintf(&out, "wakes at %s\n", wake.Sub(start))
			}
			if r.over() {
				out.WriteString("over\n")
			}
			return out.String()
		})
	})
}

func duration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
