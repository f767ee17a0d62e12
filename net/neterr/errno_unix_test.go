//go:build unix

package neterr_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
)

// TestErrno has what sockets and disks really answer.
func TestErrno(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = net.Dial("tcp", l.Addr().String())
	if got := neterr.From(err); !errors.Is(got, neterr.ConnectionRefused) || !errors.Is(got, syscall.ECONNREFUSED) {
		t.Errorf("dialling a closed port: got %v", got)
	}
	for errno, want := range map[syscall.Errno]neterr.Code{
		syscall.ECONNRESET:   neterr.ConnectionReset,
		syscall.EPIPE:        neterr.ConnectionReset,
		syscall.ENETUNREACH:  neterr.AddressUnreachable,
		syscall.EHOSTUNREACH: neterr.AddressUnreachable,
		syscall.ENETDOWN:     neterr.InternetDisconnected,
		syscall.ENOSPC:       neterr.FileNoSpace,
		syscall.ENAMETOOLONG: neterr.FilePathTooLong,
		syscall.EMFILE:       neterr.InsufficientResources,
		syscall.EACCES:       neterr.AccessDenied,
	} {
		if got := neterr.From(os.NewSyscallError("x", errno)); !errors.Is(got, want) {
			t.Errorf("%v: got %v, want %v", errno, got, want)
		}
	}
}
