package neterr_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// TestTable compares the codes with the table they were made from, both ways.
func TestTable(t *testing.T) {
	f, err := os.Open("testdata/net_errors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	i := 0
	for code, name := range neterr.All() {
		if i >= len(rows) {
			t.Fatalf("more codes than rows: %d %s", code, name)
		}
		if want := rows[i]; strconv.Itoa(int(code)) != want[0] || name != want[1] || code.Name() != want[1] || code.Meaning() != want[3] {
			t.Errorf("row %d: got %d %s %q, want %v", i, code, name, code.Meaning(), want)
		}
		if got, ok := neterr.FromName("net::" + name); !ok || got != code {
			t.Errorf("FromName(%s) = %d, %v", name, got, ok)
		}
		i++
	}
	if i != len(rows) {
		t.Errorf("%d codes for %d rows", i, len(rows))
	}
}

func TestCode(t *testing.T) {
	err := error(neterr.NameNotResolved)
	if got, want := err.Error(), "net::ERR_NAME_NOT_RESOLVED"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := neterr.Code(-99999).Error(), "net::ERR_-99999"; got != want {
		t.Errorf("unknown: got %q, want %q", got, want)
	}
	if !neterr.CertDateInvalid.IsCertError() || neterr.CertEnd.IsCertError() || neterr.InvalidURL.IsCertError() {
		t.Error("IsCertError is off at its borders")
	}
	if n := testing.AllocsPerRun(100, func() { sink = neterr.ConnectionReset }); n != 0 {
		t.Errorf("a code as an error costs %v allocations", n)
	}
}

var sink error

func TestErrorIs(t *testing.T) {
	full := &neterr.Error{Code: neterr.ConnectionTimedOut, Op: "dial", Addr: "192.0.2.1:80", Err: syscall.ETIMEDOUT}
	wrapped := fmt.Errorf("proxy: %w", full)
	for _, target := range []error{neterr.ConnectionTimedOut, syscall.ETIMEDOUT, os.ErrDeadlineExceeded} {
		if !errors.Is(wrapped, target) {
			t.Errorf("errors.Is(%v) is false", target)
		}
	}
	if errors.Is(wrapped, neterr.TimedOut) {
		t.Error("one code is another")
	}
	var n net.Error
	if !errors.As(wrapped, &n) || !n.Timeout() {
		t.Error("not a net.Error that timed out")
	}
	if got, want := full.Error(), "net::ERR_CONNECTION_TIMED_OUT: dial 192.0.2.1:80: "+syscall.ETIMEDOUT.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if neterr.CodeOf(nil) != neterr.OK || neterr.CodeOf(wrapped) != neterr.ConnectionTimedOut || neterr.CodeOf(io.EOF) != neterr.Failed {
		t.Error("CodeOf")
	}
}

func TestFrom(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want neterr.Code
	}{
		{"cancelled", context.Canceled, neterr.Aborted},
		{"deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), neterr.TimedOut},
		{"i/o deadline", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, neterr.TimedOut},
		{"no such host", &net.DNSError{IsNotFound: true}, neterr.NameNotResolved},
		{"resolver timeout", &net.DNSError{IsTimeout: true}, neterr.DNSTimedOut},
		{"bad address", &net.AddrError{Err: "missing port"}, neterr.AddressInvalid},
		{"closed", &net.OpError{Op: "read", Err: net.ErrClosed}, neterr.SocketNotConnected},
		{"end of stream", io.EOF, neterr.ConnectionClosed},
		{"cut record", io.ErrUnexpectedEOF, neterr.ConnectionClosed},
		{"no file", fs.ErrNotExist, neterr.FileNotFound},
		{"tls", errors.New("tls: bad record MAC"), neterr.SSLProtocolError},
		{"anything", errors.New("boom"), neterr.Failed},
		{"has a code", fmt.Errorf("x: %w", neterr.UnsafePort), neterr.UnsafePort},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := neterr.From(tt.err)
			if neterr.CodeOf(got) != tt.want || !errors.Is(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if !errors.Is(got, tt.err) {
				t.Error("the cause is lost")
			}
			if neterr.From(got) != got {
				t.Error("an error with a code is wrapped again")
			}
		})
	}
	if neterr.From(nil) != nil {
		t.Error("From(nil) is an error")
	}
}

func TestFromContext(t *testing.T) {
	boom := errors.New("boom")
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := neterr.FromContext(ctx); err != nil {
		t.Errorf("alive: got %v", err)
	}
	cancel(boom)
	if err := neterr.FromContext(ctx); !errors.Is(err, boom) || !errors.Is(err, neterr.Aborted) {
		t.Errorf("own cause: got %v, want boom under ERR_ABORTED", err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	cancel(neterr.NetworkChanged)
	if err := neterr.FromContext(ctx); neterr.CodeOf(err) != neterr.NetworkChanged {
		t.Errorf("cause with a code: got %v", err)
	}
	past, stop := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer stop()
	if err := neterr.FromContext(past); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, neterr.TimedOut) {
		t.Errorf("deadline: got %v", err)
	}
}
