package transport

import (
	"strconv"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/pool"
)

// keyOf says which connections may carry req: those to its origin that no request of
// another credentials mode, secure-DNS policy or isolation key has used.
func keyOf(req *exchange.Request) (pool.Key, error) {
	u := req.URL
	if u == nil {
		return pool.Key{}, &neterr.Error{Code: neterr.InvalidURL, Op: "request without a URL"}
	}
	scheme := u.Scheme
	switch scheme {
	case "http", "https":
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	default:
		return pool.Key{}, &neterr.Error{Code: neterr.UnknownURLScheme, Op: "scheme " + strconv.Quote(scheme)}
	}
	host, port, ok := origin.SplitHostPort(scheme, u.Host)
	if !ok || host == "" {
		return pool.Key{}, &neterr.Error{Code: neterr.InvalidURL, Op: "host " + strconv.Quote(u.Host)}
	}
	return pool.Key{
		Scheme: scheme, Host: host, Port: port, Private: req.Credentials == exchange.Omit,
		SecureDNS: req.SecureDNS, Isolation: req.Key,
	}, nil
}
