package dns_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/kaon-net/kaon/dns"
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
