package transport

import (
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/pool"
)

// maxServers is how many servers are remembered (Chromium: HttpServerProperties, of
// those that need HTTP/1.1).
const maxServers = 100

// A servers remembers servers that are to be treated specially. The zero value is
// ready.
type servers struct {
	n atomic.Int32 // of hosts, so that asking costs nothing while there are none

	mu    sync.Mutex
	hosts map[server]struct{}
	order []server // oldest first
}

// A server is whom a key leads to.
type server struct {
	host string
	port uint16
}

func (s *servers) has(k *pool.Key) bool {
	if s.n.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.hosts[server{k.Host, k.Port}]
	return ok
}

func (s *servers) add(k *pool.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := server{k.Host, k.Port}
	if _, ok := s.hosts[one]; ok {
		return
	}
	if s.hosts == nil {
		s.hosts = make(map[server]struct{})
	}
	if len(s.order) == maxServers {
		delete(s.hosts, s.order[0])
		s.order = s.order[1:]
	}
	s.hosts[one] = struct{}{}
	s.order = append(s.order, one)
	s.n.Store(int32(len(s.order)))
}
