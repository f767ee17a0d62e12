package transport_test

import (
	stdtls "crypto/tls"
	"fmt"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// A diary notes the calls of an httptrace in order. Those of a connection come from
// the pool's goroutine.
type diary struct {
	mu    sync.Mutex
	calls []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

func (d *diary) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:              func(addr string) { d.note("GetConn %s", addr) },
		GotConn:              func(i httptrace.GotConnInfo) { d.note("GotConn %v %v", i.Reused, i.Conn != nil) },
		PutIdleConn:          func(err error) { d.note("PutIdleConn %v", err) },
		GotFirstResponseByte: func() { d.note("GotFirstResponseByte") },
		ConnectStart:         func(_, addr string) { d.note("ConnectStart %s", addr) },
		ConnectDone:          func(_, _ string, err error) { d.note("ConnectDone %v", err) },
		TLSHandshakeStart:    func() { d.note("TLSHandshakeStart") },
		TLSHandshakeDone:     func(_ stdtls.ConnectionState, err error) { d.note("TLSHandshakeDone %v", err) },
		WroteHeaders:         func() { d.note("WroteHeaders") },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { d.note("WroteRequest %v", i.Err) },
	}
}

func TestTrace(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), nettest.Respond(ok))
	var d diary
	made := []string{"ConnectStart " + srv.Addr(), "ConnectDone <nil>", "TLSHandshakeStart", "TLSHandshakeDone <nil>"}
	for i := range 2 {
		req := get(t, srv)
		req.Trace = d.trace()
		do(t, tr, req)
		want := slices.Concat([]string{"GetConn " + srv.Addr()}, made, []string{
			fmt.Sprintf("GotConn %v true", i > 0), "WroteHeaders", "WroteRequest <nil>", "GotFirstResponseByte", "PutIdleConn <nil>",
		})
		if got := d.take(); !slices.Equal(got, want) {
			t.Errorf("exchange %d:\ngot  %s\nwant %s", i, strings.Join(got, ", "), strings.Join(want, ", "))
		}
		made = nil
	}
}

// TestTraceOfRetry: each attempt asks for a connection and gets one.
func TestTraceOfRetry(t *testing.T) {
	tr := start(t, transport.Config{})
	srv := nettest.NewServer(t, dying(closes, false, nil))
	do(t, tr, get(t, srv))
	var d diary
	req := get(t, srv)
	req.Trace = d.trace()
	do(t, tr, req)
	var got []string
	for _, call := range d.take() {
		if name, _, _ := strings.Cut(call, " "); name == "GetConn" || name == "GotConn" || name == "GotFirstResponseByte" {
			got = append(got, call)
		}
	}
	want := []string{
		"GetConn " + srv.Addr(), "GotConn true true",
		"GetConn " + srv.Addr(), "GotConn false true", "GotFirstResponseByte",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestTiming: a first response tells of its connection, a later one does not.
func TestTiming(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), nettest.Respond(ok))
	for i := range 2 {
		before := time.Now()
		tm := do(t, tr, get(t, srv)).Info.Timing
		steps := []time.Time{before, tm.Start}
		switch made := tm.Connect; {
		case (made == nil) != (i > 0):
			t.Fatalf("exchange %d: got %+v for how the connection was made, want it of the first alone", i, made)
		case made != nil:
			steps = append(steps, made.Start, made.TLSStart, made.TLSEnd, made.End)
		}
		steps = append(steps, tm.SendStart, tm.SendEnd, tm.HeadersStart, tm.HeadersEnd, time.Now())
		for j := range steps {
			if steps[j].IsZero() || j > 0 && steps[j].Before(steps[j-1]) {
				t.Errorf("exchange %d: step %d is out of order: %+v", i, j, tm)
			}
		}
	}
}
