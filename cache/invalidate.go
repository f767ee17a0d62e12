package cache

import (
	"context"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
)

// invalidate takes away what a request with an unsafe method has changed (RFC 9111 section
// 4.4): what is stored under its URL, and under those of its origin that the response
// names, for the same partition.
func (t *Transport) invalidate(ctx context.Context, req *exchange.Request, resp *exchange.Response) {
	if resp.Status < 200 || resp.Status >= 400 || req.Key.HasNonce() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	t.forget(ctx, req)
	here := origin.Of(req.URL)
	for _, name := range [...]string{"Location", "Content-Location"} {
		v, ok := resp.Header.Lookup(name)
		if !ok {
			continue
		}
		u, err := req.URL.Parse(v)
		if err != nil || origin.Of(u) != here || here.IsOpaque() {
			continue
		}
		t.forget(ctx, &exchange.Request{URL: u, Key: req.Key})
	}
}

// forget deletes what is stored for GET under a request's URL, all variants of it, and has
// what is in the making not be stored.
func (t *Transport) forget(ctx context.Context, req *exchange.Request) {
	key := keyOf(req, methodGet, false)
	t.active.doomURL(&key)
	t.forgetKey(ctx, key)
	if t.split {
		key.Anonymous = true
		t.forgetKey(ctx, key)
	}
}

func (t *Transport) forgetKey(ctx context.Context, key store.Key) {
	if list, err := t.variantList(ctx, &key); err == nil {
		t.deleteVariants(ctx, key, list)
	}
	_ = t.store.Delete(ctx, &key) // a store that cannot delete does not find either
}

// heed does what a response says of all that is stored (Clear Site Data section 3.1): of
// an origin that can be trusted, in all partitions, as Chromium does.
func (t *Transport) heed(ctx context.Context, req *exchange.Request, resp *exchange.Response) {
	if !clearsCache(resp.Header) {
		return
	}
	o := origin.Of(req.URL)
	if o.IsOpaque() || !o.Trustworthy() {
		return
	}
	of := o.String()
	_ = t.Clear(ctx, func(i *store.Info) bool { return inOrigin(i.Key.URL, of) })
}

func clearsCache(header exchange.Fields) bool {
	for v := range header.Values("Clear-Site-Data") {
		for m := range members(v) {
			if m == `"cache"` || m == `"*"` {
				return true
			}
		}
	}
	return false
}
