package mdns

import (
	"net/netip"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/netlog"
)

// begin logs a query as one of the DNS client's, which Chromium does not do.
func begin(parent netlog.Source, q dnswire.Question) netlog.Source {
	log := parent.New(netlog.SourceDNSTransaction)
	if log.On() {
		parent.Event(netlog.DNSTransaction, netlog.Dependency(log))
		log.Begin(netlog.DNSTransaction, netlog.String("hostname", q.Name), netlog.Int("query_type", q.Type))
	}
	return log
}

func end(log netlog.Source, err error) { log.EndErr(netlog.DNSTransaction, err) }

func (s *socket) begin(query netlog.Source, group netip.Addr) {
	if s.log.On() {
		query.Event(netlog.DNSTransactionAttempt, netlog.Dependency(s.log))
		s.log.Begin(netlog.SocketAlive, netlog.Dependency(query), netlog.String("address", group.String()))
	}
}
