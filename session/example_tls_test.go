package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A program trusts one server whose certificate nobody signed, and leaves all others to
// the default.
func ExampleSession_SetCertificateVerifyProc() {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	ctx := context.Background()
	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(ctx)

	ses.SetCertificateVerifyProc(func(_ context.Context, r *certverify.Request) error {
		if r.Host == "127.0.0.1" {
			return nil // accept
		}
		return certverify.UseDefault // any other error rejects
	})
	resp, err := ses.Fetch(ctx, srv.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 404
}

// A user is asked about each certificate that was refused, once.
func ExampleSession_SetCertificateErrorHandler() {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	ctx := context.Background()
	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(ctx)

	ses.SetCertificateErrorHandler(func(_ context.Context, e *transport.CertificateError) bool {
		fmt.Println(e.Code, e.Certificate.IssuerName)
		return true
	})
	for range 2 {
		resp, err := ses.Fetch(ctx, srv.URL, nil)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		ses.CloseAllConnections()
	}
	// Output: net::ERR_CERT_AUTHORITY_INVALID Acme Co
}

func ExampleSession_SetSSLConfig() {
	srv := httptest.NewTLSServer(http.NotFoundHandler()) // with crypto/tls's defaults
	defer srv.Close()
	ctx := context.Background()
	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(ctx)

	fmt.Println(ses.SetSSLConfig(tls.SSLConfig{MinVersion: "tls1.3", MaxVersion: "tls1.2"}) != nil)
	if err := ses.SetSSLConfig(tls.SSLConfig{MinVersion: "tls1.3", DisabledCipherSuites: []uint16{0x009c}}); err != nil {
		log.Fatal(err)
	}
	_, err = ses.Fetch(ctx, srv.URL, nil)
	fmt.Println(errors.Is(err, neterr.CertAuthorityInvalid))
	// Output:
	// true
	// true
}
