package dial

import (
	"context"
	"net"
	"net/http/httptrace"
	"net/netip"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/netlog"
)

// A job is one call of Dial. It belongs to the caller's goroutine, which alone
// decides, logs and calls hooks; attempts under way send it what became of them.
type job struct {
	d   *Dialer
	r   *Request
	ctx context.Context
	res Result

	lookup   *dns.Lookup
	resolved dns.Result
	traced   bool // DNSStart was called, DNSDone not yet
	known    bool // the HTTPS records are
	served   bool // r.Services was called

	race     race
	results  chan outcome // has room for every attempt under way
	attempts int          // under way
	lastErr  error        // of the attempt that failed last
}

// An attempt is a connection being made to one address.
type attempt struct {
	connector int
	addr      netip.AddrPort
	log       netlog.Source // the socket's
}

type outcome struct {
	attempt
	conn net.Conn
	err  error
}

func (j *job) startLookup() {
	j.res.DNSStart = time.Now()
	if _, err := netip.ParseAddr(bare(j.r.Host)); err != nil && j.r.Trace != nil {
		if j.traced = true; j.r.Trace.DNSStart != nil {
			j.r.Trace.DNSStart(httptrace.DNSStartInfo{Host: j.r.Host})
		}
	}
	j.lookup = j.d.resolver().Start(j.ctx, j.r.Host, dns.Options{
		SecureDNSPolicy: j.r.SecureDNS, Isolation: j.r.Isolation, NetLog: j.r.NetLog,
		Scheme: j.r.Scheme, Port: j.r.Port,
	})
}

// poll takes over what the resolver has. An error of the resolver, or of the caller's
// Resolved, is the end, even of attempts under way.
func (j *job) poll() error {
	res, done, err := j.lookup.Poll()
	if j.attempts == 0 {
		j.res.DNSEnd = time.Now()
		j.res.ConnectStart = j.res.DNSEnd
	}
	if done && err == nil && res.Source == "literal" {
		j.res.DNSStart, j.res.DNSEnd = time.Time{}, time.Time{}
	}
	j.resolved = res
	j.race.learn(res.Addrs, done)
	if done {
		j.endLookup(err)
	}
	if err == nil && j.r.Resolved != nil && len(res.Addrs) > 0 {
		err = j.r.Resolved(res.Addrs)
	}
	if err == nil && (done || res.ServicesKnown) {
		j.known = true
		err = j.serve(res.Services)
	}
	return err
}

// serve tells the caller of the HTTPS records, once.
func (j *job) serve(services []dnswire.Service) error {
	j.res.Services = services
	if j.served || j.r.Services == nil {
		return nil
	}
	j.served = true
	err := j.r.Services(services)
	if j.attempts == 0 && j.res.Conn == nil {
		j.res.ConnectStart = time.Now() // that may have taken its time
	}
	return err
}

// endLookup tells the trace, once, how resolving ended: with all addresses, or with
// those that sufficed.
func (j *job) endLookup(err error) {
	if !j.traced {
		return
	}
	j.traced = false
	if j.r.Trace.DNSDone == nil {
		return
	}
	info := httptrace.DNSDoneInfo{Err: err}
	for _, a := range j.resolved.Addrs {
		info.Addrs = append(info.Addrs, net.IPAddr{IP: a.AsSlice()})
	}
	j.r.Trace.DNSDone(info)
}

// serviceWait is how long a connection waits for the HTTPS records of its host, which
// say how to shake hands. The resolver gives up sooner once it has all addresses.
const serviceWait = 50 * time.Millisecond

// awaitLateServices takes the HTTPS records, if they come in time. What else the resolver
// has to say does not matter any more.
func (j *job) awaitLateServices() error {
	var late <-chan time.Time
	for {
		res, done, err := j.lookup.Poll()
		switch {
		case err != nil:
			return nil
		case done || res.ServicesKnown:
			return j.serve(res.Services)
		case late == nil:
			timer := time.NewTimer(serviceWait)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-j.lookup.Changed():
		case <-late:
			j.res.Services = res.Services
			return nil
		case <-j.ctx.Done():
			return nil
		}
	}
}

