package pool_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/kaon-net/kaon/net/pool"
)

// TestDefaultLimits: without a limit of the program's own there are Chromium's, and by
// chance up to twice as many sockets.
func TestDefaultLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		key  pool.Key
		soft int
	}{
		{"direct", pool.Key{}, 256},
		{"proxy", pool.Key{Proxy: pool.ProxyOf("https://p:443")}, 128},
		{"WebSocket", pool.Key{WebSocket: true}, 256},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pool.New(pool.Config{Connect: connectFake})
				defer p.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				for i := range 3 * tt.soft {
					k := tt.key
					k.Scheme, k.Host, k.Port = "https", fmt.Sprint("h", i), 443
					go p.Acquire(ctx, &pool.Request{Key: k})
				}
				synctest.Wait()
				info := p.Info()[len(p.Info())-1]
				if got := info["handed_out_socket_count"].(int); got < tt.soft || got > 2*tt.soft {
					t.Errorf("%d sockets, want %d to %d", got, tt.soft, 2*tt.soft)
				}
			})
		})
	}
}
