package stub

import (
	"encoding/binary"
	"slices"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// begin logs a query under a source of its own.
func (t *transaction) begin(parent netlog.Source) {
	t.log = parent.New(netlog.SourceDNSTransaction)
	if !t.log.On() {
		return
	}
	parent.Event(netlog.DNSTransaction, netlog.Dependency(t.log))
	t.log.Begin(netlog.DNSTransaction,
		netlog.String("hostname", t.question.Name), netlog.Int("query_type", t.question.Type))
	t.log.Begin(netlog.DNSTransactionQuery, netlog.String("qname", t.question.Name))
}

// end logs that a name does not exist as Chromium does, to whom that is an error.
func (t *transaction) end(answer *dnswire.Answer, err error) {
	if err == nil && answer.NameError {
		err = neterr.NameNotResolved
	}
	t.log.EndErr(netlog.DNSTransactionQuery, err)
	t.log.EndErr(netlog.DNSTransaction, err)
}

// begin logs an attempt and its socket. The socket is said to connect and to be alive
// as one: it serves one question.
func (a *attempt) begin() {
	if !a.t.log.On() {
		return
	}
	source, event := netlog.SourceUDPSocket, netlog.DNSTransactionAttempt
	if a.tcp {
		source, event = netlog.SourceSocket, netlog.DNSTransactionTCPAttempt
	}
	a.log = a.t.log.New(source)
	a.t.log.Event(event, netlog.Dependency(a.log))
	a.log.Begin(netlog.SocketAlive, netlog.Dependency(a.t.log), netlog.String("address", a.t.client.names[a.server]))
}

func (a *attempt) end(err error) { a.log.EndErr(netlog.SocketAlive, err) }

func (a *attempt) sent(b []byte) {
	if a.tcp {
		a.log.Event(netlog.SocketBytesSent, netlog.Bytes(b))
	} else {
		a.log.Event(netlog.UDPBytesSent, netlog.Bytes(b))
	}
}

// received logs what came, and keeps the last of it.
func (a *attempt) received(b []byte) {
	if !a.log.On() {
		return
	}
	if a.tcp {
		a.log.Event(netlog.SocketBytesReceived, netlog.Bytes(b))
	} else {
		a.log.Event(netlog.UDPBytesReceived, netlog.Bytes(b))
	}
	a.reply = slices.Clone(b)
}

// headerSize is that of a DNS message.
const headerSize = 12

// logResponse logs what a server answered, if it did.
func (t *transaction) logResponse(a *attempt) {
	if a == nil || len(a.reply) < headerSize || !t.log.On() {
		return
	}
	h := a.reply[:headerSize]
	t.log.Event(netlog.DNSTransactionResponse,
		netlog.Int("rcode", h[3]&0xf),
		netlog.Int("answer_count", binary.BigEndian.Uint16(h[6:])),
		netlog.Int("additional_answer_count", binary.BigEndian.Uint16(h[10:])),
		netlog.Dependency(a.log),
		netlog.Binary("response_buffer", a.reply).Only(netlog.Everything))
}
