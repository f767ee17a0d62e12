package dns

import (
	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
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
}

// logSequence logs who is going to be asked.
func (l *Lookup) logSequence(steps []step) {
	if l.log.On() {
		l.log.Event(netlog.HostResolverManagerTaskSequenceCreated, netlog.Object("tasks", numbers(steps)))
	}
}

func numbers(steps []step) []int {
	n := make([]int, len(steps))
	for i, s := range steps {
		n[i] = s.number()
	}
	return n
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
			netlog.Int("secure_dns_mode", j.r.clients.current.Load().config.SecureDNSMode),
			netlog.Object("tasks", numbers(j.key.plan.steps())),
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

// beginDNS logs that the built-in client is asked.
func (j *job) beginDNS(s step) {
	if j.log.On() {
		j.log.Begin(netlog.HostResolverDNSTask,
			netlog.Bool("secure", s == stepSecureDNS),
			netlog.Strings("dns_query_types", j.key.query.types()))
	}
}

// beginTransaction logs a question to DNS over HTTPS servers, under a source of its own,
// as package stub does by itself. It goes on until endTransaction.
func beginTransaction(parent netlog.Source, q dnswire.Question) netlog.Source {
	log := parent.New(netlog.SourceDNSTransaction)
	if log.On() {
		parent.Event(netlog.DNSTransaction, netlog.Dependency(log))
		log.Begin(netlog.DNSTransaction, netlog.String("hostname", q.Name), netlog.Int("query_type", q.Type))
	}
	return log
}

func endTransaction(log netlog.Source, a *dnswire.Answer, err error) {
	if err == nil && a.NameError {
		err = neterr.NameNotResolved
	}
	log.EndErr(netlog.DNSTransaction, err)
}
