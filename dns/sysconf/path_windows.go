package sysconf

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// HostsPath returns where this system keeps its hosts file.
func HostsPath() string {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		dir = `C:\Windows\System32`
	}
	return filepath.Join(dir, "drivers", "etc", "hosts")
}

// Windows has neither file.
const resolvConfPath, nsswitchPath = "", ""
