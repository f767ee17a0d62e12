package dns

import (
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// Chromium's numbers for where an answer may come from, as its logs list them.
const (
	taskSystem = 0
	taskHosts  = 9
)

// begin logs that a caller asks.
func (l *Lookup) begin(o *Options) {
	if !l.log.On() {
		return
	}
	l.log.Begin(netlog.HostResolverManagerRequest,
		netlog.String("host", l.host),
		netlog.String("dns_query_type", o.QueryType.String()),
		netlog.Bool("allow_cached_response", o.CacheUsage != CacheDisallowed),
		netlog.Bool("is_speculative", false),
		netlog.String("network_anonymization_key", o.Isolation.String()),
		netlog.Int("secure_dns_policy", o.SecureDNSPolicy))
	tasks := []int{taskHosts, taskSystem}
	if o.Source == SourceLocalOnly {
		tasks = tasks[:1]
	}
	l.log.Event(netlog.HostResolverManagerTaskSequenceCreated, netlog.Object("tasks", tasks))
}

// attached logs that l became part of its job, which others had begun if found.
func (l *Lookup) attached(found bool) {
	j := l.job
	if !found && j.log.On() {
		l.log.Event(netlog.HostResolverManagerCreateJob)
		j.log.Begin(netlog.HostResolverManagerJob,
			netlog.String("host", j.key.name),
			netlog.Strings("dns_query_types", j.key.query.types()),
			netlog.String("network_anonymization_key", j.key.isolation.String()),
			netlog.Int("secure_dns_mode", 0),
			netlog.Object("tasks", []int{taskSystem}),
			netlog.Dependency(l.log))
	}
	if l.log.On() {
		l.log.Event(netlog.HostResolverManagerJobAttach, netlog.Dependency(j.log))
		j.log.Event(netlog.HostResolverManagerJobRequestAttach,
			netlog.Dependency(l.log), netlog.String("priority", exchange.Lowest.String()))
	}
}

// detached logs that l leaves its job before the end.
func (l *Lookup) detached(j *job) {
	if l.log.On() {
		j.log.Event(netlog.HostResolverManagerJobRequestDetach,
			netlog.Dependency(l.log), netlog.String("priority", exchange.Lowest.String()))
	}
}

func (q QueryType) types() []string {
	if q == QueryAny {
		return []string{"A", "AAAA"}
	}
	return []string{q.String()}
}
