package neterr

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
)

// From gives err a code, if it has none yet: errors of the standard library's
// network, file and context packages become what Chromium calls them, in an
// [*Error] that keeps err as its cause. An error that carries a code already, and
// nil, come back as they are. What nothing is known about is [Failed].
//
// A cancelled context stays what it is, wrapped as [Aborted] so that both
// errors.Is(err, context.Canceled) and errors.Is(err, neterr.Aborted) hold; one
// whose deadline passed is [TimedOut].
func From(err error) error { return FromOp("", err) }

// FromOp is [From] with the operation named, for errors that get their code here.
func FromOp(op string, err error) error {
	if err == nil {
		return nil
	}
	var c Code
	if errors.As(err, &c) {
		return err
	}
	return &Error{Code: classify(err), Op: op, Err: err}
}

// FromContext is the error of a context that ended, nil if it did not: its cause,
// under [Aborted] or [TimedOut] for how it ended, unless the cause has a code of its
// own.
func FromContext(ctx context.Context) error {
	ended := ctx.Err()
	if ended == nil {
		return nil
	}
	cause := context.Cause(ctx)
	var c Code
	if cause == ended || errors.As(cause, &c) {
		return From(cause)
	}
	return &Error{Code: classify(ended), Err: cause}
}

func classify(err error) Code {
	switch {
	case errors.Is(err, context.Canceled):
		return Aborted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	}
	if c, ok := fromErrno(err); ok {
		return c
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		if dns.IsTimeout {
			return DNSTimedOut
		}
		return NameNotResolved
	}
	var addr *net.AddrError
	var parse *net.ParseError
	var netErr net.Error
	switch {
	case errors.As(err, &addr), errors.As(err, &parse):
		return AddressInvalid
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return SocketNotConnected
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ConnectionClosed
	case errors.Is(err, os.ErrNotExist):
		return FileNotFound
	case errors.Is(err, os.ErrExist):
		return FileExists
	case errors.Is(err, os.ErrPermission):
		return AccessDenied
	case errors.Is(err, errors.ErrUnsupported):
		return NotImplemented
	case errors.As(err, &netErr) && netErr.Timeout():
		return TimedOut
	case strings.HasPrefix(err.Error(), "tls: "):
		return SSLProtocolError
	}
	return Failed
}
