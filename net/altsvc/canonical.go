package altsvc

import (
	"strings"

	"github.com/kaon-net/kaon/net/origin"
)

// canonicalSuffixes are names below which every host is the same service: what one
// advertises holds for all (Chromium).
var canonicalSuffixes = [...]string{".ggpht.com", ".c.youtube.com", ".googlevideo.com", ".googleusercontent.com", ".gvt1.com"}

type canonicalKey struct {
	suffix    string
	port      uint16
	isolation origin.Key
}

func canonicalKeyOf(k serverKey) (canonicalKey, bool) {
	if k.origin.Scheme != "https" {
		return canonicalKey{}, false
	}
	for _, suffix := range canonicalSuffixes {
		if strings.HasSuffix(k.origin.Host, suffix) {
			return canonicalKey{suffix, k.origin.Port, k.isolation}, true
		}
	}
	return canonicalKey{}, false
}

// canonicalOf returns the origin that spoke last for all that share k's suffix.
func (s *Store) canonicalOf(k serverKey) (origin.Origin, bool) {
	if c, ok := canonicalKeyOf(k); ok {
		o, ok := s.canonical[c]
		return o, ok
	}
	return origin.Origin{}, false
}

func (s *Store) setCanonical(k serverKey) {
	c, ok := canonicalKeyOf(k)
	if !ok {
		return
	}
	s.canonical[c] = k.origin
	if len(s.canonical) <= s.servers.limit {
		return
	}
	for c, o := range s.canonical { // those whose origin was forgotten
		if _, ok := s.servers.peek(serverKey{o, c.isolation}); !ok {
			delete(s.canonical, c)
		}
	}
}

// dropCanonical is called when k has said that it has no alternatives: as in Chromium,
// nobody speaks for its suffix then, whoever it was.
func (s *Store) dropCanonical(k serverKey) {
	if c, ok := canonicalKeyOf(k); ok {
		delete(s.canonical, c)
	}
}
