package transport

import (
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/tls"
)

// learn heeds the Alt-Svc of a response to a request for k. It may come with any status,
// also of 1xx.
func (q *rivals) learn(k *pool.Key, fields exchange.Fields) {
	value, ok := fields.Lookup("Alt-Svc")
	if !ok {
		return
	}
	n := 0
	for range fields.Values("Alt-Svc") {
		n++
	}
	if n > 1 {
		var all []string
		for v := range fields.Values("Alt-Svc") {
			all = append(all, v)
		}
		value = strings.Join(all, ",")
	}
	s := siteOf(k)
	q.lore.store.Learn(s.origin, s.isolation, value, time.Now())
}

// listen has a request's 1xx responses heard.
func (q *rivals) listen(req *exchange.Request, _ int, fields exchange.Fields) {
	if k, err := keyOf(req); err == nil {
		q.learn(&k, fields)
	}
}

// isHeard reports whether what comes over c may lead its origin's requests elsewhere: its
// certificate has no fault, not even one that the program accepts.
func isHeard(c pool.Conn) bool {
	switch c := c.(type) {
	case *quicConn:
		return true
	case *shared:
		return len(c.tls.Verdict().Problems) == 0
	case *h1.Conn:
		conn, ok := c.NetConn().(*tls.Conn)
		return ok && len(conn.Verdict().Problems) == 0
	}
	return false
}
