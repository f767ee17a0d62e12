package pool_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
)

// TestScenarios runs the rules in testdata, in fake time. The commands:
//
//	new [per-group=N] [total=N] [per-proxy=N]   an empty pool
//	acquire id=r host=a [n=N] [priority=P] [private] [http1] [web-socket] [proxy=P]
//	        [ignore-limits] [repeatable]  N requests in order: r1, r2, …
//	preconnect id=p host=a n=N
//	resolve job=b/1 to=(1.2.3.4,…)        the job knows where it would connect to
//	connect job=a/1 [err=NAME] [mux=N] [at=1.2.3.4 covers=(b,…)] [dead]   the job ends
//	phase job=a/1 is=resolving|connected  the job reports
//	done id=r…                            the exchange ends, its slot frees
//	unused id=r…                          the slot is given back unused
//	cancel id=r…                          the context of a request ends
//	die conn=a/1                          the peer closes; nobody notices
//	end conn=a/1                          the connection notices that it ended
//	slots conn=a/1 n=N                    the peer allows N streams
//	sleep for=250ms
//	separate host=a                       shares no other host's connection any more
//	alternative host=a                    an alternative job begins, alt/a
//	abandon host=a                        its alternative connection serves no more
//	close-idle | close-all | refresh | flush [drain] | close
//	state                                 what the pool holds
//
// The output is what happened, sorted. A connection is named after its job, a job
// after its group.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{}
			defer s.reset()
			datadriven.RunTest(t, path, s.run)
		})
	})
}

type script struct {
	pool     *pool.Pool
	jobs     map[string]*fakeJob
	conns    map[string]pool.Conn
	requests map[string]*fakeRequest
	count    map[string]int // jobs of a group so far

	mu     sync.Mutex
	events []string
}

type fakeJob struct {
	req    *pool.Request
	result chan func() (pool.Conn, error)
}

type fakeRequest struct {
	cancel context.CancelFunc
	conn   pool.Conn
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd != "new" && s.pool == nil {
		d.Fatalf(t, "the first command is new")
	}
	switch d.Cmd {
	case "new":
		s.start(num(t, d, "per-group"), num(t, d, "total"), num(t, d, "per-proxy"))
	case "acquire":
		n := max(num(t, d, "n"), 1)
		for i := range n {
			id := arg(t, d, "id")
			if d.HasArg("n") {
				id = fmt.Sprint(id, i+1)
			}
			s.acquire(t, d, id)
			synctest.Wait()
		}
	case "preconnect":
		id, r, n := arg(t, d, "id"), request(t, d), num(t, d, "n")
		ctx, cancel := context.WithCancel(t.Context())
		s.requests[id] = &fakeRequest{cancel: cancel}
		go func() {
			if err := s.pool.Preconnect(ctx, r, n); err != nil {
				s.logf("%s: %v", id, err)
			} else {
				s.logf("%s is done", id)
			}
		}()
	case "resolve":
		s.resolve(t, d)
	case "connect":
		s.connect(t, d)
	case "phase":
		j := s.jobs[arg(t, d, "job")]
		switch arg(t, d, "is") {
		case "resolving":
			j.req.Report(pool.Resolving)
		case "connected":
			j.req.Report(pool.Connected)
		}
	case "done", "unused":
		s.request(t, d).conn.Release()
	case "cancel":
		s.request(t, d).cancel()
	case "die":
		s.conn(t, d).(interface{ die() }).die()
	case "end":
		s.conn(t, d).(interface{ end(error) }).end(neterr.ConnectionClosed)
	case "slots":
		s.conn(t, d).(*fakeMux).setSlots(num(t, d, "n"))
	case "sleep":
		pause, err := time.ParseDuration(arg(t, d, "for"))
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		time.Sleep(pause)
	case "separate":
		s.pool.Separate(request(t, d).Key)
	case "alternative":
		if !s.pool.Alternative(request(t, d)) {
			s.logf("no")
		}
	case "abandon":
		s.pool.Abandon(request(t, d).Key)
	case "flush":
		s.pool.Flush(neterr.NetworkChanged, d.HasArg("drain"))
	case "close-idle":
		s.pool.CloseIdle()
	case "close-all":
		s.pool.CloseAll(neterr.Aborted)
	case "refresh":
		s.pool.Refresh(neterr.NetworkChanged)
	case "close":
		s.pool.Close()
	case "state":
		return s.state()
	default:
		d.Fatalf(t, "unknown command")
	}
	synctest.Wait()
	return s.happened()
}

