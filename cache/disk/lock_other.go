//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package disk

import (
	"errors"
	"io"
)

// Lock fails: without a lock two processes would write over each other.
func (osFS) Lock(string) (io.Closer, error) { return nil, errors.ErrUnsupported }
