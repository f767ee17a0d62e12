package sysconf

import "net/netip"

// A HostsFile follows one hosts file: it reads the file at the first lookup and
// again when it was replaced or its modification time or size has changed, which it
// looks at no more than once a second. A file that is missing or cannot be read has
// no names.
type HostsFile struct {
	file follower[*Hosts]
}

// NewHostsFile follows the file at path. Nothing is read before the first lookup.
func NewHostsFile(path string) *HostsFile {
	return &HostsFile{follower[*Hosts]{
		paths: []string{path},
		load: func(*Hosts) *Hosts {
			hosts, _ := ReadHosts(path)
			return hosts
		},
	}}
}

// Lookup returns the addresses of name in each family, invalid where it has none.
// While one caller reads a changed file, others are answered from the old one.
func (f *HostsFile) Lookup(name string) (v4, v6 netip.Addr) { return f.Hosts().Lookup(name) }

// Hosts returns the file's present content; nil if it could not be read.
func (f *HostsFile) Hosts() *Hosts { return f.file.get() }
