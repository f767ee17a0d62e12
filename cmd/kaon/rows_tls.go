package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// newStranger returns a session that trusts another authority than the origin's.
func newStranger() (*session.Session, error) {
	// Not the system's: those are this machine's affair.
	other := certverify.New(certverify.Config{Roots: nettest.NewCA().Pool()})
	return session.New(session.Config{TLS: tls.Config{Verifier: other}})
}

func unknownCA(ctx context.Context, d *demo) (string, error) {
	stranger, err := newStranger()
	if err != nil {
		return "", err
	}
	defer stranger.Close(context.WithoutCancel(ctx))
	_, err = stranger.Fetch(ctx, d.origin.https, nil)
	return wantCode(err, neterr.CertAuthorityInvalid)
}

func verifyProc(ctx context.Context, d *demo) (string, error) {
	stranger, err := newStranger()
	if err != nil {
		return "", err
	}
	defer stranger.Close(context.WithoutCancel(ctx))
	var seen string
	stranger.SetCertificateVerifyProc(func(_ context.Context, r *certverify.Request) error {
		if r.Host != "localhost" {
			return certverify.UseDefault
		}
		seen = fmt.Sprintf("%s of %s accepted", r.VerificationResult, r.Certificate.IssuerName)
		return nil
	})
	_, body, err := (&demo{d.origin, stranger}).text(ctx, d.origin.https+"/hello", nil)
	if err != nil {
		return "", err
	}
	return seen, want(body, "GET /hello")
}

func clientCertificate(ctx context.Context, d *demo) (string, error) {
	cert := d.origin.ca.Issue("demo.user")
	asked := 0
	d.ses.SetClientCertificateSelector(func(_ context.Context, w *tls.ClientAuthError) (*tls.ClientCertificate, error) {
		asked++
		return &tls.ClientCertificate{Chain: []*x509.Certificate{cert.Leaf}, Key: cert.PrivateKey.(crypto.Signer)}, nil
	})
	defer d.ses.SetClientCertificateSelector(nil)
	for range 2 {
		_, body, err := d.text(ctx, d.origin.strict+"/who", nil)
		if err != nil {
			return "", err
		}
		if err := want(body, "demo.user"); err != nil {
			return "", err
		}
		d.ses.CloseAllConnections()
	}
	if asked != 1 {
		return "", fmt.Errorf("the selector was asked %d times", asked)
	}
	return "chosen once, shown on 2 connections", nil
}

func sslConfig(ctx context.Context, d *demo) (string, error) {
	version := func(c tls.SSLConfig) (string, error) {
		if err := d.ses.SetSSLConfig(c); err != nil {
			return "", err
		}
		resp, _, err := d.text(ctx, d.origin.https+"/hello", nil)
		if err != nil {
			return "", err
		}
		return versionName(resp.Info.TLS.Version), nil
	}
	before, err := version(tls.SSLConfig{MaxVersion: "tls1.2"})
	after, restored := version(tls.SSLConfig{})
	if err := errors.Join(err, restored); err != nil {
		return "", err
	}
	if before != "TLS 1.2" || after != "TLS 1.3" {
		return "", fmt.Errorf("got %s, then %s", before, after)
	}
	return before + " at most, then " + after + ", on new connections", nil
}
