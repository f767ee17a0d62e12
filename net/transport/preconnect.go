package transport

import (
	"context"
	"net/url"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/pool"
)

// A Preconnect says which connections to make ahead, and for which requests: only
// those that have all of this in common use them.
type Preconnect struct {
	URL       *url.URL // whose origin to connect to
	N         int      // connections, 1 or more
	Private   bool     // for requests without credentials
	Isolation origin.Key
	SecureDNS exchange.SecureDNSPolicy
}

// Preconnect makes connections until there are p.N, idle, busy and connecting ones
// together, and sends nothing. The limit per host bounds N, and one is enough where the
// server has an HTTP/2 connection or is known to speak that. It returns when they are
// made; where a request would have to queue it fails at once with
// neterr.PreconnectMaxSocketLimit.
func (t *Transport) Preconnect(ctx context.Context, p Preconnect) error {
	req := exchange.Request{URL: p.URL, Key: p.Isolation, SecureDNS: p.SecureDNS}
	if p.Private {
		req.Credentials = exchange.Omit
	}
	key, err := keyOf(&req)
	if err != nil {
		return err
	}
	key.HTTP1 = key.Scheme == "https" && t.http1.has(&key)
	return neterr.From(t.pool.Preconnect(ctx, &pool.Request{Key: key, Priority: exchange.Idle}, p.N))
}
