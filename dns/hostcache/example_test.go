package hostcache_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/kaon-net/kaon/dns/hostcache"
)

func Example() {
	c := hostcache.New(0)
	k := hostcache.Key{Host: "example.test"}
	now := time.Now()
	c.Put(k, hostcache.Answer{Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, time.Minute, now)

	a, staleness, _ := c.Get(k, now.Add(70*time.Second))
	fmt.Println(a.Addrs, staleness.Stale(), staleness.ExpiredBy)
	// Output: [192.0.2.1] true 10s
}
