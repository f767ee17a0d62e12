// Package hsts knows which hosts are spoken to over TLS alone: those that said so in a
// Strict-Transport-Security field (RFC 6797), and those of a preload list, which a
// program loads from Chromium's file if it wants one.
//
// It stands alone: a Store is told of headers, and asked to upgrade URLs before cookies
// are chosen and caches looked at. On a host that is Required, errors of certificates
// must not be overridden. Nothing is kept on disk: Snapshot and Restore are for a store.
//
//	store := hsts.New(hsts.Config{})
//	err := store.Receive(resp.Request.URL, resp.Header.Get("Strict-Transport-Security"))
//	if secure, ok := store.Upgrade(u); ok {
//		u = secure
//	}
package hsts

import (
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// Config says what a Store knows and how much it keeps.
type Config struct {
	Preload    *Preload // nil: no list
	MaxEntries int      // learned hosts kept; 0 means 10,000, negative no limit
}

// An Entry is what one host said.
type Entry struct {
	Host              string // lower case, ASCII, no final dot
	IncludeSubDomains bool
	Expires           time.Time
	Observed          time.Time // when it was last said
}

// A Store keeps the policies of hosts. Its methods may be called from several
// goroutines.
type Store struct {
	config Config

	mu      sync.RWMutex
	entries map[string]Entry // by Host

	onChange atomic.Pointer[func()]
}

// New returns a Store that has learned nothing yet.
func New(config Config) *Store {
	config.MaxEntries = cmp.Or(config.MaxEntries, 10_000)
	return &Store{config: config, entries: make(map[string]Entry)}
}

var errOrigin = errors.New("hsts: only a host with a name is believed, and only over https")

// Receive learns from the first Strict-Transport-Security field of a response from u,
// which must have come over TLS without a certificate error (RFC 6797 section 8.1). An
// error means that nothing was learned: the field is malformed, u is not https, or its
// host is an address or localhost.
func (s *Store) Receive(u *url.URL, header string) error {
	host, ok := hostName(u.Hostname())
	if !ok || u.Scheme != "https" && u.Scheme != "wss" {
		return errOrigin
	}
	p, err := ParseHeader(header)
	if err != nil {
		return err
	}
	now := time.Now()
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.MaxAge == 0 {
		delete(s.entries, host)
		return nil
	}
	host = strings.Clone(host)
	s.entries[host] = Entry{Host: host, IncludeSubDomains: p.IncludeSubDomains, Expires: now.Add(p.MaxAge), Observed: now}
	s.limit(now)
	return nil
}

// Required reports whether host is spoken to over TLS alone (RFC 6797 section 8.3).
// What the nearest of host and the domains above it said counts before the preload list.
func (s *Store) Required(host string) bool {
	if s.isEmpty() {
		return false
	}
	host, ok := hostName(host)
	if !ok {
		return false
	}
	now := time.Now()
	s.mu.RLock()
	learned := nearest(host, func(name string) (subDomains, known bool) {
		e, known := s.entries[name]
		return e.IncludeSubDomains, known && now.Before(e.Expires)
	})
	s.mu.RUnlock()
	return learned || s.config.Preload != nil && nearest(host, s.config.Preload.find)
}

// isEmpty: nothing is required of anybody.
func (s *Store) isEmpty() bool {
	if s.config.Preload != nil {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.entries) == 0
}

// Upgrade returns u with the scheme https for http, or wss for ws, if its host requires
// it. Port 80 becomes the default one, another stays (RFC 6797 section 8.3, step 5). u is
// not changed.
func (s *Store) Upgrade(u *url.URL) (secure *url.URL, ok bool) {
	var scheme string
	switch u.Scheme {
	case "http":
		scheme = "https"
	case "ws":
		scheme = "wss"
	}
	if scheme == "" || !s.Required(u.Hostname()) {
		return u, false
	}
	up := *u
	up.Scheme = scheme
	if u.Port() == "80" {
		up.Host = strings.TrimSuffix(u.Host, ":80")
	}
	return &up, true
}

// RemoveFunc forgets the learned hosts for which match is true, and reports how many.
// match is called with no lock held.
func (s *Store) RemoveFunc(match func(Entry) bool) (n int) {
	doomed := slices.DeleteFunc(s.Snapshot(), func(e Entry) bool { return !match(e) })
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range doomed {
		if s.entries[e.Host] == e { // not said again meanwhile
			delete(s.entries, e.Host)
			n++
		}
	}
	return n
}

// Snapshot returns what was learned and is still valid, by host.
func (s *Store) Snapshot() []Entry {
	now := time.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Entry, 0, len(s.entries))
	for _, e := range s.entries {
		if now.Before(e.Expires) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.Host, b.Host) })
	return list
}

// Restore puts entries back that Snapshot returned, and reports how many it left out:
// those that are over, that no host could have sent, or of which more is known already.
func (s *Store) Restore(entries []Entry) (left int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		host, ok := hostName(e.Host)
		if known, have := s.entries[host]; !ok || host != e.Host || !now.Before(e.Expires) || have && !known.Observed.Before(e.Observed) {
			left++
			continue
		}
		if last := now.Add(maxMaxAge); e.Expires.After(last) {
			e.Expires = last
		}
		s.entries[host] = e
	}
	s.limit(now)
	return left
}

// limit forgets what is over, then those not heard of for longest, a tenth at once.
func (s *Store) limit(now time.Time) {
	if s.config.MaxEntries < 0 || len(s.entries) <= s.config.MaxEntries {
		return
	}
	list := make([]Entry, 0, len(s.entries))
	for _, e := range s.entries {
		if now.Before(e.Expires) {
			list = append(list, e)
		} else {
			delete(s.entries, e.Host)
		}
	}
	if len(list) <= s.config.MaxEntries {
		return
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(a.Observed.Compare(b.Observed), cmp.Compare(a.Host, b.Host))
	})
	keep := s.config.MaxEntries - s.config.MaxEntries/10
	for _, e := range list[:len(list)-keep] {
		delete(s.entries, e.Host)
	}
}

// nearest asks for host and then for the domains above it. The first that is known
// decides, for what is below it by whether it includes its subdomains.
func nearest(host string, find func(name string) (subDomains, known bool)) bool {
	for name := host; name != ""; _, name, _ = strings.Cut(name, ".") {
		if subDomains, known := find(name); known {
			return subDomains || name == host
		}
	}
	return false
}

// hostName is host as entries have it; ok is false for what has no policy: addresses,
// and the names of this machine.
func hostName(host string) (name string, ok bool) {
	name, ok = origin.ASCIIHost(strings.TrimSuffix(host, "."))
	if !ok || name == "" || len(name) > 253 || origin.IsLocalhost(name) {
		return "", false
	}
	if isAddress(name) {
		return "", false
	}
	return name, true
}

// isAddress looks before it parses: of names ParseAddr makes an error, for each request.
func isAddress(name string) bool {
	if strings.IndexByte(name, ':') < 0 && strings.Trim(name, "0123456789.") != "" {
		return false
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
