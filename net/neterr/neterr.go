// Package neterr names network failures by Chromium's numbers.
//
// A [Code] is an integer that is itself an error, as syscall.Errno is: comparing
// and returning one allocates nothing. The layer that first knows why something
// failed wraps the code once in an [Error] with the operation, the address and
// the cause; callers ask with errors.Is:
//
//	if errors.Is(err, neterr.NameNotResolved) { … }
//
// [From] translates errors of the standard library, at the one place where they
// leave the stack.
package neterr

import (
	"context"
	"errors"
	"iter"
	"net"
	"os"
	"sort"
	"strconv"
)

//go:generate go run gen.go

// A Code is one of Chromium's network error numbers: zero or negative.
type Code int32

type entry struct {
	code          Code
	name, meaning string
}

// Name returns Chromium's name, as "ERR_NAME_NOT_RESOLVED", or "" if c is not in
// the table.
func (c Code) Name() string {
	if e := lookup(c); e != nil {
		return e.name
	}
	return ""
}

// Meaning returns what the code says, in one line, or "" if c is not in the table.
func (c Code) Meaning() string {
	if e := lookup(c); e != nil {
		return e.meaning
	}
	return ""
}

// Error returns the text that Electron's users know: "net::ERR_NAME_NOT_RESOLVED".
func (c Code) Error() string {
	if name := c.Name(); name != "" {
		return "net::" + name
	}
	return "net::ERR_" + strconv.Itoa(int(c))
}

// Timeout reports whether the failure was that something took too long.
func (c Code) Timeout() bool {
	switch c {
	case TimedOut, ConnectionTimedOut, DNSTimedOut, HTTP2PingFailed, CacheLockTimeout:
		return true
	}
	return false
}

// Temporary is there for net.Error and is always false: no caller can know.
func (c Code) Temporary() bool { return false }

// Is also answers for the standard library's sentinels: a code that says time ran
// out is os.ErrDeadlineExceeded, a missing file is os.ErrNotExist, and so on.
func (c Code) Is(target error) bool {
	switch target {
	case os.ErrDeadlineExceeded:
		return c.Timeout()
	case net.ErrClosed:
		return c == SocketNotConnected || c == ContextShutDown
	case os.ErrNotExist:
		return c == FileNotFound
	case os.ErrExist:
		return c == FileExists
	case os.ErrPermission:
		return c == AccessDenied || c == NetworkAccessDenied
	case errors.ErrUnsupported:
		return c == NotImplemented
	}
	return false
}

// IsCertError reports whether c is one of the certificate errors, -200 to -219.
func (c Code) IsCertError() bool { return c <= CertCommonNameInvalid && c > CertEnd }

// All yields every code of the table with its name and meaning, OK first.
func All() iter.Seq2[Code, string] {
	return func(yield func(Code, string) bool) {
		for i := range table {
			if !yield(table[i].code, table[i].name) {
				return
			}
		}
	}
}

// FromName returns the code called name, with or without the prefix "net::".
func FromName(name string) (Code, bool) {
	if len(name) > 5 && name[:5] == "net::" {
		name = name[5:]
	}
	for i := range table {
		if table[i].name == name {
			return table[i].code, true
		}
	}
	return 0, false
}

func lookup(c Code) *entry {
	i := sort.Search(len(table), func(i int) bool { return table[i].code <= c })
	if i < len(table) && table[i].code == c {
		return &table[i]
	}
	return nil
}

// An Error says what was being done when a code arose.
type Error struct {
	Code Code
	Op   string // what was tried: "dial", "read", "resolve"; may be empty
	Addr string // to whom; a URL here has lost its user info and query; may be empty
	Err  error  // the cause, if there is one below
}

// Error joins what is known, the code's name first: it is what people search for.
func (e *Error) Error() string {
	s := e.Code.Error()
	if e.Op != "" {
		s += ": " + e.Op
	}
	if e.Addr != "" {
		s += " " + e.Addr
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives both the code and the cause, so errors.Is and errors.As see each.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// Timeout reports whether the code or its cause says that time ran out.
func (e *Error) Timeout() bool {
	if e.Code.Timeout() {
		return true
	}
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Temporary is there for net.Error and is always false.
func (e *Error) Temporary() bool { return false }

// CodeOf returns the code that err carries, [OK] for nil and [Failed] for an error
// that carries none. It does not translate: see [From].
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	if errors.Is(err, context.Canceled) {
		return Aborted
	}
	return Failed
}
