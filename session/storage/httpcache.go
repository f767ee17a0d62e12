package storage

import (
	"context"
	"net/url"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/origin"
)

// CacheDir is the folder of the HTTP cache in a session's directory.
const CacheDir = "Cache"

// CacheKind is the HTTP cache, given what clears it: [github.com/kaon-net/kaon/cache.Transport.Clear]
// or the like. Entries belong to the origin of their own URL, in whoever's partition they
// are, as in Chromium.
func CacheKind(clear func(context.Context, func(*store.Info) bool) error) Kind {
	return Kind{Type: Cache, Dir: CacheDir, Clear: func(ctx context.Context, sel Selection) error {
		if sel.All() {
			return clear(ctx, nil)
		}
		return clear(ctx, func(e *store.Info) bool {
			u, err := url.Parse(e.Key.URL)
			return err == nil && sel.Origin(origin.Of(u), origin.Key{})
		})
	}}
}
