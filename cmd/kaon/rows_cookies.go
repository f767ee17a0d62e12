package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// cookiesSent has the server set cookies, sees them come back through both doors, and
// one refused.
func cookiesSent(ctx context.Context, d *demo) (string, error) {
	ses, err := session.New(session.Config{TLS: tls.Config{Verifier: certverify.New(certverify.Config{Roots: d.origin.ca.Pool()})}})
	if err != nil {
		return "", err
	}
	defer ses.Close(context.WithoutCancel(ctx))
	own := &demo{d.origin, ses}
	for _, line := range []string{"id=42; Secure; HttpOnly; SameSite=Lax", "theme=dark; Max-Age=60"} {
		if _, _, err := own.text(ctx, d.origin.https+"/cookie?"+url.QueryEscape(line), nil); err != nil {
			return "", err
		}
	}
	_, sent, err := own.text(ctx, d.origin.https+"/cookie", nil)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.origin.https+"/cookie", nil)
	if err != nil {
		return "", err
	}
	resp, err := ses.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != sent {
		return "", fmt.Errorf("http.Client sends %q, %v; Fetch %q", b, err, sent)
	}
	err = ses.Cookies().Set(cookiejar.Details{URL: d.origin.https, Name: "__Host-x", Value: "1"})
	if !errors.Is(err, cookiejar.ReasonInvalidPrefix) {
		return "", fmt.Errorf("__Host-x without Secure: got %v", err)
	}
	return sent + "; __Host- without Secure refused", want(sent, "id=42; theme=dark")
}

// httpsAlone has a host say that it wants https, and asks for it over http.
func httpsAlone(ctx context.Context, d *demo) (string, error) {
	at, err := url.Parse(d.origin.https)
	if err != nil {
		return "", err
	}
	// localhost is too local for HSTS, but the server's certificate has this name, too.
	rules, err := dns.ParseRules("MAP " + secureHost + " " + at.Host)
	if err != nil {
		return "", err
	}
	ses, err := session.New(session.Config{
		DNS: dns.Config{Rules: rules},
		TLS: tls.Config{Verifier: certverify.New(certverify.Config{Roots: d.origin.ca.Pool()})},
	})
	if err != nil {
		return "", err
	}
	defer ses.Close(context.WithoutCancel(ctx))
	own := &demo{d.origin, ses}
	if _, _, err := own.text(ctx, "https://"+secureHost+"/secured", nil); err != nil {
		return "", err
	}
	resp, body, err := own.text(ctx, "http://"+secureHost+"/hello", nil)
	if err != nil {
		return "", err
	}
	first, err := ses.Fetch(ctx, "http://"+secureHost+"/hello", &fetch.Init{Redirect: fetch.RedirectManual})
	if err != nil {
		return "", err
	}
	first.Body.Close()
	return fmt.Sprintf("%d %s to %s", first.Status, first.StatusText, resp.URL), want(body, "GET /hello")
}