func (s *script) start(perGroup, total, perProxy int) {
	s.reset()
	s.jobs = make(map[string]*fakeJob)
	s.conns = make(map[string]pool.Conn)
	s.requests = make(map[string]*fakeRequest)
	s.count = make(map[string]int)
	s.pool = pool.New(pool.Config{
		MaxConnsPerHost: perGroup, MaxConns: total, MaxConnsPerProxy: perProxy, Connect: s.dial,
	})
}

func (s *script) reset() {
	if s.pool != nil {
		s.pool.Close()
		synctest.Wait()
		s.happened()
	}
}

func (s *script) dial(ctx context.Context, r *pool.Request) (pool.Conn, error) {
	name := groupName(r.Key)
	if r.Alternative {
		name = "alt/" + name
	}
	j := &fakeJob{req: r, result: make(chan func() (pool.Conn, error), 1)}
	s.mu.Lock()
	s.count[name]++
	name = fmt.Sprint(name, "/", s.count[name])
	s.jobs[name] = j
	s.mu.Unlock()
	s.logf("%s begins", name)
	select {
	case f := <-j.result:
		return f()
	case <-ctx.Done():
		s.logf("%s cancelled: %v", name, context.Cause(ctx))
		return nil, ctx.Err()
	}
}

// resolve has the job ask for a connection to share; one that has got it ends with an
// error that nobody is to see.
func (s *script) resolve(t *testing.T, d *datadriven.TestData) {
	j := s.jobs[arg(t, d, "job")]
	if j == nil {
		d.Fatalf(t, "no such job")
	}
	var addrs []netip.Addr
	for _, a := range list(t, d, "to") {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	if j.req.Share(addrs, 443) {
		j.result <- func() (pool.Conn, error) { return nil, errors.New("fake: shares a connection") }
	}
}

func (s *script) connect(t *testing.T, d *datadriven.TestData) {
	name := arg(t, d, "job")
	j := s.jobs[name]
	if j == nil {
		d.Fatalf(t, "no job %s", name)
	}
	closed := func(c *fakeConn, err error) { s.logf("%s closed: %v", c.name, err) }
	j.result <- func() (pool.Conn, error) {
		if d.HasArg("err") {
			code, _ := neterr.FromName(arg(t, d, "err"))
			return nil, code
		}
		var c pool.Conn
		if n := num(t, d, "mux"); n > 0 {
			m := &fakeMux{fakeConn: fakeConn{name: name, onClose: closed}, slots: n}
			if d.HasArg("at") {
				m.peer = netip.AddrPortFrom(netip.MustParseAddr(arg(t, d, "at")), 443)
				m.covers = list(t, d, "covers")
			}
			c = m
		} else {
			c = &fakeConn{name: name, onClose: closed, dead: d.HasArg("dead")}
		}
		s.mu.Lock()
		s.conns[name] = c
		s.mu.Unlock()
		return c, nil
	}
}

func (s *script) acquire(t *testing.T, d *datadriven.TestData, id string) {
	ctx, cancel := context.WithCancel(t.Context())
	q := &fakeRequest{cancel: cancel}
	s.requests[id] = q
	r := request(t, d)
	go func() {
		c, reused, err := s.pool.Acquire(ctx, r)
		if err != nil {
			s.logf("%s: %v", id, err)
			return
		}
		q.conn = c
		how := "new"
		if reused {
			how = "reused"
		}
		s.logf("%s gets %s, %s", id, connName(c), how)
	}()
}

func connName(c pool.Conn) string {
	if m, ok := c.(*fakeMux); ok {
		return m.name
	}
	return c.(*fakeConn).name
}

func (s *script) request(t *testing.T, d *datadriven.TestData) *fakeRequest {
	q := s.requests[arg(t, d, "id")]
	if q == nil || d.Cmd != "cancel" && q.conn == nil {
		d.Fatalf(t, "no such request, or it has no connection")
	}
	return q
}

func (s *script) conn(t *testing.T, d *datadriven.TestData) pool.Conn {
	c := s.conns[arg(t, d, "conn")]
	if c == nil {
		d.Fatalf(t, "no such connection")
	}
	return c
}

func (s *script) logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, fmt.Sprintf(format, args...))
}

