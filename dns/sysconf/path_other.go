//go:build !windows

package sysconf

// HostsPath returns where this system keeps its hosts file.
func HostsPath() string { return "/etc/hosts" }

const (
	resolvConfPath = "/etc/resolv.conf"
	nsswitchPath   = "/etc/nsswitch.conf" // macOS has none
)
