package pool_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
)

// TestShareLimit: a connection serves a limited number of other hosts. The one that
// came first is forgotten, and has to ask again.
func TestShareLimit(t *testing.T) {
	const limit = 100
	at := netip.MustParseAddrPort("192.0.2.1:443")
	var names []string
	for i := range limit + 1 {
		names = append(names, fmt.Sprint("h", i))
	}
	jobs := map[string]int{}
	p := pool.New(pool.Config{Connect: func(_ context.Context, r *pool.Request) (pool.Conn, error) {
		jobs[r.Key.Host]++ // one at a time
		if r.Share([]netip.Addr{at.Addr()}, at.Port()) {
			return nil, neterr.Aborted
		}
		return &fakeMux{slots: 1000, peer: at, covers: names}, nil
	}})
	defer p.Close()
	get := func(host string) {
		r := &pool.Request{Key: pool.Key{Scheme: "https", Host: host, Port: 443}}
		if _, _, err := p.Acquire(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	get("first")
	for _, name := range names {
		get(name)
	}
	for _, name := range []string{names[limit], names[1], names[0]} {
		get(name)
	}
	for name, want := range map[string]int{"first": 1, names[limit]: 1, names[1]: 1, names[0]: 2} {
		if got := jobs[name]; got != want {
			t.Errorf("%s asked %d times, want %d", name, got, want)
		}
	}
	if got := p.Info()[0]["handed_out_socket_count"]; got != 1 {
		t.Errorf("%v connections, want 1", got)
	}
}
