package sysconf

import (
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// hostsCheckInterval is how long a look at the file's time and size holds good.
const hostsCheckInterval = time.Second

// A HostsFile follows one hosts file: it reads the file at the first lookup and
// again when its modification time or size has changed, which it looks at no more
// than once a second. A file that is missing or cannot be read has no names.
type HostsFile struct {
	path    string
	reading atomic.Bool // somebody is bringing current up to date
	current atomic.Pointer[snapshot]
}

// A snapshot is what the file said when it was last looked at. It never changes.
type snapshot struct {
	hosts   *Hosts
	modTime time.Time
	size    int64
	checked time.Time
}

// NewHostsFile follows the file at path. Nothing is read before the first lookup.
func NewHostsFile(path string) *HostsFile { return &HostsFile{path: path} }

// Lookup returns the addresses of name in each family, invalid where it has none.
// While one caller reads a changed file, others are answered from the old one.
func (f *HostsFile) Lookup(name string) (v4, v6 netip.Addr) { return f.Hosts().Lookup(name) }

// Hosts returns the file's present content; nil if it could not be read.
func (f *HostsFile) Hosts() *Hosts {
	s, now := f.current.Load(), time.Now()
	switch {
	case s == nil:
		// The first callers may each read the file: better than answering them
		// as if it were empty, and it happens once.
		s = f.refresh(&snapshot{size: -1}, now)
	case now.Sub(s.checked) >= hostsCheckInterval && f.reading.CompareAndSwap(false, true):
		s = f.refresh(s, now)
		f.reading.Store(false)
	}
	return s.hosts
}

func (f *HostsFile) refresh(old *snapshot, now time.Time) *snapshot {
	s := &snapshot{checked: now, size: -1}
	if info, err := os.Stat(f.path); err == nil {
		s.modTime, s.size = info.ModTime(), info.Size()
		if s.size == old.size && s.modTime.Equal(old.modTime) {
			s.hosts = old.hosts
		} else {
			s.hosts, _ = ReadHosts(f.path)
		}
	}
	f.current.Store(s)
	return s
}
