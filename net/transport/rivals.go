package transport

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls"
)

// A rivals has QUIC race with TCP. The pool runs both: its own jobs make TCP
// connections, an alternative job makes one of QUIC beside them (pool.Alternative).
// What comes first serves whoever waits. When QUIC comes later it takes over, since the
// next request is better off with it; when it comes to nothing, that is remembered.
//
// There is one race for a pool.Key at a time, which all its TCP jobs are in.
type rivals struct {
	pool           *pool.Pool
	dialer         *dial.Dialer
	tls            *tls.Client
	apart          *servers
	maxHeaderBytes int

	mu      sync.Mutex // guards what follows
	lore    lore
	network uint64 // which one it is
	races   map[pool.Key]*race
	doubted map[pool.Key]int // requests that try TCP because QUIC failed them
}

// A race is what a QUIC job and the TCP jobs of its key have in common.
type race struct {
	site    site
	plan    plan
	network uint64
	known   chan struct{} // closed when it is known where the service is
	since   time.Time     // when that was; settled then
	lost    chan struct{} // closed when QUIC has failed

	// Guarded by rivals.mu.
	err   error // why QUIC failed
	rival bool  // a TCP connection was made
}

// suits reports whether k's requests may go over QUIC.
func (q *rivals) suits(k *pool.Key) bool {
	return q != nil && k.Scheme == "https" && !k.HTTP1 && !k.WebSocket && k.Proxy.IsDirect() &&
		q.tls.SpeaksQUIC() && !q.apart.has(k)
}

func siteOf(k *pool.Key) site {
	return site{origin.Origin{Scheme: "https", Host: k.Host, Port: k.Port}, k.Isolation}
}

// advertised returns the race that r is in by what its server has said in Alt-Svc; nil
// if there is none.
func (q *rivals) advertised(r *pool.Request) *race {
	if q == nil || q.lore.store.IsEmpty() || !q.suits(&r.Key) {
		return nil
	}
	return q.enter(r, func(s site, now time.Time) (plan, bool) { return q.lore.advertised(s, now) })
}

// published is advertised for what DNS says.
func (q *rivals) published(r *pool.Request, services []dnswire.Service) *race {
	if !speaksHTTP3(services) {
		return nil
	}
	return q.enter(r, func(s site, now time.Time) (plan, bool) { return q.lore.published(s, services, now) })
}

// expects reports whether it is worth waiting for what DNS says about QUIC.
func (q *rivals) expects(k *pool.Key) bool {
	if _, err := netip.ParseAddr(k.Host); err == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lore.worked
}

// beside begins a race for a request that has a TCP connection already: QUIC is for the
// next one. It costs a look at a map if there is nothing to do.
func (q *rivals) beside(r *pool.Request) {
	if c := q.advertised(r); c != nil {
		q.connected(c)
	}
}

// enter returns the race for r's key, begun if there is a plan; nil if there is none.
func (q *rivals) enter(r *pool.Request, find func(site, time.Time) (plan, bool)) *race {
	q.mu.Lock()
	if c := q.races[r.Key]; c != nil {
		q.mu.Unlock()
		return c
	}
	s := siteOf(&r.Key)
	p, ok := plan{}, false
	if q.doubted[r.Key] == 0 {
		p, ok = find(s, time.Now())
	}
	if !ok {
		q.mu.Unlock()
		return nil
	}
	c := &race{site: s, plan: p, network: q.network, known: make(chan struct{}), lost: make(chan struct{})}
	q.races[r.Key] = c
	q.mu.Unlock()
	logFound(r.NetLog, &p)
	if !q.pool.Alternative(&pool.Request{Key: r.Key, Priority: r.Priority}) {
		q.end(&r.Key, c, neterr.Aborted) // QUIC serves already, or the pool is closed
		return nil
	}
	return c
}

