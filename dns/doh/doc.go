// Package doh asks DNS over HTTPS servers (RFC 8484) over a given http.RoundTripper,
// as Chromium does: the same bytes, the same choice among several servers, the same
// patience.
//
//	server, err := doh.NewServer("https://dns.example/dns-query{?dns}")
//	…
//	c := doh.New(doh.Config{Servers: []doh.Server{server}, HTTP: transport})
//	defer c.Close()
//	answer, err := c.Query(ctx, dnswire.Question{Name: "example.com", Type: dnswire.A}, log)
//
// A [Client] remembers which servers failed and how long they take to answer. Each is
// asked at most once for a question; the next one's turn comes when it fails or takes
// longer than nearly always. The first question of all goes alone, so that a server of
// HTTP/2 has one connection. In automatic mode, where the caller has another way to
// resolve a name, only servers that are known to answer are asked: the client probes
// the others until they do. Otherwise all are tried, and nothing is probed.
//
// It needs messages from dns/dnswire and a way to send requests. It resolves no host
// names: its requests say that they are for a DoH server, so that whoever resolves the
// server's name does not ask this package again, and takes the addresses that the
// [Server] came with.
package doh
