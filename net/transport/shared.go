package transport

import (
	"errors"
	"net/netip"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/tls"
)

// errShared ends the dialling of a connection that is not needed. Nobody sees it: the
// pool has ended the job already.
var errShared = &neterr.Error{Code: neterr.Aborted, Op: "connect", Err: errors.New("another host's connection will do")}

// sharing returns what looks for a connection of another host, to an address of r's,
// that may carry r's requests (Chromium: IP-based pooling); nil if they need their own.
func (c *connector) sharing(r *pool.Request) func([]netip.Addr) error {
	if r.Key.Scheme != "https" || r.Key.HTTP1 || c.http1 || c.apart.has(&r.Key) {
		return nil
	}
	return func(addrs []netip.Addr) error {
		if r.Share(addrs, r.Key.Port) {
			return errShared
		}
		return nil
	}
}

// A shared connection may serve any host that its server's certificate covers and
// that resolves to where it leads (RFC 9113 section 9.1.1). As in Chromium an ORIGIN
// frame changes nothing about that.
type shared struct {
	*h2.Conn
	tls  *tls.Conn
	peer netip.AddrPort // invalid if it serves one host
}

// shared returns mux, which is direct, as the pool is to have it. It serves one host
// if its certificate has faults that the program accepted for that host, or if we may
// have shown one: who we are is not for others.
func (c *connector) shared(mux *h2.Conn, conn *tls.Conn, k *pool.Key) *shared {
	s := &shared{Conn: mux, tls: conn}
	if len(conn.Verdict().Problems) == 0 && !c.tls.HasClientCertificate(k.Host, k.Port) {
		s.peer = exchange.AddrPort(conn.RemoteAddr())
	}
	return s
}

// Peer implements pool.Sharer.
func (s *shared) Peer() netip.AddrPort { return s.peer }

// Covers implements pool.Sharer.
func (s *shared) Covers(host string) bool { return s.tls.Covers(host) }
