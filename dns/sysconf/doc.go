// Package sysconf reads what the operating system says about name resolution: which
// servers to ask and how, and the hosts file.
//
// [ParseHosts], [ParseResolvConf] and [CheckNSSwitch] understand the texts. A
// [HostsFile] and a [Watcher] follow files that may change:
//
//	hosts := sysconf.NewHostsFile(sysconf.HostsPath())
//	v4, v6 := hosts.Lookup("printer.lan")
//
//	system := sysconf.NewWatcher(sysconf.Paths{})
//	if c := system.Config(); len(c.Unhandled) == 0 {
//		ask(c.Nameservers, …)
//	} // else the system's own resolver does better
//
// Both look at the files when they are asked, no more than once a second, and start
// no goroutine: whoever asks a second after a change gets the new answer, and a
// program that asks nothing is never woken.
//
// The rules are Chromium's, which on Linux are those of glibc's resolver. Windows
// keeps its settings elsewhere and says so little of them to a program that a Config
// there is always Unhandled. On macOS resolv.conf shows the main servers alone, and
// not those that a VPN has for some domains.
//
// The package does no name resolution.
package sysconf
