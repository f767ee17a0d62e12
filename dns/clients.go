package dns

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/dns/mdns"
	"github.com/kaon-net/kaon/dns/stub"
	"github.com/kaon-net/kaon/dns/sysconf"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// maxFailures is how often in a row the system's resolver may have to answer for the
// built-in client before it is asked first (Chromium).
const maxFailures = 16

// clients are those who ask the network, as the settings of the program and of the
// system have it at the moment.
type clients struct {
	system *sysconf.Watcher // nil: fixed
	fixed  *sysconf.Config
	http   http.RoundTripper
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	mdns   mdns.Client
	log    *netlog.Log

	current atomic.Pointer[setup]
	mu      sync.Mutex // held to replace it
	closed  bool       // guarded by mu

	// Of setups that were replaced. Nobody else waits for the end of their questions:
	// it may be one of these that noticed the change.
	retired sync.WaitGroup
}

// A setup is what the settings make. It does not change but for its failures.
type setup struct {
	config ClientConfig
	system *sysconf.Config
	dns    *stub.Client // nil: there is nobody to ask
	secure *doh.Client  // nil: likewise

	failures atomic.Int32 // of dns, in a row, that the system's resolver made good
}

func (c *clients) init(cfg *Config) {
	c.http, c.dial, c.log = cfg.HTTP, cfg.Dial, cfg.Log
	if cfg.Nameservers == nil {
		c.system = sysconf.NewWatcher(sysconf.Paths{})
	} else {
		c.fixed = sysconf.ParseResolvConf(nil)
		c.fixed.Nameservers = slices.Clone(cfg.Nameservers)
	}
	c.configure(cfg.Client)
}

// configure changes the program's settings.
func (c *clients) configure(cfg ClientConfig) {
	cfg.SecureDNSServers = slices.Clone(cfg.SecureDNSServers)
	c.mu.Lock()
	defer c.mu.Unlock()
	var system *sysconf.Config // not read before somebody asks
	if old := c.current.Load(); old != nil {
		system = old.system
	}
	c.replace(cfg, system)
}

// now returns what is to be used, and whether that is something new.
func (c *clients) now() (s *setup, changed bool) {
	s = c.current.Load()
	system := c.fixed
	if c.system != nil {
		system = c.system.Config()
	}
	if s.system == system {
		return s, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s = c.current.Load(); s.system == system {
		return s, false
	}
	first := s.system == nil
	c.replace(s.config, system)
	return c.current.Load(), !first
}

// replace makes a new setup. With mu held.
func (c *clients) replace(cfg ClientConfig, system *sysconf.Config) {
	s := &setup{config: cfg, system: system}
	if system != nil && len(system.Nameservers) > 0 {
		s.dns = stub.New(stub.Config{
			// Not the system's Timeout: Chromium waits for a second whatever is said there.
			Servers: system.Nameservers, Attempts: system.Attempts,
			Rotate: system.Rotate, UseTCP: system.UseTCP, Dial: c.dial,
		})
	}
	servers := cfg.SecureDNSServers
	if len(servers) == 0 && cfg.SecureDNSMode == SecureDNSAutomatic && system != nil && len(system.Unhandled) == 0 {
		servers = doh.Upgrade(system.Nameservers)
	}
	old := c.current.Load()
	if len(servers) > 0 && cfg.SecureDNSMode != SecureDNSOff && c.http != nil && !c.closed {
		s.secure = doh.New(doh.Config{
			Servers: servers, HTTP: c.http, Automatic: cfg.SecureDNSMode == SecureDNSAutomatic, Log: c.log,
		})
	}
	c.current.Store(s)
	if old != nil && old.secure != nil && !c.closed {
		c.retired.Go(old.secure.Close)
	}
}

// networkChanged has servers found out about anew that could not be reached before.
func (c *clients) networkChanged() {
	if s := c.current.Load(); s.secure != nil {
		s.secure.NetworkChanged()
	}
}

func (c *clients) close() {
	c.mu.Lock()
	c.closed = true
	s := c.current.Load()
	c.mu.Unlock()
	if s.secure != nil {
		s.secure.Close()
	}
	c.retired.Wait()
}

// sequence appends whom to ask for a name.
func (s *setup) sequence(steps []step, name string, o *Options) []step {
	at := situation{
		source: o.Source, usage: o.CacheUsage, policy: o.SecureDNSPolicy, mode: s.config.SecureDNSMode,
		haveDNS: s.dns != nil,
		doh:     s.secure != nil, dohWorks: s.secure != nil && s.secure.Available(),
		multicastName: isMulticastName(name),
	}
	at.builtIn = at.haveDNS && s.config.builtIn() && len(s.system.Unhandled) == 0 && s.failures.Load() < maxFailures
	return at.sequence(steps)
}

// preset returns where a DNS over HTTPS server was said to be.
func (s *setup) preset(name string) []netip.Addr {
	for i := range s.config.SecureDNSServers {
		if server := &s.config.SecureDNSServers[i]; server.Host() == name {
			return server.Addrs()
		}
	}
	return nil
}

// asker returns who is asked in a step of j.
func (r *Resolver) asker(j *job, s step) asker {
	now, _ := r.clients.now()
	log := j.log
	switch {
	case s == stepSystem:
		return r.askSystem
	case s == stepMDNS:
		return func(ctx context.Context, q dnswire.Question) (*dnswire.Answer, error) {
			return r.clients.mdns.Query(ctx, q, log)
		}
	case s == stepSecureDNS && now.secure != nil:
		return now.searching(func(ctx context.Context, q dnswire.Question) (*dnswire.Answer, error) {
			transaction := beginTransaction(log, q)
			a, err := now.secure.Query(ctx, q, transaction)
			endTransaction(transaction, a, err)
			if errors.Is(err, neterr.ContextShutDown) {
				err = neterr.NetworkChanged // other settings took its place, or j has ended, too
			}
			return a, err
		})
	case s == stepDNS && now.dns != nil:
		o := stub.Options{FastTimeout: slices.Contains(j.key.plan[:], stepSystem), NetLog: log}
		return now.searching(func(ctx context.Context, q dnswire.Question) (*dnswire.Answer, error) {
			return now.dns.Query(ctx, q, o)
		})
	}
	// Nobody, or the settings changed since the job was planned.
	return func(context.Context, dnswire.Question) (*dnswire.Answer, error) { return nil, neterr.BlockedByClient }
}

// askSystem asks the operating system's resolver.
func (r *Resolver) askSystem(ctx context.Context, q dnswire.Question) (*dnswire.Answer, error) {
	network := "ip4"
	if q.Type == dnswire.AAAA {
		network = "ip6"
	}
	addrs, err := r.system.LookupNetIP(ctx, network, q.Name)
	return &dnswire.Answer{Addrs: addrs}, err
}

// learn counts how often the system's resolver knows what the built-in client does not.
func (r *Resolver) learn(plan plan, s step, err error) {
	now, _ := r.clients.now()
	switch {
	case s == stepDNS && err == nil:
		now.failures.Store(0)
	case s == stepSystem && err == nil && slices.Contains(plan[:], stepDNS):
		now.failures.Add(1)
	}
}

func isMulticastName(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, "."), ".local")
}
