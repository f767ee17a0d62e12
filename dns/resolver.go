package dns

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/dns/sysconf"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// System is the operating system's resolver; *net.Resolver is one. It is asked for
// "ip4" and "ip6" at once, and has to give up soon when ctx ends.
type System interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	defaultMaxLookups = 64
	queuedPerLookup   = 100 // names that may wait, for each lookup under way (Chromium)
)

// A Resolver turns host names into addresses. Any number of goroutines may use it.
// Make one with [New].
type Resolver struct {
	system  System
	hosts   *sysconf.HostsFile // nil: none
	limit   int                // of running; 0: none
	cache   *hostcache.Cache
	ipv6    func() bool
	rules   Rules
	clients clients

	mu      sync.Mutex // guards what follows, and every job
	jobs    map[jobKey]*job
	queue   []*job // those of jobs that wait for their turn, oldest first
	running int
	closed  bool

	lookups sync.WaitGroup // goroutines; Add only with mu held and closed false
}

// New returns a resolver. Close it to end what it has under way.
func New(cfg Config) *Resolver {
	r := &Resolver{
		system: cfg.System, limit: cfg.MaxLookups, jobs: make(map[jobKey]*job),
		cache: hostcache.New(cfg.CacheSize), ipv6: cfg.IPv6Reachable, rules: cfg.Rules,
	}
	if r.system == nil {
		r.system = net.DefaultResolver
	}
	if r.ipv6 == nil {
		r.ipv6 = new(probe).reachable
	}
	switch {
	case r.limit == 0:
		r.limit = defaultMaxLookups
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
	r.clients.init(&cfg)
	return r
}

// Configure changes how names are looked up from now on (Electron:
// app.configureHostResolver). What is remembered is stale from then on.
func (r *Resolver) Configure(c ClientConfig) {
	r.clients.configure(c)
	r.cache.NetworkChanged()
}

// Resolve returns all addresses of host: a name, or an address with or without the
// brackets that a URL puts around IPv6. Private addresses are given out like any
// other, as a browser does.
//
// A name that is not valid, that nobody knows, or that nobody who was asked answered for
// within 10 s is [neterr.NameNotResolved], with what went wrong as its cause. An answer
// with the address 127.0.53.53 is [neterr.ICANNNameCollision]. When ctx ends, the lookup
// goes on for others who wait for it, and is abandoned if there are none.
func (r *Resolver) Resolve(ctx context.Context, host string, o Options) (Result, error) {
	l := Lookup{r: r, host: host, log: o.NetLog}
	r.start(ctx, &l, &o)
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
// localhost, a name in the hosts file and one that is remembered are answered when
// Start returns, without a goroutine.
//
// ctx is looked at once: a caller who has gone already starts nothing. From then on
// the Lookup lives until its Close.
func (r *Resolver) Start(ctx context.Context, host string, o Options) *Lookup {
	l := &Lookup{r: r, host: host, log: o.NetLog}
	r.start(ctx, l, &o)
	return l
}

func (r *Resolver) start(ctx context.Context, l *Lookup, o *Options) {
	l.begin(o)
	if err := context.Cause(ctx); err != nil {
		l.finish(Result{}, neterr.From(err))
		return
	}
	host, port, err := r.rules.Apply(l.host, o.Port)
	if err != nil {
		l.finish(Result{}, err)
		return
	}
	if port != o.Port {
		o.Port, l.port = port, port
	}
	l.plain = o.Scheme == "http" || o.Scheme == "ws"
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
	default:
		r.startName(l, name, o)
	}
}

// startName answers for a name from what is here, or has it asked for.
func (r *Resolver) startName(l *Lookup, name string, o *Options) {
	now, changed := r.clients.now()
	if changed { // other servers, other answers
		r.cache.NetworkChanged()
		l.log.Event(netlog.DNSConfigChanged)
	}
	var buf [8]step
	steps := now.sequence(buf[:0], name, o)
	l.logSequence(steps)
	k := jobKey{name: name, query: o.QueryType, source: o.Source, isolation: o.Isolation}
	if k.query == QueryAny && !r.ipv6() {
		k.query = QueryA
	}
	if !now.config.DisableAdditionalQueries {
		k.service = o.service(name)
	}
	remote := 0
	for _, s := range steps {
		if !s.local() || s == stepInsecureCache && remote > 0 {
			k.plan[remote] = s
			remote++
		}
	}
	for _, s := range steps {
		if !s.local() {
			break
		}
		if r.locally(l, &k, o, s, now) {
			return
		}
	}
	if remote == 0 {
		l.finish(Result{}, &neterr.Error{Code: neterr.NameNotResolved, Err: neterr.DNSCacheMiss})
		return
	}
	r.join(l, &k)
}

// locally takes one step that needs nobody else. It reports whether that answered l.
func (r *Resolver) locally(l *Lookup, k *jobKey, o *Options, s step, now *setup) bool {
	switch s {
	case stepHosts:
		return r.fromHosts(l, k.name, o)
	case stepPreset:
		addrs := now.preset(k.name)
		if len(addrs) == 0 {
			return false
		}
		l.log.Event(netlog.HostResolverManagerConfigPresetMatch)
		l.finish(Result{Addrs: addrs, Source: "preset"}, nil)
		return true
	}
	return r.fromCache(l, k, o, s != stepInsecureCache, s != stepSecureCache)
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
	r.mu.Unlock()
	r.lookups.Wait()
	r.clients.close()
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
	e := neterr.Error{Code: neterr.CodeOf(err), Op: "resolve", Addr: host, Err: err}
	switch own := err.(type) {
	case *neterr.Error:
		if own.Op == "" {
			e.Err = own.Err
		}
	case neterr.Code:
		e.Err = nil
	}
	return &e
}

// unresolved is a job's error as a caller gets it. What went wrong with a server, or on
// the way to it, is not the caller's to act upon: as Chromium has it, the name did not
// resolve, and why is the cause (HostResolver::SquashErrorCode).
func unresolved(err error) error {
	if err == nil {
		return nil
	}
	switch neterr.CodeOf(err) {
	case neterr.NameNotResolved, neterr.ICANNNameCollision, neterr.InternetDisconnected,
		neterr.Aborted, neterr.ContextShutDown, neterr.HostResolverQueueTooLarge, neterr.NetworkChanged:
		return err
	}
	return &neterr.Error{Code: neterr.NameNotResolved, Err: err}
}
