package mem

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// physicalMemory is how many bytes the machine has, 0 if that is unknown.
func physicalMemory() int64 {
	// MEMORYSTATUSEX
	var status struct {
		length, load                                                                uint32
		totalPhys, availPhys, totalPage, availPage, totalVirt, availVirt, extraVirt uint64
	}
	status.length = uint32(unsafe.Sizeof(status))
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")
	if ok, _, _ := call.Call(uintptr(unsafe.Pointer(&status))); ok == 0 {
		return 0
	}
	return int64(status.totalPhys)
}
