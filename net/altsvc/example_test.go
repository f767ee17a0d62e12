package altsvc_test

import (
	"fmt"
	"time"

	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/origin"
)

func Example() {
	s := altsvc.NewStore(altsvc.Config{})
	o := origin.Origin{Scheme: "https", Host: "www.example.com", Port: 443}
	now := time.Now()
	s.Learn(o, origin.Key{}, `h3=":443"; ma=3600, h2="other.example.com:443"`, now)

	a := s.Lookup(nil, o, origin.Key{}, now)[0]
	fmt.Println(a.Protocol, a.Host, a.Port, a.Expires.Sub(now), a.Broken)

	s.MarkBroken(a.Service, origin.Key{}, now)
	a = s.Lookup(nil, o, origin.Key{}, now)[0]
	fmt.Println(a.Broken, a.RecentlyBroken)
	// Output:
	// h3 www.example.com 443 1h0m0s false
	// true true
}
