package stub_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/stub"
	"github.com/kaon-net/kaon/net/neterr"
)

func Example() {
	c := stub.New(stub.Config{
		Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53")},
		Rotate:  true,
	})
	// A name that is none is not asked for.
	_, err := c.Query(context.Background(), dnswire.Question{Name: "no..name", Type: dnswire.A}, stub.Options{})
	fmt.Println(errors.Is(err, neterr.NameNotResolved))
	// Output: true
}
