//go:build unix

package neterr

import (
	"errors"
	"syscall"
)

// fromErrno maps what the operating system said (Chromium: MapSystemError).
func fromErrno(err error) (Code, bool) {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return 0, false
	}
	switch e {
	case syscall.ECONNREFUSED:
		return ConnectionRefused, true
	case syscall.ECONNRESET, syscall.ENETRESET, syscall.EPIPE:
		return ConnectionReset, true
	case syscall.ECONNABORTED:
		return ConnectionAborted, true
	case syscall.ETIMEDOUT:
		return TimedOut, true
	case syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENETUNREACH, syscall.EAFNOSUPPORT:
		return AddressUnreachable, true
	case syscall.ENETDOWN:
		return InternetDisconnected, true
	case syscall.EADDRNOTAVAIL:
		return AddressInvalid, true
	case syscall.EADDRINUSE:
		return AddressInUse, true
	case syscall.ENOTCONN:
		return SocketNotConnected, true
	case syscall.EISCONN:
		return SocketIsConnected, true
	case syscall.EMSGSIZE:
		return MsgTooBig, true
	case syscall.EACCES, syscall.EPERM, syscall.EROFS:
		return AccessDenied, true
	case syscall.ENOENT:
		return FileNotFound, true
	case syscall.EEXIST:
		return FileExists, true
	case syscall.ENAMETOOLONG:
		return FilePathTooLong, true
	case syscall.ENOSPC, syscall.EDQUOT:
		return FileNoSpace, true
	case syscall.EMFILE, syscall.ENFILE:
		return InsufficientResources, true
	case syscall.ENOMEM:
		return OutOfMemory, true
	case syscall.ENOBUFS:
		return NoBufferSpace, true
	case syscall.EINVAL:
		return InvalidArgument, true
	case syscall.EBADF:
		return InvalidHandle, true
	}
	return 0, false
}
