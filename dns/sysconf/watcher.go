package sysconf

import (
	"errors"
	"os"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
)

// MaxConfigSize is the size in bytes above which resolv.conf and nsswitch.conf are not
// read (1 MiB, Chromium's limit for the latter).
const MaxConfigSize = 1 << 20

// Paths are where the settings are.
type Paths struct {
	ResolvConf string // empty: the system's
	NSSwitch   string // empty: the system's
}

// A Watcher follows the system's settings: it reads them when first asked, and again
// when their files have changed, which it looks at no more than once a second. Any
// number of goroutines may use it.
type Watcher struct {
	files follower[*Config]
}

// NewWatcher follows the settings at p. Nothing is read before the first call of
// Config.
func NewWatcher(p Paths) *Watcher {
	if p.ResolvConf == "" {
		p.ResolvConf = resolvConfPath
	}
	if p.NSSwitch == "" {
		p.NSSwitch = nsswitchPath
	}
	return &Watcher{follower[*Config]{
		paths: []string{p.ResolvConf, p.NSSwitch},
		load: func(old *Config) *Config {
			if c := readConfig(p); old == nil || !old.Equal(c) {
				return c
			}
			return old
		},
	}}
}

// Config returns what the settings say: the same pointer for as long as that is the
// same, so that comparing it tells of changes. A missing resolv.conf is an empty one;
// one that cannot be read is Unhandled. As glibc does, it heeds the environment's
// LOCALDOMAIN and RES_OPTIONS, and takes the suffix from the machine's name if there is
// no other.
func (w *Watcher) Config() *Config { return w.files.get() }

func readConfig(p Paths) *Config {
	if p.ResolvConf == "" {
		c := ParseResolvConf(nil)
		c.Unhandled = []string{"this system keeps its settings elsewhere"}
		return c
	}
	text, err := read("read resolv.conf", p.ResolvConf, MaxConfigSize)
	c := parseResolvConf(text)
	if domain, set := os.LookupEnv("LOCALDOMAIN"); set {
		c.setSearch(domain)
	}
	if c.Search == nil {
		name, _ := os.Hostname() // without one there is no domain either
		_, domain, _ := strings.Cut(name, ".")
		c.setSearch(domain)
	}
	c.setOptions(os.Getenv("RES_OPTIONS"))
	c.complete()
	if err != nil && !errors.Is(err, neterr.FileNotFound) {
		c.Unhandled = append(c.Unhandled, "resolv.conf: "+neterr.CodeOf(err).Error())
	}
	// As in Chromium, what cannot be read is as if it were not there.
	text, _ = read("read nsswitch.conf", p.NSSwitch, MaxConfigSize)
	if obstacle := CheckNSSwitch(text); obstacle != "" {
		c.Unhandled = append(c.Unhandled, obstacle)
	}
	return c
}
