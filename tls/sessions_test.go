package tls

import (
	"fmt"
	"testing"
	"time"

	utls "github.com/refraction-networking/utls"
)

func session(version uint16, ticket string) *utls.ClientSessionState {
	return utls.MakeClientSessionState([]byte(ticket), version, 0, nil, nil, nil)
}

type tcpSessions = sessions[*utls.ClientSessionState]

func of(s *tcpSessions, key sessionKey) *serverSessions { return &serverSessions{all: s, key: key} }

func taken(s *tcpSessions, key sessionKey, now time.Time) string {
	if state, ok := s.take(key, now); ok {
		return string(state.SessionTicket())
	}
	return ""
}

func TestSessions(t *testing.T) {
	start := time.Unix(1e9, 0)
	key := func(host string) sessionKey { return sessionKey{host: host, port: 443} }
	for _, c := range []struct {
		name string
		do   func(*tcpSessions) []string
		want string
	}{
		{"TLS 1.3 tickets once, the newest first, two at most", func(s *tcpSessions) []string {
			for _, n := range []string{"1", "2", "3"} {
				s.add(key("a"), session(utls.VersionTLS13, n), true, start)
			}
			return []string{taken(s, key("a"), start), taken(s, key("a"), start), taken(s, key("a"), start)}
		}, "[3 2 ]"},
		{"TLS 1.2 sessions again and again, the newest alone", func(s *tcpSessions) []string {
			s.add(key("a"), session(utls.VersionTLS12, "1"), false, start)
			s.add(key("a"), session(utls.VersionTLS12, "2"), false, start)
			return []string{taken(s, key("a"), start), taken(s, key("a"), start)}
		}, "[2 2]"},
		{"TLS 1.2 sessions for an hour", func(s *tcpSessions) []string {
			s.add(key("a"), session(utls.VersionTLS12, "1"), false, start)
			return []string{taken(s, key("a"), start.Add(59*time.Minute)), taken(s, key("a"), start.Add(time.Hour)), taken(s, key("a"), start)}
		}, "[1  ]"},
		{"the server used least lately goes", func(s *tcpSessions) []string {
			s.add(key("a"), session(utls.VersionTLS12, "a"), false, start)
			s.add(key("b"), session(utls.VersionTLS12, "b"), false, start)
			taken(s, key("a"), start)
			s.add(key("c"), session(utls.VersionTLS12, "c"), false, start)
			return []string{taken(s, key("a"), start), taken(s, key("b"), start), taken(s, key("c"), start)}
		}, "[a  c]"},
		{"nil drops a server, a huge ticket is not kept", func(s *tcpSessions) []string {
			of(s, key("a")).Put("", session(utls.VersionTLS12, "a"))
			of(s, key("a")).Put("", nil)
			of(s, key("a")).Put("", nil)
			of(s, key("b")).Put("", session(utls.VersionTLS12, string(make([]byte, maxTicket+1))))
			return []string{taken(s, key("a"), time.Now()), taken(s, key("b"), time.Now())}
		}, "[ ]"},
	} {
		s := newSessions[*utls.ClientSessionState](2)
		if got := fmt.Sprint(c.do(s)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if len(s.servers) != s.recent.Len() || len(s.servers) > s.max {
			t.Errorf("%s: %d servers in the map, %d in the list, at most %d", c.name, len(s.servers), s.recent.Len(), s.max)
		}
	}
}
