package pool

import (
	"strings"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
)

// A Key says which requests may share connections: those with the same Key. It is
// comparable and costs nothing to make.
type Key struct {
	Scheme    string // "http" or "https" (ws -> http, wss -> https)
	Host      string // lower-case ASCII; IPv6 without brackets
	Port      uint16
	Private   bool // credentials omitted: Chromium's privacy mode
	SecureDNS exchange.SecureDNSPolicy
	Isolation origin.Key // zero: connections are not partitioned
	HTTP1     bool       // only HTTP/1.1 will do: for an upgrade, or a server that insists
}

// String returns the group's name in Chromium's logs, as
// "pm/https://example.com <https://example.com same_site>". Keys that differ only
// in a nonce have the same name.
func (k Key) String() string {
	var b strings.Builder
	switch k.SecureDNS {
	case exchange.SecureDNSDisable:
		b.WriteString("dsd/")
	case exchange.SecureDNSBootstrap:
		b.WriteString("dns_bootstrap/")
	}
	if k.Private {
		b.WriteString("pm/")
	}
	b.WriteString(origin.Origin{Scheme: k.Scheme, Host: k.Host, Port: k.Port}.String())
	if k.Isolation.IsZero() {
		return b.String()
	}
	b.WriteString(" <")
	b.WriteString(k.Isolation.Top().String())
	if k.Isolation.Top() == k.Isolation.Frame() {
		b.WriteString(" same_site>")
	} else {
		b.WriteString(" cross_site>")
	}
	return b.String()
}