// awaitServices waits until it is known what HTTPS records there are.
func (j *job) awaitServices() error {
	for !j.known {
		select {
		case <-j.lookup.Changed():
		case <-j.ctx.Done():
			return failure(j.ctx, hostPort(j.r.Host, j.r.Port), nil)
		}
		if err := j.poll(); err != nil {
			return err
		}
	}
	return nil
}

// connectAlone tries the only address there is.
func (j *job) connectAlone() error {
	c, addr, _ := j.race.next(j.res.ConnectStart)
	a := j.begin(c, addr)
	conn, err := j.connect(j.ctx, a.addr)
	o := outcome{a, conn, err}
	if j.end(&o); o.err != nil {
		return o.err
	}
	j.won(&o)
	return nil
}

// connectRacing tries addresses as the race has it, until one connects or all have
// failed.
func (j *job) connectRacing() error {
	ctx, cancel := context.WithCancel(j.ctx)
	j.results = make(chan outcome, len(j.race.connectors))
	defer j.drain()
	defer cancel()

	var slow <-chan time.Time
	for {
		for c, addr, ok := j.race.next(time.Now()); ok; c, addr, ok = j.race.next(time.Now()) {
			j.launch(ctx, c, addr)
		}
		if j.race.over() {
			return j.lastErr
		}
		if at, ok := j.race.wake(); ok && slow == nil {
			timer := time.NewTimer(time.Until(at))
			defer timer.Stop()
			slow = timer.C
		}
		select {
		case o := <-j.results:
			j.attempts--
			if j.end(&o); o.err == nil {
				j.won(&o)
				return nil
			}
			j.race.failed(o.connector)
			j.lastErr = o.err
		case <-j.lookup.Changed():
			if err := j.poll(); err != nil {
				return err
			}
		case <-slow:
			if j.race.tick(time.Now()) && j.r.Connect == nil {
				j.r.NetLog.Event(netlog.TCPConnectJobCreateSecondConnector)
			}
		case <-j.ctx.Done():
			return failure(j.ctx, hostPort(j.r.Host, j.r.Port), nil)
		}
	}
}

func (j *job) launch(ctx context.Context, c int, addr netip.Addr) {
	a := j.begin(c, addr)
	j.attempts++
	go func() {
		conn, err := j.connect(ctx, a.addr)
		j.results <- outcome{a, conn, err}
	}()
}

// drain waits for the attempts that are no longer wanted, and closes what they made
// all the same.
func (j *job) drain() {
	for ; j.attempts > 0; j.attempts-- {
		o := <-j.results
		if o.err == nil {
			o.conn.Close()
			o.conn, o.err = nil, context.Canceled
		}
		j.end(&o)
	}
}

func (j *job) begin(c int, addr netip.Addr) attempt {
	a := attempt{connector: c, addr: netip.AddrPortFrom(addr, j.port())}
	j.logBegin(&a)
	if t := j.r.Trace; t != nil && t.ConnectStart != nil {
		t.ConnectStart("tcp", a.addr.String())
	}
	return a
}

// port is where to connect to, which a rule of the resolver may have changed.
func (j *job) port() uint16 {
	if j.resolved.Port != 0 {
		return j.resolved.Port
	}
	return j.r.Port
}

// end gives a failure its code, and tells log and trace.
func (j *job) end(o *outcome) {
	if o.err != nil {
		o.err = failure(j.ctx, o.addr.String(), o.err)
	}
	j.logEnd(o)
	if t := j.r.Trace; t != nil && t.ConnectDone != nil {
		t.ConnectDone("tcp", o.addr.String(), o.err)
	}
}

func (j *job) won(o *outcome) {
	j.res.Conn, j.res.NetLog, j.res.ConnectEnd = o.conn, o.log, time.Now()
	if j.r.NetLog.On() && j.r.Connect == nil {
		name := netlog.String("connector", connectorName(o.connector))
		j.r.NetLog.Event(netlog.TCPConnectJobVerifyIPEndpointUsable, name, netlog.Bool("is_usable", true))
		j.r.NetLog.Event(netlog.TCPConnectJobConnectorDone, name)
		j.r.NetLog.Event(netlog.ConnectJobSetSocket, netlog.Dependency(o.log))
	}
}
