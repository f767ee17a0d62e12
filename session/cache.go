package session

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/session/storage"
)

// httpCache is a session's HTTP cache. The zero httpCache is of a session without one.
type httpCache struct {
	transport *cache.Transport
	store     store.Store
	own       bool // the store is the session's to close
	logger    *slog.Logger
}

func (c *httpCache) warn(what string, err error) {
	if c.logger != nil {
		c.logger.Warn(what, "err", err)
	}
}

// openCache puts the session's cache around next. A directory in which no cache can be
// made costs the session its cache and nothing else, as in Chromium.
func (s *Session) openCache(cfg *Config, next exchange.RoundTripper) exchange.RoundTripper {
	if cfg.DisableCache {
		return next
	}
	c := httpCache{store: cfg.CacheStore, own: cfg.CacheStore == nil, logger: cfg.Logger}
	switch {
	case c.store != nil:
	case cfg.Path == "":
		c.store = mem.New(mem.Config{Size: cfg.CacheSize})
	default:
		d, err := disk.Open(disk.Config{Dir: filepath.Join(cfg.Path, storage.CacheDir), Size: cfg.CacheSize})
		if err != nil {
			c.warn("the session has no HTTP cache", err)
			return next
		}
		c.store = d
	}
	c.transport = cache.New(cache.Config{Store: c.store, Next: next})
	s.cache = c
	return c.transport
}

// settle ends what the cache does behind, so that nobody uses the network for it.
func (c *httpCache) settle() {
	if c.transport != nil {
		c.transport.Close()
	}
}

// close writes what is to be kept. If that fails, the cache is found smaller the next time,
// and the session has lost nothing that counts.
func (c *httpCache) close() {
	if c.store == nil || !c.own {
		return
	}
	if err := c.store.Close(); err != nil {
		c.warn("the HTTP cache could not be written", err)
	}
}

// CacheSize returns how many bytes the HTTP cache takes (Electron: ses.getCacheSize); 0
// if the session has none.
func (s *Session) CacheSize(ctx context.Context) (int64, error) {
	if s.cache.store == nil {
		return 0, nil
	}
	return s.cache.store.Size(ctx)
}

// ClearCache empties the HTTP cache (Electron: ses.clearCache). When it returns, no
// request finds what was stored before; responses that are being read are read to their
// end.
func (s *Session) ClearCache(ctx context.Context) error { return s.clearCache(ctx, nil) }

func (s *Session) clearCache(ctx context.Context, match func(*store.Info) bool) error {
	if s.cache.transport == nil {
		return nil
	}
	return s.cache.transport.Clear(ctx, match)
}
