//go:build !(darwin || dragonfly || freebsd || linux || windows)

package disk

import "errors"

// Free is not known here.
func (osFS) Free(string) (int64, error) { return 0, errors.ErrUnsupported }
