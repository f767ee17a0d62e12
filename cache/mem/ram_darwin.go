package mem

import "golang.org/x/sys/unix"

// physicalMemory is how many bytes the machine has, 0 if that is unknown.
func physicalMemory() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n)
}
