package main

import (
	"context"
	"net/url"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session"
)

// names resolves by a rule, with an HTTP request to the name, and then by nobody but
// what is known here, so that nothing leaves the machine.
func names(ctx context.Context, d *demo) (string, error) {
	u, err := url.Parse(d.origin.http)
	if err != nil {
		return "", err
	}
	rules, err := dns.ParseRules("MAP kaon.test " + u.Hostname())
	if err != nil {
		return "", err
	}
	ses, err := session.New(session.Config{DNS: dns.Config{Rules: rules}})
	if err != nil {
		return "", err
	}
	defer ses.Close(context.WithoutCancel(ctx))
	if _, body, err := (&demo{d.origin, ses}).text(ctx, "http://kaon.test:"+u.Port()+"/hello", nil); err != nil {
		return "", err
	} else if err := want(body, "GET /hello"); err != nil {
		return "", err
	}
	_, err = ses.ResolveHost(ctx, "elsewhere.test", dns.Options{Source: dns.SourceLocalOnly})
	if _, err := wantCode(err, neterr.NameNotResolved); err != nil {
		return "", err
	}
	return "by rule; localOnly asks nobody", nil
}
