package main

import (
	"context"

	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// newKaon returns a session as programs use it, cookies, cache and all, with the limit of
// connections per host, 6 as Chromium has it, raised to what w needs.
func newKaon(w workload, o *origin) (contender, error) {
	return newSession(kaon, w, o, session.Config{})
}

func newSession(name string, w workload, o *origin, cfg session.Config) (contender, error) {
	cfg.MaxConnsPerHost = maxConns(w)
	cfg.TLS = tls.Config{Verifier: certverify.New(certverify.Config{Roots: o.roots})}
	if w.cold && !w.resume {
		cfg.TLS.SessionCacheSize = -1
	}
	ses, err := session.New(cfg)
	if err != nil {
		return contender{}, err
	}
	return contender{name: name, rt: ses.RoundTripper(), close: func() { ses.Close(context.Background()) }}, nil
}
