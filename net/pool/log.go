package pool

import (
	"strconv"
	"strings"
	"time"

	"github.com/kaon-net/kaon/netlog"
)

// warnAfter is how long a request waits for a socket before that is worth a warning,
// and how long the next warning must wait for its turn.
const warnAfter = 10 * time.Second

// warn logs that w waits because of a limit, if it does, and names the limit. The
// usual reason is a program that does not close response bodies.
func (p *Pool) warn(w *waiter, now time.Time) {
	p.mu.Lock()
	if w.group == nil {
		p.mu.Unlock()
		return
	}
	m := p.machine(&w.req.Key)
	s, waiting := m.stalledBy(w), m.waiting
	perGroup, total := m.perGroup, m.ceiling.most()
	if s == notStalled || s == throttled || !p.warnedAt.IsZero() && now.Sub(p.warnedAt) < warnAfter {
		p.mu.Unlock()
		return
	}
	p.warnedAt = now
	p.mu.Unlock()
	if s == stalledStreams {
		p.cfg.Logger.Warn("request waits long for a stream: the server allows no more at once; unread or unclosed response bodies hold them",
			"group", w.req.Key.String(), "waiting", waiting)
		return
	}
	field, limit := "MaxConnsPerHost", perGroup
	switch {
	case s == stalledTotal && !w.req.Key.Proxy.IsDirect():
		field, limit = "MaxConnsPerProxy", total
	case s == stalledTotal:
		field, limit = "MaxConns", total
	}
	p.cfg.Logger.Warn("request waits long for a connection: all that the limit allows are in use; unread or unclosed response bodies hold them",
		"group", w.req.Key.String(), "field", field, "limit", limit, "waiting", waiting)
}

// logBound records that a request got c, and how long c was idle if it served before.
func logBound(log netlog.Source, c Conn, used bool, idle time.Duration) {
	if used {
		log.Event(netlog.SocketPoolReusedAnExistingSocket, netlog.Int("idle_ms", idle.Milliseconds()))
	}
	if src := source(c); src.ID() != 0 {
		log.Event(netlog.SocketPoolBoundToSocket, netlog.Dependency(src))
	} else {
		log.Event(netlog.SocketPoolBoundToSocket)
	}
}

// logShared records that a connect job need not connect, because c will do.
func logShared(job netlog.Source, c Conn) {
	if src := source(c); job.On() && src.ID() != 0 {
		job.Event(netlog.HTTP2SessionPoolFoundExistingSessionFromIPPool, netlog.Dependency(src))
	}
}

func logStall(log netlog.Source, s stall) {
	switch s {
	case stalledGroup:
		log.Event(netlog.SocketPoolStalledMaxSocketsPerGroup)
	case stalledTotal:
		log.Event(netlog.SocketPoolStalledMaxSockets)
	case throttled:
		log.Event(netlog.HTTPStreamJobThrottled)
	}
}

func logJob(log, job netlog.Source) {
	if log.On() && job.ID() != 0 {
		log.Event(netlog.SocketPoolBoundToConnectJob, netlog.Dependency(job))
	}
}

// jobSource returns a new source for the connect job of r. An alternative to TCP is QUIC:
// there is no other.
func (p *Pool) jobSource(r *Request) netlog.Source {
	switch {
	case r.Alternative:
		return p.cfg.Log.Source(netlog.SourceQUICSessionPoolDirectJob)
	case r.Key.Scheme == "https":
		return p.cfg.Log.Source(netlog.SourceSSLConnectJob)
	}
	return p.cfg.Log.Source(netlog.SourceTCPConnectJob)
}

func logJobCreated(j *job) {
	switch {
	case !j.log.On():
	case j.req.Alternative:
		j.log.Begin(netlog.QUICSessionPoolJob, netlog.String("host", j.req.Key.Host), netlog.Int("port", j.req.Key.Port))
	default:
		j.log.Begin(netlog.ConnectJob)
		j.log.Event(netlog.SocketPoolConnectJobCreated,
			netlog.Bool("backup_job", j.backup), netlog.String("group_id", j.req.Key.String()))
	}
}

func logJobEnded(j *job, err error) {
	if j.req.Alternative {
		j.log.EndErr(netlog.QUICSessionPoolJob, err)
	} else {
		j.log.EndErr(netlog.ConnectJob, err)
	}
}

// Info returns the state of the pool as NetLog's socketPoolInfo has it, ready for
// encoding/json: a member for direct connections, and one for each chain of proxies
// and for WebSockets while there are any. Groups with the same name are told apart by
// a number.
func (p *Pool) Info() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	var info []map[string]any
	for _, m := range p.machines() {
		info = append(info, m.info())
	}
	return info
}

func (m *machine) info() map[string]any {
	kind := "transport_socket_pool"
	switch proxy := m.shard.proxy; {
	case m.shard.webSocket:
		kind = "websocket_socket_pool" // Chromium shows none of these
	case strings.HasPrefix(proxy.String(), "socks"):
		kind = "socks_socket_pool"
	case !proxy.IsDirect():
		kind = "http_proxy_socket_pool"
	}
	info := map[string]any{
		"name":                    "[" + m.shard.proxy.String() + "]",
		"type":                    kind,
		"handed_out_socket_count": m.busy.n,
		"connecting_socket_count": m.jobs,
		"idle_socket_count":       m.resting.n + m.used.n + m.fresh.n,
		"socket_soft_cap":         m.ceiling.soft,
		"max_sockets_per_group":   m.perGroup,
	}
	groups := make(map[string]any, len(m.groups))
	for k, g := range m.groups {
		if g.slots() == 0 && g.waiting == 0 {
			continue // it has but the name of another's connection
		}
		name := k.String()
		for i := 2; groups[name] != nil; i++ {
			name = k.String() + " #" + strconv.Itoa(i)
		}
		groups[name] = m.groupInfo(g)
	}
	if len(groups) > 0 {
		info["groups"] = groups
	}
	return info
}

func (m *machine) groupInfo(g *group) map[string]any {
	idle := make([]uint64, 0, g.used.n+g.fresh.n)
	for _, l := range []*list[entry]{&g.used, &g.fresh} {
		for e := l.front(); e != nil; e = e.inGroup.after() {
			idle = append(idle, source(e.conn).ID())
		}
	}
	jobs := make([]uint64, 0, g.jobs.n)
	for j := g.jobs.front(); j != nil; j = j.inGroup.after() {
		jobs = append(jobs, j.log.ID())
	}
	info := map[string]any{
		"pending_request_count":       g.waiting,
		"active_socket_count":         g.busy.n + g.shared.n,
		"idle_sockets":                idle,
		"connect_jobs":                jobs,
		"is_stalled":                  m.isStalled(g),
		"backup_job_timer_is_running": !g.backupAt.IsZero(),
	}
	if w := g.top(); w != nil {
		info["top_pending_priority"] = w.req.Priority.String()
	}
	return info
}
