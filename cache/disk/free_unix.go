//go:build darwin || dragonfly || freebsd || linux

package disk

import "golang.org/x/sys/unix"

func (osFS) Free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil // their types differ by platform
}