func (s *script) happened() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	if len(events) == 0 {
		return "nothing"
	}
	slices.Sort(events)
	return strings.Join(events, "\n")
}

func (s *script) state() string {
	var lines []string
	for _, info := range s.pool.Info() {
		lines = append(lines, groupLines(info)...)
	}
	if len(lines) == 0 {
		return "empty"
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func groupLines(info map[string]any) (lines []string) {
	where := ""
	if name := info["name"].(string); name != "[direct://]" {
		where = name
	}
	if strings.HasPrefix(info["type"].(string), "websocket") {
		where += "websocket "
	}
	groups, _ := info["groups"].(map[string]any)
	for name, v := range groups {
		g := v.(map[string]any)
		name = strings.TrimPrefix(name, "https://")
		name = strings.Replace(name, "/https://", "/", 1)
		line := where + fmt.Sprintf("%s: %d busy, %d idle, %d connecting, %d waiting", name, g["active_socket_count"],
			len(g["idle_sockets"].([]uint64)), len(g["connect_jobs"].([]uint64)), g["pending_request_count"])
		if p, ok := g["top_pending_priority"]; ok {
			line += fmt.Sprint(", top ", p)
		}
		if g["is_stalled"].(bool) {
			line += ", stalled"
		}
		if g["backup_job_timer_is_running"].(bool) {
			line += ", backup timer"
		}
		lines = append(lines, line)
	}
	return lines
}

func groupName(k pool.Key) string {
	switch {
	case k.Private:
		return "pm/" + k.Host
	case k.HTTP1:
		return "http1/" + k.Host
	case k.WebSocket:
		return "ws/" + k.Host
	case !k.Proxy.IsDirect():
		return k.Proxy.String() + "/" + k.Host
	}
	return k.Host
}

func request(t *testing.T, d *datadriven.TestData) *pool.Request {
	r := &pool.Request{
		Key: pool.Key{
			Scheme: "https", Host: arg(t, d, "host"), Port: 443,
			Private: d.HasArg("private"), HTTP1: d.HasArg("http1"), WebSocket: d.HasArg("web-socket"),
		},
		IgnoreLimits: d.HasArg("ignore-limits"),
		Repeatable:   d.HasArg("repeatable"),
	}
	if d.HasArg("proxy") {
		r.Key.Proxy = pool.ProxyOf(arg(t, d, "proxy"))
	}
	if d.HasArg("priority") {
		p, err := priority(arg(t, d, "priority"))
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		r.Priority = p
	}
	return r
}

func priority(name string) (exchange.Priority, error) {
	for p := exchange.Throttled; p <= exchange.Highest; p++ {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, errors.New("no such priority")
}

func arg(t *testing.T, d *datadriven.TestData, key string) (v string) {
	d.ScanArgs(t, key, &v)
	return v
}

func list(t *testing.T, d *datadriven.TestData, key string) []string {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			return a.Vals
		}
	}
	d.Fatalf(t, "needs %s", key)
	return nil
}

func num(t *testing.T, d *datadriven.TestData, key string) (n int) {
	if d.HasArg(key) {
		d.ScanArgs(t, key, &n)
	}
	return n
}
