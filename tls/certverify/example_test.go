package certverify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls/certverify"
)

func Example() {
	ca := nettest.NewCA()
	leaf := ca.IssueWith(func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(-time.Minute)
	}, "example.test")

	v := certverify.New(certverify.Config{ExtraRoots: []*x509.Certificate{ca.Certificate()}})
	res, err := v.Verify(context.Background(), &certverify.Request{
		Host:         "www.example.test",
		Certificates: []*x509.Certificate{leaf.Leaf},
	})
	fmt.Println(errors.Is(err, neterr.CertCommonNameInvalid))
	fmt.Println(res.Problems)
	// Output:
	// true
	// [net::ERR_CERT_COMMON_NAME_INVALID net::ERR_CERT_DATE_INVALID]
}
