package main

import (
	stdtls "crypto/tls"
	"net/http"
)

// A contender is a client as a program would hold it.
type contender struct {
	name  string
	rt    http.RoundTripper
	close func()

	stores bool // it has a cache, which is to have what it was asked for
}

const (
	netHTTP = "net/http"
	kaon    = "kaon"
)

// contenders returns the clients to compare, net/http first, each able to make as
// many connections to the one origin as w has requests at a time. Net/http speaks no
// HTTP/3 and has no cache: there they are others.
func contenders(w workload, o *origin) ([]contender, error) {
	switch {
	case w.cache != "":
		return cacheContenders(w, o)
	case w.proto == h3Proto:
		return h3Contenders(o), nil
	}
	k, err := newKaon(w, o)
	if err != nil {
		return nil, err
	}
	return []contender{newNetHTTP(w, o), k}, nil
}

// newNetHTTP is http.DefaultTransport but for the proxy, which would be asked of the
// environment, and for the connections it keeps: at its defaults, 2 of a host and 100
// in all, it would dial anew for most requests.
func newNetHTTP(w workload, o *origin) contender {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.TLSClientConfig = &stdtls.Config{RootCAs: o.roots}
	if w.resume {
		t.TLSClientConfig.ClientSessionCache = stdtls.NewLRUClientSessionCache(0)
	}
	t.MaxIdleConns = 0 // no limit
	if w.proto != h2 {
		t.MaxConnsPerHost = maxConns(w)
		t.MaxIdleConnsPerHost = maxConns(w)
	}
	return contender{name: netHTTP, rt: t, close: t.CloseIdleConnections}
}

// maxConns is the limit that both clients get. Where one request runs at a time it is
// Chromium's, so that a connection just closed does not hold up the next.
func maxConns(w workload) int { return max(6, w.conns) }

// noNetwork answers one request at a time, at once and without allocating: what a
// round with it costs is the benchmark's own share of every other round, which is
// handing requests out and measuring.
func noNetwork(size int64) http.RoundTripper {
	body := &canned{}
	resp := &http.Response{StatusCode: http.StatusOK, Body: body}
	return roundTripper(func(*http.Request) (*http.Response, error) {
		body.left = size
		return resp, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
