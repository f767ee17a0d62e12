package neterr

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// fromErrno maps what the operating system said (Chromium: MapSystemError).
func fromErrno(err error) (Code, bool) {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return 0, false
	}
	switch e {
	case windows.WSAECONNREFUSED:
		return ConnectionRefused, true
	case windows.WSAECONNRESET, windows.WSAENETRESET:
		return ConnectionReset, true
	case windows.WSAECONNABORTED:
		return ConnectionAborted, true
	case windows.WSAETIMEDOUT:
		return TimedOut, true
	case windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEAFNOSUPPORT:
		return AddressUnreachable, true
	case windows.WSAENETDOWN:
		return InternetDisconnected, true
	case windows.WSAEADDRNOTAVAIL:
		return AddressInvalid, true
	case windows.WSAEADDRINUSE:
		return AddressInUse, true
	case windows.WSAENOTCONN:
		return SocketNotConnected, true
	case windows.WSAEMSGSIZE:
		return MsgTooBig, true
	case windows.WSAEACCES, windows.ERROR_ACCESS_DENIED:
		return AccessDenied, true
	case windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND:
		return FileNotFound, true
	case windows.ERROR_FILE_EXISTS, windows.ERROR_ALREADY_EXISTS:
		return FileExists, true
	case windows.ERROR_DISK_FULL:
		return FileNoSpace, true
	case windows.WSAENOBUFS:
		return NoBufferSpace, true
	}
	return 0, false
}
