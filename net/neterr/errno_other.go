//go:build !unix && !windows

package neterr

func fromErrno(error) (Code, bool) { return 0, false }
