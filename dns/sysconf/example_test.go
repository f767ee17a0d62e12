package sysconf_test

import (
	"fmt"

	"github.com/kaon-net/kaon/dns/sysconf"
)

func ExampleParseResolvConf() {
	c := sysconf.ParseResolvConf([]byte("nameserver 192.0.2.1\nsearch corp.example\noptions ndots:2 use-vc\n"))
	fmt.Println(c.Nameservers, c.Search, c.Ndots)
	fmt.Println("left to the system because of", c.Unhandled)
	// Output:
	// [192.0.2.1:53] [corp.example] 2
	// left to the system because of [use-vc]
}

func ExampleCheckNSSwitch() {
	fmt.Printf("%q\n", sysconf.CheckNSSwitch([]byte("hosts: files mdns4_minimal [NOTFOUND=return] dns")))
	fmt.Printf("%q\n", sysconf.CheckNSSwitch([]byte("hosts: files resolve [!UNAVAIL=return] dns")))
	// Output:
	// ""
	// "nsswitch: resolve"
}
