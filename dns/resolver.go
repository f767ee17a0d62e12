package dns

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/kaon-net/kaon/dns/sysconf"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// Config configures a [Resolver]. The zero Config is a resolver that behaves as the
// operating system's, under Chromium's limits.
type Config struct {
	System           System // nil: net.DefaultResolver
	HostsFile        string // path; empty: the system's
	DisableHosts     bool   // do not read a hosts file; the System may still do so
	MaxSystemLookups int    // names asked for at once, others wait; 0: 64; negative: no limit
}

// System is the operating system's resolver; *net.Resolver is one. It is asked for
// "ip4" and "ip6" at once, and has to give up soon when ctx ends.
type System interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	defaultMaxSystemLookups = 64
	queuedPerLookup         = 100 // names that may wait, for each lookup under way (Chromium)
)

// A Resolver turns host names into addresses. Any number of goroutines may use it.
// Make one with [New].
type Resolver struct {
	system System
	hosts  *sysconf.HostsFile // nil: none
	limit  int                // of running; 0: none

	mu      sync.Mutex // guards what follows, and every job
	jobs    map[jobKey]*job
	queue   []*job // those of jobs that wait for their turn, oldest first
	running int
	closed  bool

	lookups sync.WaitGroup // goroutines; Add only with mu held and closed false
}

// New returns a resolver. Close it to end what it has under way.
func New(cfg Config) *Resolver {
	r := &Resolver{system: cfg.System, limit: cfg.MaxSystemLookups, jobs: make(map[jobKey]*job)}
	if r.system == nil {
		r.system = net.DefaultResolver
	}
	switch {
	case r.limit == 0:
		r.limit = defaultMaxSystemLookups
	case r.limit < 0:
		r.limit = 0
	}
	if !cfg.DisableHosts {
		path := cfg.HostsFile
		if path == "" {
			path = sysconf.HostsPath()
		}
		r.hosts = sysconf.NewHostsFile(path)
	}
	return r
}

// Resolve returns all addresses of host: a name, or an address with or without the
// brackets that a URL puts around IPv6. Private addresses are given out like any
// other, as a browser does.
//
// A name that is not valid or that nobody knows is [neterr.NameNotResolved], an
// answer with the address 127.0.53.53 [neterr.ICANNNameCollision], a source that
// this resolver does not have [neterr.NotImplemented]. When ctx ends, the lookup
// goes on for others who wait for it, and is abandoned if there are none.
func (r *Resolver) Resolve(ctx context.Context, host string, o Options) (Result, error) {
	l := r.Start(ctx, host, o)
	defer l.Close()
	for {
		res, done, err := l.Poll()
		if done {
			return res, err
		}
		select {
		case <-l.Changed():
		case <-ctx.Done():
			return Result{}, failure(host, neterr.From(context.Cause(ctx)))
		}
	}
}

// Start begins to resolve host as [Resolver.Resolve] does and returns at once, so
// that the caller can use addresses as they come: IPv6 ones immediately, IPv4 ones
// after another 50 ms in which IPv6 may still come (RFC 8305 section 3). An address,
// localhost and a name in the hosts file are answered when Start returns, without a
// goroutine.
//
// ctx is looked at once: a caller who has gone already starts nothing. From then on
// the Lookup lives until its Close.
func (r *Resolver) Start(ctx context.Context, host string, o Options) *Lookup {
	l := &Lookup{r: r, host: host, log: o.NetLog}
	l.begin(&o)
	if err := context.Cause(ctx); err != nil {
		l.finish(Result{}, neterr.From(err))
		return l
	}
	addr, name, err := parseName(host)
	if err == nil {
		err = o.validate()
	}
	switch {
	case err != nil:
		l.finish(Result{}, err)
	case addr.IsValid():
		l.answer("literal", o.QueryType, addr, netip.Addr{})
	case origin.IsLocalhost(name):
		// RFC 6761 section 6.3: never asked of anybody.
		l.answer("localhost", o.QueryType, loopback6, loopback4)
	case r.fromHosts(l, name, &o):
	case o.Source == SourceLocalOnly:
		l.finish(Result{}, &neterr.Error{Code: neterr.NameNotResolved, Err: neterr.DNSCacheMiss})
	default:
		r.join(l, name, &o)
	}
	return l
}

// Close ends the lookups under way, which fail with [neterr.ContextShutDown] as
// later ones do, and waits for its goroutines. Literals and other local answers
// are still given.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	for _, j := range r.jobs {
		j.finish(neterr.ContextShutDown)
	}
	neverRan := r.queue
	r.queue = nil
	r.mu.Unlock()
	for _, j := range neverRan {
		j.log.EndErr(netlog.HostResolverManagerJob, neterr.ContextShutDown)
	}
	r.lookups.Wait()
}

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)

// fromHosts answers l if the hosts file has an address of a family that is asked for.
func (r *Resolver) fromHosts(l *Lookup, name string, o *Options) bool {
	if r.hosts == nil {
		return false
	}
	a4, a6 := r.hosts.Lookup(name)
	if !(a4.IsValid() && o.QueryType.allows(v4)) && !(a6.IsValid() && o.QueryType.allows(v6)) {
		return false
	}
	l.log.Event(netlog.HostResolverManagerHostsHit)
	l.answer("hosts", o.QueryType, a6, a4)
	return true
}

// failure says which host a code or cause is about.
func failure(host string, err error) error {
	if e, ok := err.(*neterr.Error); ok && e.Op == "" {
		return &neterr.Error{Code: e.Code, Op: "resolve", Addr: host, Err: e.Err}
	}
	if c, ok := err.(neterr.Code); ok {
		return &neterr.Error{Code: c, Op: "resolve", Addr: host}
	}
	return &neterr.Error{Code: neterr.CodeOf(err), Op: "resolve", Addr: host, Err: err}
}
