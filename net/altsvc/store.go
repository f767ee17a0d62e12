package altsvc

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// What a Store keeps unless told otherwise (Chromium: kMaxServerInfoEntries,
// kMaxRecentlyBrokenAlternativeServiceEntries).
const (
	DefaultMaxServers = 500
	DefaultMaxBroken  = 200
)

const (
	h3 = "h3"

	// maxAlternatives is how many of a field are kept. Chromium keeps all that fit into
	// a response head; servers of note send two.
	maxAlternatives = 16

	// unrestricted is the first port that any user of a shared machine may listen on.
	unrestricted = 1024
)

// A Config sets a Store's limits; the zero Config has Chromium's.
type Config struct {
	MaxServers int // origins with alternatives; 0 is DefaultMaxServers
	MaxBroken  int // services with failures; 0 is DefaultMaxBroken

	// BrokenDelay is how long a service is broken that fails for the first time,
	// between 1 second and 5 minutes; 0 is 5 minutes.
	BrokenDelay time.Duration
}

// A Service is a place that may answer for an origin.
type Service struct {
	Protocol string // "h3"
	Host     string // lower case, ASCII; IPv6 without brackets
	Port     uint16
}

// An Alternative is a Service that an origin has advertised.
type Alternative struct {
	Service
	Expires        time.Time
	Broken         bool // it failed lately, and is not to be tried
	RecentlyBroken bool // it failed since it last worked: broken now, or to be tried with care
}

// A Store remembers alternatives and failures. Any number of goroutines may use it.
// Make one with [NewStore].
type Store struct {
	delay time.Duration

	count atomic.Int64 // of servers: most programs ask in vain

	mu        sync.Mutex // guards what follows
	servers   lru[serverKey, advertisement]
	canonical map[canonicalKey]origin.Origin
	troubles  lru[serviceKey, trouble]
	trips     lru[serverKey, time.Duration]
	due       time.Time // when the next service is not broken any more, or earlier; zero: none is

	onChange atomic.Pointer[func()]
}

type serverKey struct {
	origin    origin.Origin
	isolation origin.Key
}

// An advertisement is what an origin said last. It is mostly the same again.
type advertisement struct {
	value string // as it came; empty if the list is not just that
	list  []advertised
}

// An advertised service has no host where it is the origin's own: it may be shared.
type advertised struct {
	service Service
	maxAge  time.Duration
	expires time.Time
}

// NewStore returns an empty Store.
func NewStore(cfg Config) *Store {
	if cfg.MaxServers <= 0 {
		cfg.MaxServers = DefaultMaxServers
	}
	if cfg.MaxBroken <= 0 {
		cfg.MaxBroken = DefaultMaxBroken
	}
	if cfg.BrokenDelay <= 0 {
		cfg.BrokenDelay = maxInitialDelay
	}
	return &Store{
		delay:     min(max(cfg.BrokenDelay, minInitialDelay), maxInitialDelay),
		servers:   newLRU[serverKey, advertisement](cfg.MaxServers),
		canonical: make(map[canonicalKey]origin.Origin),
		troubles:  newLRU[serviceKey, trouble](cfg.MaxBroken),
		trips:     newLRU[serverKey, time.Duration](cfg.MaxServers),
	}
}

// Learn heeds an Alt-Svc field that a server of o has sent over a connection that
// proved to be o's; the values of several fields are to be joined by commas. What it
// says replaces all that o said before. It reports whether the field was valid.
func (s *Store) Learn(o origin.Origin, isolation origin.Key, value string, now time.Time) bool {
	o = secure(o)
	if s.repeat(serverKey{o, isolation}, value, now) {
		return true
	}
	entries, ok := Parse(value)
	if !ok || o.Scheme != "https" || o.IsOpaque() {
		return ok
	}
	var list []advertised
	for _, e := range entries {
		host, ok := canonicalHost(e.Host)
		if !ok || e.Protocol != h3 {
			continue
		}
		if list = append(list, advertised{Service{h3, host, e.Port}, e.MaxAge, now.Add(e.MaxAge)}); len(list) == maxAlternatives {
			break
		}
	}
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(serverKey{o, isolation}, advertisement{value, list})
	return true
}

