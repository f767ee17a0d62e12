package pool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
)

// The hosts whose connections are multiplexed; those of the first two are shared.
var (
	peer    = netip.MustParseAddrPort("192.0.2.1:80")
	covered = []string{"h0", "h1"}
)

func multiplexes(host string) bool { return host == "h0" || host == "h1" || host == "h2" }

// isChallenged says of which hosts there are alternative connections, too: of one that
// multiplexes anyway, and of one that does not.
func isChallenged(host string) bool { return host == "h1" || host == "h3" }

// TestStress lets many requests, cancels, dying connections and flushes meet. It
// ends with every slot free, every connection closed and no goroutine left.
func TestStress(t *testing.T) {
	before := runtime.NumGoroutine()
	var open, dialing atomic.Int64
	var inUse [8]atomic.Int64
	connect := func(ctx context.Context, r *pool.Request) (pool.Conn, error) {
		dialing.Add(1)
		defer dialing.Add(-1)
		for range rand.IntN(20) {
			runtime.Gosched()
		}
		switch rand.IntN(10) {
		case 0:
			return nil, neterr.ConnectionRefused
		case 1:
			<-ctx.Done() // hangs until it is unwanted
			return nil, ctx.Err()
		}
		if r.Share([]netip.Addr{peer.Addr()}, peer.Port()) {
			return nil, neterr.Aborted
		}
		open.Add(1)
		closed := func(*fakeConn, error) { open.Add(-1) }
		if multiplexes(r.Key.Host) || r.Alternative {
			return &fakeMux{fakeConn: fakeConn{onClose: closed}, slots: 3, peer: peer, covers: covered}, nil
		}
		return &fakeConn{onClose: closed}, nil
	}
	const perGroup, total = 3, 8
	p := pool.New(pool.Config{MaxConnsPerHost: perGroup, MaxConns: total, Connect: connect})

	var wg sync.WaitGroup
	var served atomic.Int64
	for range 32 {
		wg.Go(func() {
			for range 200 {
				host := rand.IntN(len(inUse))
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
				r := &pool.Request{
					Key:      pool.Key{Scheme: "http", Host: fmt.Sprint("h", host), Port: 80},
					Priority: exchange.Priority(rand.IntN(6)) + exchange.Throttled,
				}
				if rand.IntN(50) == 0 {
					_ = p.Preconnect(ctx, r, 2)
				}
				if rand.IntN(10) == 0 && isChallenged(r.Key.Host) {
					p.Alternative(r)
				}
				c, _, err := p.Acquire(ctx, r)
				if err != nil {
					cancel()
					continue
				}
				served.Add(1)
				if n := inUse[host].Add(1); !multiplexes(r.Key.Host) && !isChallenged(r.Key.Host) && n > perGroup {
					t.Errorf("host %d: %d exchanges at once, want at most %d", host, n, perGroup)
				}
				for range rand.IntN(5) {
					runtime.Gosched()
				}
				inUse[host].Add(-1)
				if f, ok := c.(*fakeConn); ok && rand.IntN(10) == 0 {
					f.Close(neterr.ConnectionReset) // the peer reset it
				} else if ok && rand.IntN(10) == 0 {
					f.die()
					c.Release()
				} else {
					c.Release()
				}
				cancel()
				switch rand.IntN(200) {
				case 0:
					p.CloseIdle()
				case 1:
					p.Refresh(neterr.NetworkChanged)
				case 2:
					p.Flush(neterr.NetworkChanged, rand.IntN(2) == 0)
				case 3:
					p.Separate(r.Key)
				case 4, 5, 6:
					p.Abandon(r.Key)
				}
			}
		})
	}
	wg.Wait()
	if served.Load() == 0 {
		t.Error("no request was served")
	}
	if got := p.Info()[0]["handed_out_socket_count"]; got != 0 {
		t.Errorf("sockets in use after the last exchange: got %v, want 0", got)
	}
	p.Close()
	if got := dialing.Load(); got != 0 {
		t.Errorf("connect jobs after Close: got %d, want 0", got)
	}
	if got := open.Load(); got != 0 {
		t.Errorf("open connections after Close: got %d, want 0", got)
	}
	if _, ok := p.Info()[0]["groups"]; ok {
		t.Errorf("groups after Close: got %v, want none", p.Info()[0]["groups"])
	}
	for deadline := time.Now().Add(time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("goroutines: got %d, want %d as before", runtime.NumGoroutine(), before)
		}
	}
}

// TestNobodyIsForgotten is TestStress without cancels: each request that contends
// for few slots is served, and none waits for ever.
func TestNobodyIsForgotten(t *testing.T) {
	p := pool.New(pool.Config{MaxConnsPerHost: 2, MaxConns: 4, Connect: func(_ context.Context, r *pool.Request) (pool.Conn, error) {
		switch {
		case r.Share([]netip.Addr{peer.Addr()}, peer.Port()):
			return nil, neterr.Aborted
		case multiplexes(r.Key.Host), r.Alternative:
			return &fakeMux{slots: 2, peer: peer, covers: covered}, nil
		}
		return &fakeConn{}, nil
	}})
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			for range 200 {
				r := &pool.Request{
					Key:      pool.Key{Scheme: "http", Host: fmt.Sprint("h", rand.IntN(6)), Port: 80},
					Priority: exchange.Priority(rand.IntN(6)) + exchange.Throttled,
				}
				switch n := rand.IntN(20); {
				case n == 0 && isChallenged(r.Key.Host):
					p.Alternative(r)
				case n == 1:
					p.Abandon(r.Key)
				}
				c, _, err := p.Acquire(ctx, r)
				if err != nil {
					t.Errorf("%s: got %v, want a connection; the pool: %v", r.Key, err, p.Info())
					return
				}
				runtime.Gosched()
				if f, ok := c.(*fakeConn); ok && rand.IntN(10) == 0 {
					f.die()
				}
				c.Release()
			}
		})
	}
	wg.Wait()
}
