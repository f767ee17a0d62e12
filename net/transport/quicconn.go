package transport

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/tls"
)

// A quicConn is an HTTP/3 connection as the pool is to have it. As a shared one of
// HTTP/2 it may serve any host that resolves to where it leads and that its certificate
// covers, if that host has been found to speak HTTP/3, too.
type quicConn struct {
	*h3.Conn
	rivals    *rivals
	site      site
	plan      plan
	handshake *tls.QUICHandshake
	peer      netip.AddrPort // invalid if it serves one host
	timing    *exchange.ConnectTiming
	noted     sync.Once
}

// dial makes the connection that c is for. A failure to find or reach the service comes
// back as the dialer has it.
func (q *rivals) dial(ctx context.Context, r *pool.Request, c *race) (*quicConn, error) {
	k, p := &r.Key, &c.plan
	var ech []byte
	d, err := q.dialer.Dial(ctx, &dial.Request{
		Host: p.service.Host, Port: p.service.Port, Scheme: "https", SecureDNS: k.SecureDNS, Isolation: k.Isolation,
		NetLog: r.NetLog,
		Resolved: func(addrs []netip.Addr) error {
			if r.Share(addrs, p.service.Port) {
				return errShared
			}
			return nil
		},
		ServicesFirst: true,
		Services: func(services []dnswire.Service) error {
			c.find()
			ech = echConfigList(services)
			if p.found == byDNS && !speaksHTTP3(services) {
				return neterr.DNSNoMatchingSupportedALPN // not any more
			}
			return nil
		},
		Connect: func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			return q.shake(ctx, r, c, addr, ech)
		},
	})
	if err != nil {
		return nil, err
	}
	conn := d.Conn.(*quicSocket).conn
	// As Chromium has it, the handshake is the connecting.
	conn.timing = &exchange.ConnectTiming{
		DNSStart: d.DNSStart, DNSEnd: d.DNSEnd, Start: d.ConnectStart, End: d.ConnectEnd,
		TLSStart: d.ConnectStart, TLSEnd: d.ConnectEnd,
	}
	return conn, nil
}

// shake makes one attempt to connect. The certificate must be the origin's, wherever
// addr is.
func (q *rivals) shake(ctx context.Context, r *pool.Request, c *race, addr netip.AddrPort, ech []byte) (net.Conn, error) {
	k := &r.Key
	// In 0-RTT the certificate is judged when the attempt is over.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })()
	handshake, err := q.tls.QUIC(life, &tls.Request{
		Host: k.Host, Port: k.Port, Isolation: k.Isolation, Private: k.Private, ECHConfigList: ech, NetLog: r.NetLog,
	})
	if err != nil {
		end(nil)
		return nil, err
	}
	socket, err := q.dialer.UDP(ctx, addr)
	if err != nil {
		end(nil)
		return nil, err
	}
	mux, err := h3.Dial(ctx, socket, handshake.Config(), h3.Config{
		NetLog: r.NetLog, Host: c.site.origin.HostPort(), MaxHeaderBytes: q.maxHeaderBytes,
		Released: func() { end(nil) }, VerifiedChains: handshake.VerifiedChains,
	})
	if err != nil {
		return nil, err
	}
	conn := &quicConn{Conn: mux, rivals: q, site: c.site, plan: c.plan, handshake: handshake}
	if !q.tls.HasClientCertificate(k.Host, k.Port) { // who we are is not for others
		conn.peer = exchange.AddrPort(socket.RemoteAddr())
	}
	return &quicSocket{socket, conn}, nil
}

// A quicSocket is a connection while the dialer has it.
type quicSocket struct {
	net.Conn // for its addresses
	conn     *quicConn
}

func (s *quicSocket) Close() error {
	s.conn.Conn.Close(neterr.Aborted)
	return nil
}

// confirm waits until the server has proved itself, which in 0-RTT it has not.
func (c *quicConn) confirm(ctx context.Context) error {
	select {
	case <-c.QUICConn().HandshakeComplete():
		return nil
	case <-c.QUICConn().Context().Done():
		return &neterr.Error{Code: neterr.QUICHandshakeFailed, Op: "http/3", Addr: c.site.origin.HostPort()}
	case <-ctx.Done():
		return neterr.FromContext(ctx)
	}
}

func (c *quicConn) isConfirmed() bool {
	select {
	case <-c.QUICConn().HandshakeComplete():
		return true
	default:
		return false
	}
}

func (c *quicConn) roundTrip() time.Duration { return c.QUICConn().ConnectionStats().SmoothedRTT }

// RoundTrip implements pool.Conn.
func (c *quicConn) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	resp, err := c.Conn.RoundTrip(ctx, req)
	if err != nil {
		return nil, err
	}
	resp.Info.Alternative = c.plan.found
	if !resp.Info.Reused {
		resp.Info.Timing.Connect = c.timing
	}
	return resp, nil
}

// SetStateHook implements pool.Conn. When the connection ends, what it was like is noted.
func (c *quicConn) SetStateHook(f func()) {
	c.Conn.SetStateHook(func() {
		if c.Err() != nil {
			c.noted.Do(c.note)
		}
		f()
	})
}

func (c *quicConn) note() {
	c.rivals.mu.Lock()
	defer c.rivals.mu.Unlock()
	if c.isConfirmed() {
		c.rivals.lore.store.SetRoundTrip(c.site.origin, c.site.isolation, c.roundTrip())
	} else {
		c.rivals.lore.faded(c.site, &c.plan)
	}
}

// Peer implements pool.Sharer.
func (c *quicConn) Peer() netip.AddrPort { return c.peer }

// Covers implements pool.Sharer.
func (c *quicConn) Covers(host string) bool { return c.handshake.Covers(host) }
