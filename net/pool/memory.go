package pool

import (
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// maxServers is how many servers are remembered (Chromium: HttpServerProperties).
const maxServers = 500

// holdTime is how long the requests to a server that is known to multiplex leave the
// first job alone: what it makes will probably serve them all (Chromium:
// HttpStreamFactory's throttle).
const holdTime = 300 * time.Millisecond

// A memory is of the servers whose connections were multiplexed, the one heard of last
// at the end. The zero value is ready.
type memory struct {
	byServer map[server]*node[server]
	order    list[server]
}

// A server is whom a connection leads to, whatever else its Key says.
type server struct {
	scheme, host string
	port         uint16
	isolation    origin.Key
}

// has reports whether k's connection will probably serve many requests at once.
func (m *memory) has(k *Key) bool {
	return m.byServer[serverOf(k)] != nil && !k.HTTP1
}

// learn is told whether a connection made for k is multiplexed.
func (m *memory) learn(k *Key, multiplexed bool) {
	s := serverOf(k)
	n := m.byServer[s]
	switch {
	case k.HTTP1: // it had no choice
	case !multiplexed && n != nil:
		n.remove()
		delete(m.byServer, s)
	case !multiplexed:
	case n != nil:
		m.order.pushBack(n)
	default:
		if m.order.n == maxServers {
			oldest := m.order.first
			oldest.remove()
			delete(m.byServer, *oldest.of)
		}
		if m.byServer == nil {
			m.byServer = make(map[server]*node[server])
		}
		n = &node[server]{of: &s}
		m.byServer[s] = n
		m.order.pushBack(n)
	}
}

func serverOf(k *Key) server { return server{k.Scheme, k.Host, k.Port, k.Isolation} }