// repeat reports whether k said the same before: then it holds for longer.
func (s *Store) repeat(k serverKey, value string, now time.Time) bool {
	if s.IsEmpty() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	a, ok := s.servers.get(k)
	if !ok || value == "" || a.value != value {
		return false
	}
	for i := range a.list {
		a.list[i].expires = now.Add(a.list[i].maxAge)
	}
	s.setCanonical(k)
	return true
}

func (s *Store) set(k serverKey, a advertisement) {
	if len(a.list) == 0 {
		s.servers.remove(k)
		s.dropCanonical(k)
	} else {
		s.servers.put(k, a)
		s.setCanonical(k)
	}
	s.counted()
}

func (s *Store) counted() { s.count.Store(int64(len(s.servers.entries))) }

// IsEmpty reports whether no origin has alternatives. It costs nothing.
func (s *Store) IsEmpty() bool { return s.count.Load() == 0 }

// Lookup appends the alternatives that o has to dst, the one that its server likes best
// first. Those that have expired, or that o may not use, are left out.
func (s *Store) Lookup(dst []Alternative, o origin.Origin, isolation origin.Key, now time.Time) []Alternative {
	o = secure(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	k := serverKey{o, isolation}
	from := o
	list, ok := s.unexpired(k, now)
	if !ok {
		if from, ok = s.canonicalOf(k); !ok {
			return dst
		}
		if list, ok = s.unexpired(serverKey{from, isolation}, now); !ok {
			return dst
		}
	}
	for _, a := range list {
		if a.service.Port >= unrestricted && o.Port < unrestricted {
			continue
		}
		if from != o && s.trouble(serviceKey{a.service.at(from), isolation}).broken() {
			continue // what failed for one name of the service fails for all
		}
		service := a.service.at(o)
		t := s.trouble(serviceKey{service, isolation})
		dst = append(dst, Alternative{service, a.expires, t.broken(), t.count > 0})
	}
	return dst
}

// unexpired returns what is advertised for k, and forgets what has expired.
func (s *Store) unexpired(k serverKey, now time.Time) ([]advertised, bool) {
	a, ok := s.servers.get(k)
	if !ok {
		return nil, false
	}
	a.keep(func(v *advertised) bool { return !v.expires.Before(now) })
	if len(a.list) == 0 {
		s.set(k, advertisement{})
		return nil, false
	}
	return a.list, true
}

// Clear forgets everything for which match returns true; a nil match is everything. It
// is called with the origin, or with https and the service's host and port for a
// failure, and must not call the Store.
func (s *Store) Clear(match func(origin.Origin, origin.Key) bool) {
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.servers.all {
		if match == nil || match(k.origin, k.isolation) {
			s.set(k, advertisement{})
		}
	}
	for k := range s.trips.all {
		if match == nil || match(k.origin, k.isolation) {
			s.trips.remove(k)
		}
	}
	for k := range s.troubles.all {
		if match == nil || match(origin.Origin{Scheme: "https", Host: k.service.Host, Port: k.service.Port}, k.isolation) {
			s.troubles.remove(k)
		}
	}
}

// Len returns how many origins have alternatives.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.servers.entries)
}

// keep leaves out what does not satisfy ok; what is left is not just what came.
func (a *advertisement) keep(ok func(*advertised) bool) {
	n := 0
	for i := range a.list {
		if ok(&a.list[i]) {
			a.list[n] = a.list[i]
			n++
		}
	}
	if n < len(a.list) {
		a.value, a.list = "", a.list[:n]
	}
}

// at fills in the origin's own host.
func (v Service) at(o origin.Origin) Service {
	if v.Host == "" {
		v.Host = o.Host
	}
	return v
}

// secure makes the origin of a web socket the one that its alternatives belong to.
func secure(o origin.Origin) origin.Origin {
	if o.Scheme == "wss" {
		o.Scheme = "https"
	}
	return o
}

// canonicalHost returns a host in the form that Service has. What cannot be a host is
// not ok: Chromium would fail to resolve it.
func canonicalHost(host string) (string, bool) {
	if strings.Contains(host, ":") {
		ip, err := netip.ParseAddr(host)
		return ip.String(), err == nil && ip.Zone() == ""
	}
	host, ok := origin.ASCIIHost(host)
	for i := range len(host) {
		c := host[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_') {
			return "", false
		}
	}
	return host, ok && len(host) <= 253
}
