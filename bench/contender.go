package main

import (
	"net/http"

	"github.com/kaon-net/kaon/net/nettest"
)

// A contender is a client as a program would hold it.
type contender struct {
	name  string
	rt    http.RoundTripper
	close func()
}

const (
	netHTTP = "net/http"
	kaon    = "kaon"
)

// contenders returns the clients to compare, net/http first, each able to make as
// many connections to the one origin as w has requests at a time.
func contenders(w workload, o *origin) ([]contender, error) {
	k, err := newKaon(w, o)
	if err != nil {
		return nil, err
	}
	return []contender{newNetHTTP(w, o), k}, nil
}

// newNetHTTP is http.DefaultTransport but for the proxy, which would be asked of the
// environment, and for the connections it keeps: at its default of 2 it would dial
// anew for most requests.
func newNetHTTP(w workload, o *origin) contender {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.TLSClientConfig = nettest.ClientConfig(o.roots)
	if w.proto != h2 {
		t.MaxConnsPerHost = w.conns
		t.MaxIdleConnsPerHost = w.conns
	}
	return contender{name: netHTTP, rt: t, close: t.CloseIdleConnections}
}

// cannedTransport answers without a network. What a round with it costs is the
// benchmark's own share of every other round: building the request and measuring.
func cannedTransport(size int64) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		body := canned(size)
		return &http.Response{StatusCode: http.StatusOK, Body: &body, Request: req}, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
