package sysconf

import (
	"net/netip"
	"strings"
)

// MaxHostsSize is the size in bytes above which a hosts file is not read (32 MiB,
// Chromium's limit).
const MaxHostsSize = 32 << 20

// Hosts is a parsed hosts file. It never changes, so any number of goroutines may
// read it. A nil Hosts knows no names.
type Hosts struct {
	byName map[string]addrs
}

// addrs has one address of each family; invalid where there is none.
type addrs struct {
	v4, v6 netip.Addr
}

// ParseHosts reads the text of a hosts file: an IP address and its names on each
// line, # beginning a comment. As in Chromium, the first address that a name has
// in each family counts and later ones do not. Lines that do not begin with an
// address, and addresses with a zone, are skipped: nothing in a hosts file is an
// error.
func ParseHosts(text []byte) *Hosts {
	h := &Hosts{byName: make(map[string]addrs)}
	for line := range strings.Lines(lower(string(text))) {
		line, _, _ = strings.Cut(line, "#")
		first, rest := nextField(line)
		addr, err := netip.ParseAddr(first)
		if err != nil || addr.Zone() != "" {
			continue
		}
		addr = addr.Unmap()
		for name, rest := nextField(rest); name != ""; name, rest = nextField(rest) {
			h.add(withoutDot(name), addr)
		}
	}
	return h
}

// Lookup returns the addresses of name in each family, invalid where it has none.
// Case and one trailing dot do not matter.
func (h *Hosts) Lookup(name string) (v4, v6 netip.Addr) {
	if h == nil || len(h.byName) == 0 {
		return v4, v6
	}
	a := h.byName[withoutDot(lower(name))]
	return a.v4, a.v6
}

// Len returns the number of names.
func (h *Hosts) Len() int {
	if h == nil {
		return 0
	}
	return len(h.byName)
}

// ReadHosts reads and parses the file at path. A file above [MaxHostsSize] is
// [neterr.FileTooBig], one that is no regular file [neterr.InvalidArgument].
func ReadHosts(path string) (*Hosts, error) {
	text, err := read("read hosts", path, MaxHostsSize)
	if err != nil {
		return nil, err
	}
	return ParseHosts(text), nil
}

func (h *Hosts) add(name string, addr netip.Addr) {
	if name == "" {
		return
	}
	a := h.byName[name]
	switch {
	case addr.Is4() && !a.v4.IsValid():
		a.v4 = addr
	case addr.Is6() && !a.v6.IsValid():
		a.v6 = addr
	default:
		return
	}
	h.byName[name] = a
}

// nextField cuts the first word off line.
func nextField(line string) (word, rest string) {
	line = strings.TrimLeftFunc(line, isSpace)
	if end := strings.IndexFunc(line, isSpace); end >= 0 {
		return line[:end], line[end:]
	}
	return line, ""
}

func isSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', '\v', '\f':
		return true
	case ',':
		return commaSeparates
	}
	return false
}

// lower returns text with ASCII letters in lower case and every other byte as it is:
// Unicode's rules would turn some foreign letters into ASCII ones.
func lower(text string) string {
	upper := strings.IndexFunc(text, func(c rune) bool { return 'A' <= c && c <= 'Z' })
	if upper < 0 {
		return text
	}
	out := []byte(text)
	for i, c := range out[upper:] {
		if 'A' <= c && c <= 'Z' {
			out[upper+i] = c + 'a' - 'A'
		}
	}
	return string(out)
}

func withoutDot(name string) string { return strings.TrimSuffix(name, ".") }
