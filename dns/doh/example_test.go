package doh_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/netlog"
)

func Example() {
	server, err := doh.NewServer("https://dns.example/dns-query{?dns}")
	if err != nil {
		fmt.Println(err)
		return
	}
	// What stands for the network here knows one address.
	c := doh.New(doh.Config{Servers: []doh.Server{server}, HTTP: roundTripper(answering)})
	defer c.Close()

	answer, err := c.Query(context.Background(), dnswire.Question{Name: "example.com", Type: dnswire.A}, netlog.Source{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Addrs, answer.TTL)
	// Output: [192.0.2.1] 1m0s
}

func ExampleUpgrade() {
	for _, server := range doh.Upgrade([]netip.AddrPort{netip.MustParseAddrPort("8.8.8.8:53")}) {
		fmt.Println(server.String())
	}
	// Output: https://dns.google/dns-query{?dns}
}
