//go:build !windows

package sysconf

// HostsPath returns where this system keeps its hosts file.
func HostsPath() string { return "/etc/hosts" }
