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
	res, err := v.Verify(context.Background(), &certverify.Params{
		Host:         "www.example.test",
		Certificates: []*x509.Certificate{leaf.Leaf},
	})
	fmt.Println(errors.Is(err, neterr.CertCommonNameInvalid))
	fmt.Println(res.Problems)
	// Output:
	// true
	// [net::ERR_CERT_COMMON_NAME_INVALID net::ERR_CERT_DATE_INVALID]
}

// A program accepts the certificate of its own device, which nobody vouches for, by
// its fingerprint, and leaves everything else as it is.
func ExampleVerifier_SetProc() {
	device := nettest.NewCA().Issue("device.test")
	pinned := certverify.NewCertificate([]*x509.Certificate{device.Leaf}).Fingerprint

	v := certverify.New(certverify.Config{Roots: x509.NewCertPool()})
	v.SetProc(func(_ context.Context, r *certverify.Request) error {
		fmt.Println("asked about", r.Host, r.VerificationResult)
		if r.Certificate.Fingerprint == pinned {
			return nil
		}
		return certverify.UseDefault
	})
	for range 2 { // the second time the verdict is known
		_, err := v.Verify(context.Background(), &certverify.Params{
			Host:         "device.test",
			Certificates: []*x509.Certificate{device.Leaf},
		})
		fmt.Println(err)
	}
	// Output:
	// asked about device.test net::ERR_CERT_AUTHORITY_INVALID
	// <nil>
	// <nil>
}

// Revocation by a list that the program keeps.
func ExampleCheck() {
	ca := nettest.NewCA()
	leaf := ca.Issue("example.test")
	revoked := map[string]bool{leaf.Leaf.SerialNumber.String(): true}

	v := certverify.New(certverify.Config{
		Roots: ca.Pool(),
		Revocation: func(_ context.Context, c *certverify.Chain) error {
			for _, cert := range c.Certificates {
				if revoked[cert.SerialNumber.String()] {
					return neterr.CertRevoked
				}
			}
			return nil
		},
	})
	_, err := v.Verify(context.Background(), &certverify.Params{
		Host:         "example.test",
		Certificates: []*x509.Certificate{leaf.Leaf},
	})
	fmt.Println(errors.Is(err, neterr.CertRevoked))
	// Output: true
}
