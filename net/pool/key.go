package pool

import (
	"strings"
	"unique"

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
	HTTP1     bool // only HTTP/1.1 will do: for an upgrade, or a server that insists
	WebSocket bool // limits of its own: Chromium's WebSocket pool
	SecureDNS exchange.SecureDNSPolicy
	Isolation origin.Key // zero: connections are not partitioned
	Proxy     Proxy      // through which; zero: direct
}

// String returns the group's name in Chromium's logs, as
// "pm/https://example.com <https://example.com same_site>". Keys that differ only
// in a nonce, or in what has a pool of its own there, have the same name.
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

// sameButHost reports whether k and o differ in nothing but the host.
func (k Key) sameButHost(o *Key) bool {
	k.Host = o.Host
	return k == *o
}

// A Proxy names a chain of proxies in a form that is free to compare. The zero Proxy
// is none: a direct connection.
type Proxy struct {
	chain unique.Handle[string]
}

// ProxyOf returns the Proxy of a chain as Chromium writes it, "https://proxy:443",
// without credentials; empty is the zero Proxy.
func ProxyOf(chain string) Proxy {
	if chain == "" {
		return Proxy{}
	}
	return Proxy{unique.Make(chain)}
}

// IsDirect reports whether p is the zero Proxy.
func (p Proxy) IsDirect() bool { return p == Proxy{} }

// String returns the chain; "direct://" if there is none.
func (p Proxy) String() string {
	if p.IsDirect() {
		return "direct://"
	}
	return p.chain.Value()
}
