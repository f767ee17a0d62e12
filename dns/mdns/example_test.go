package mdns_test

import (
	"context"
	"fmt"
	"net"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/mdns"
	"github.com/kaon-net/kaon/netlog"
)

func Example() {
	c := mdns.Client{Interfaces: []net.Interface{}} // none, so that it is the same everywhere
	_, err := c.Query(context.Background(), dnswire.Question{Name: "printer.local", Type: dnswire.A}, netlog.Source{})
	fmt.Println(err)
	// Output: net::ERR_NAME_NOT_RESOLVED: mdns query printer.local: no interface to ask on
}
