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

// sessions keeps what is needed to resume a session, for the servers used last.
type sessions struct {
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
}

type server struct {
	key     sessionKey
	tickets []ticket // the newest last
}

type ticket struct {
	state *utls.ClientSessionState
	since time.Time
}

func newSessions(size int) *sessions {
	return &sessions{max: size, servers: make(map[sessionKey]*list.Element)}
}

// serverSessions are the sessions of one server, as uTLS wants them for one connection.
type serverSessions struct {
	all    *sessions
	key    sessionKey
	refuse bool // keep nothing more; set before the connection is read
}

// Get ignores uTLS's key, which is the host name alone.
func (s *serverSessions) Get(string) (*utls.ClientSessionState, bool) {
	state := s.all.take(s.key, time.Now())
	return state, state != nil
}

func (s *serverSessions) Put(_ string, state *utls.ClientSessionState) {
	if state == nil {
		s.all.drop(s.key)
	} else if !s.refuse && len(state.SessionTicket()) <= maxTicket {
		s.all.add(s.key, state, time.Now())
	}
}

// take returns the newest session. A TLS 1.3 ticket is gone then: using it again would
// let an onlooker connect the two connections (RFC 8446 appendix C.4).
func (s *sessions) take(key sessionKey, now time.Time) *utls.ClientSessionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.servers[key]
	if e == nil {
		return nil
	}
	s.recent.MoveToFront(e)
	srv := e.Value.(*server)
	last := len(srv.tickets) - 1
	t := srv.tickets[last]
	if t.state.Vers() < utls.VersionTLS13 && now.Sub(t.since) < sessionLifetime {
		return t.state
	}
	srv.tickets[last] = ticket{}
	if srv.tickets = srv.tickets[:last]; last == 0 {
		s.remove(e)
	}
	if t.state.Vers() < utls.VersionTLS13 {
		return nil
	}
	return t.state
}

func (s *sessions) add(key sessionKey, state *utls.ClientSessionState, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.servers[key]
	if e == nil {
		if len(s.servers) >= s.max {
			s.remove(s.recent.Back())
		}
		e = s.recent.PushFront(&server{key: key})
		s.servers[key] = e
	}
	s.recent.MoveToFront(e)
	srv := e.Value.(*server)
	keep := ticketsPerServer - 1
	if state.Vers() < utls.VersionTLS13 {
		keep = 0 // one of TLS 1.2 serves many times
	}
	if over := len(srv.tickets) - keep; over > 0 {
		srv.tickets = append(srv.tickets[:0], srv.tickets[over:]...)
	}
	srv.tickets = append(srv.tickets, ticket{state, now})
}

func (s *sessions) drop(key sessionKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.servers[key]; e != nil {
		s.remove(e)
	}
}

// remove is called with mu held.
func (s *sessions) remove(e *list.Element) {
	delete(s.servers, s.recent.Remove(e).(*server).key)
}
