package tls

import (
	"container/list"
	"sync"
	"time"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/origin"
)

// Chromium's limits, but for maxTicket, which keeps a server from filling memory.
const (
	defaultSessionServers = 1024
	ticketsPerServer      = 2         // TLS 1.3 tickets, each used once
	sessionLifetime       = time.Hour // of a TLS 1.2 session; a TLS 1.3 ticket has its own
	maxTicket             = 16 << 10  // bytes
)

// sessions keeps what is needed to resume a session, an S, for the servers used last.
type sessions[S any] struct {
	max int

	mu      sync.Mutex
	servers map[sessionKey]*list.Element // of *server
	recent  list.List                    // the one used last in front
}

type sessionKey struct {
	host      string
	port      uint16
	private   bool
	isolation origin.Key
	identity  *identity // as whom the client may have come
	trust     uint64    // the Verifier's generation, where data goes out before it is asked; else 0
}

type server[S any] struct {
	key     sessionKey
	tickets []ticket[S] // the newest last
}

type ticket[S any] struct {
	state S
	once  bool // of TLS 1.3
	since time.Time
}

func newSessions[S any](size int) *sessions[S] {
	return &sessions[S]{max: size, servers: make(map[sessionKey]*list.Element)}
}

// serverSessions are the sessions of one server, as uTLS wants them for one connection.
type serverSessions struct {
	all    *sessions[*utls.ClientSessionState]
	key    sessionKey
	refuse bool // keep nothing more; set before the connection is read
}

// Get ignores uTLS's key, which is the host name alone.
func (s *serverSessions) Get(string) (*utls.ClientSessionState, bool) {
	return s.all.take(s.key, time.Now())
}

func (s *serverSessions) Put(_ string, state *utls.ClientSessionState) {
	if state == nil {
		s.all.drop(s.key)
	} else if !s.refuse && len(state.SessionTicket()) <= maxTicket {
		s.all.add(s.key, state, state.Vers() >= utls.VersionTLS13, time.Now())
	}
}

// take returns the newest session. A TLS 1.3 ticket is gone then: using it again would
// let an onlooker connect the two connections (RFC 8446 appendix C.4).
func (s *sessions[S]) take(key sessionKey, now time.Time) (state S, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.servers[key]
	if e == nil {
		return state, false
	}
	s.recent.MoveToFront(e)
	srv := e.Value.(*server[S])
	last := len(srv.tickets) - 1
	t := srv.tickets[last]
	if !t.once && now.Sub(t.since) < sessionLifetime {
		return t.state, true
	}
	srv.tickets[last] = ticket[S]{}
	if srv.tickets = srv.tickets[:last]; last == 0 {
		s.remove(e)
	}
	if !t.once {
		return state, false
	}
	return t.state, true
}

// add keeps a session; of TLS 1.3 it serves once.
func (s *sessions[S]) add(key sessionKey, state S, once bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.servers[key]
	if e == nil {
		if len(s.servers) >= s.max {
			s.remove(s.recent.Back())
		}
		e = s.recent.PushFront(&server[S]{key: key})
		s.servers[key] = e
	}
	s.recent.MoveToFront(e)
	srv := e.Value.(*server[S])
	keep := ticketsPerServer - 1
	if !once {
		keep = 0 // one of TLS 1.2 serves many times
	}
	if over := len(srv.tickets) - keep; over > 0 {
		srv.tickets = append(srv.tickets[:0], srv.tickets[over:]...)
	}
	srv.tickets = append(srv.tickets, ticket[S]{state, once, now})
}

func (s *sessions[S]) drop(key sessionKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.servers[key]; e != nil {
		s.remove(e)
	}
}

// remove is called with mu held.
func (s *sessions[S]) remove(e *list.Element) {
	delete(s.servers, s.recent.Remove(e).(*server[S]).key)
}