// connect is what pool.Config.Connect does for an alternative job.
func (q *rivals) connect(ctx context.Context, r *pool.Request) (pool.Conn, error) {
	q.mu.Lock()
	c := q.races[r.Key]
	q.mu.Unlock()
	conn, err := q.dial(ctx, r, c)
	if err == nil && c.plan.confirm {
		err = conn.confirm(ctx) // it is complete, or in 0-RTT
	}
	if ctx.Err() != nil {
		err = neterr.Aborted // nobody wants it any more, which is not its fault
	}
	if err != nil {
		if conn != nil {
			conn.Close(err)
		}
		q.end(&r.Key, c, err)
		return nil, err
	}
	q.mu.Lock()
	if conn.isConfirmed() && c.network == q.network {
		q.lore.succeeded(c.site, &c.plan, conn.roundTrip())
	}
	delete(q.races, r.Key)
	q.mu.Unlock()
	return conn, nil
}

// end ends a race that QUIC has lost.
func (q *rivals) end(k *pool.Key, c *race, err error) {
	q.mu.Lock()
	delete(q.races, *k)
	c.err = err
	if c.rival {
		q.lore.failed(c.site, &c.plan, err, time.Now())
	}
	q.mu.Unlock()
	close(c.lost)
}

// connected is told that a TCP connection was made in race c.
func (q *rivals) connected(c *race) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.err != nil && !c.rival {
		q.lore.failed(c.site, &c.plan, c.err, time.Now())
	}
	c.rival = true
}

// find is told that it is known where the service is.
func (c *race) find() {
	c.since = time.Now()
	close(c.known)
}

// wait lets QUIC have its head start, which is one for all TCP jobs of the race: who
// comes when it is over does not wait. r is such a job. An error says that ctx ended.
func (c *race) wait(ctx context.Context, r *pool.Request) error {
	if c == nil || c.plan.headStart == 0 {
		return nil
	}
	r.Report(pool.Resolving) // no backup: that would wait, too
	logDelayed(r.NetLog, c.plan.headStart)
	// Wherever it is, it is found by then or not waited for.
	timer := time.NewTimer(maxHeadStart)
	defer timer.Stop()
	known := c.known
	for {
		select {
		case <-known:
			known = nil
			if left := time.Until(c.since.Add(c.plan.headStart)); left > 0 {
				timer.Reset(left)
				continue
			}
		case <-timer.C:
		case <-c.lost:
		case <-ctx.Done():
			return neterr.FromContext(ctx)
		}
		r.NetLog.Event(netlog.HTTPStreamJobResumed)
		return nil
	}
}

// doubt keeps k's requests from QUIC until decide is called: it failed one of them.
func (q *rivals) doubt(k pool.Key) {
	q.mu.Lock()
	q.doubted[k]++
	q.mu.Unlock()
	q.pool.Abandon(k)
}

// decide ends a doubt. If TCP did what c did not, c's service is broken.
func (q *rivals) decide(k pool.Key, c *quicConn, better bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.doubted[k]--; q.doubted[k] == 0 {
		delete(q.doubted, k)
	}
	// All requests of a connection are one failure.
	if now := time.Now(); better && !q.lore.store.Broken(c.plan.service, k.Isolation, now) {
		q.lore.store.MarkBroken(c.plan.service, k.Isolation, now)
	}
}

// networkChanged forgets what held on the last network.
func (q *rivals) networkChanged() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.network++
	q.lore.worked = false
	q.lore.store.NetworkChanged()
}

func logFound(log netlog.Source, p *plan) {
	if log.On() {
		log.Event(netlog.HTTPStreamJobControllerAltSvcFound,
			netlog.String("alt_svc", "quic "+serviceAddr(&p.service)), netlog.Bool("is_broken", false))
	}
}

func logDelayed(log netlog.Source, d time.Duration) {
	log.Event(netlog.HTTPStreamJobDelayed, netlog.Int("resume_after_ms", d.Milliseconds()))
}

func serviceAddr(v *altsvc.Service) string {
	return origin.Origin{Scheme: "quic", Host: v.Host, Port: v.Port}.HostPort()
}
