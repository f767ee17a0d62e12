package dns_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
)

func ExampleResolver_Resolve() {
	r := dns.New(dns.Config{})
	defer r.Close()

	res, err := r.Resolve(context.Background(), "app.localhost", dns.Options{QueryType: dns.QueryA})
	fmt.Println(res.Addrs, res.Source, err)

	_, err = r.Resolve(context.Background(), "no..name", dns.Options{})
	fmt.Println(errors.Is(err, neterr.NameNotResolved), err)
	// Output:
	// [127.0.0.1] localhost <nil>
	// true net::ERR_NAME_NOT_RESOLVED: resolve no..name
}

// Names over HTTPS alone, from a server whose own name nobody is asked for.
func ExampleResolver_Configure() {
	server, err := doh.NewServer("https://dns.example/dns-query", netip.MustParseAddr("192.0.2.53"))
	if err != nil {
		log.Fatal(err)
	}
	// A session brings its own; here it answers by itself.
	transport := overHTTPS(replying(good))

	r := dns.New(dns.Config{HTTP: transport})
	defer r.Close()
	r.Configure(dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: []doh.Server{server}})

	res, err := r.Resolve(context.Background(), "www.example.com", dns.Options{QueryType: dns.QueryA})
	fmt.Println(res.Addrs, res.Source, err)
	// Output:
	// [192.0.2.99] https <nil>
}

// What is remembered survives the program.
func ExampleResolver_Cache() {
	ctx := context.Background()
	knowing := table(map[string][]netip.Addr{"www.example.com": addrs("192.0.2.1")}, nil)
	before := dns.New(dns.Config{System: knowing})
	before.Resolve(ctx, "www.example.com", dns.Options{QueryType: dns.QueryA})
	kept := before.Cache().Snapshot() // for a file
	before.Close()

	after := dns.New(dns.Config{System: knowing})
	defer after.Close()
	after.Cache().Restore(kept)
	res, err := after.Resolve(ctx, "www.example.com", dns.Options{QueryType: dns.QueryA, CacheUsage: dns.CacheStaleAllowed})
	fmt.Println(res.Addrs, res.Cached, res.Stale, err)
	// Output:
	// [192.0.2.1] true true <nil>
}
