package pool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/netlog"
)

var keyA = pool.Key{Scheme: "https", Host: "a.test", Port: 443}

func connectFake(context.Context, *pool.Request) (pool.Conn, error) { return &fakeConn{}, nil }

// never is a Connect that ends only with its context.
func never(ctx context.Context, _ *pool.Request) (pool.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAcquireOfIdleAllocatesNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		conn pool.Conn
	}{
		{"exclusive", &fakeConn{}},
		{"multiplexed", &fakeMux{slots: 100}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pool.New(pool.Config{Connect: func(context.Context, *pool.Request) (pool.Conn, error) { return tt.conn, nil }})
			defer p.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cycle := func() {
				c, _, err := p.Acquire(ctx, &pool.Request{Key: keyA, Priority: exchange.Medium})
				if err != nil {
					t.Fatal(err)
				}
				c.Release()
			}
			cycle()
			if got := testing.AllocsPerRun(100, cycle); got != 0 {
				t.Errorf("acquire and release of an idle connection: got %v allocations, want 0", got)
			}
		})
	}
}

func TestAcquireEndsWithContext(t *testing.T) {
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Second)
	}
	canceled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		return ctx, cancel
	}
	for _, tt := range []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		code neterr.Code
		err  error
	}{
		{"deadline", deadline, neterr.TimedOut, context.DeadlineExceeded},
		{"cancelled", canceled, neterr.Aborted, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pool.New(pool.Config{Connect: never})
				defer p.Close()
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				begun := time.Now()
				for _, when := range []string{"waiting", "at the start"} {
					_, _, err := p.Acquire(ctx, &pool.Request{Key: keyA})
					if !errors.Is(err, tt.code) || !errors.Is(err, tt.err) {
						t.Errorf("%s: got %v, want %v and %v", when, err, tt.code, tt.err)
					}
				}
				if got := time.Since(begun); got != time.Second {
					t.Errorf("returned after %v, want 1s", got)
				}
			})
		})
	}
}

// A connection that is ready at the moment its request is cancelled is not lost.
func TestCancelRacesWithConnection(t *testing.T) {
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		p := pool.New(pool.Config{MaxConnsPerHost: 1, Connect: func(context.Context, *pool.Request) (pool.Conn, error) {
			cancel()
			return &fakeConn{}, nil
		}})
		if c, _, err := p.Acquire(ctx, &pool.Request{Key: keyA}); err == nil {
			c.Release()
		}
		if _, _, err := p.Acquire(t.Context(), &pool.Request{Key: keyA}); err != nil {
			t.Fatal(err)
		}
		if got := p.Info()[0]["handed_out_socket_count"]; got != 1 {
			t.Fatalf("handed out: got %v, want 1", got)
		}
		p.Close()
	}
}

// A strayConn calls the hook when nothing became free.
type strayConn struct{ fakeConn }

func (c *strayConn) Reserve() error {
	c.hook()
	defer c.hook()
	return c.fakeConn.Reserve()
}

func TestStrayHooks(t *testing.T) {
	p := pool.New(pool.Config{MaxConnsPerHost: 1, Connect: func(context.Context, *pool.Request) (pool.Conn, error) {
		return &strayConn{}, nil
	}})
	defer p.Close()
	for range 3 {
		c, _, err := p.Acquire(t.Context(), &pool.Request{Key: keyA})
		if err != nil {
			t.Fatal(err)
		}
		if info := p.Info()[0]; info["handed_out_socket_count"] != 1 || info["idle_socket_count"] != 0 {
			t.Fatalf("one connection, in use: got %v", info)
		}
		c.Release()
		c.(*strayConn).hook()
		if info := p.Info()[0]; info["handed_out_socket_count"] != 0 || info["idle_socket_count"] != 1 {
			t.Fatalf("one connection, idle: got %v", info)
		}
	}
}

// A connection that is in use while settings change is left alone until it is free.
func TestStrayHookAfterRefresh(t *testing.T) {
	p := pool.New(pool.Config{Connect: connectFake})
	defer p.Close()
	c, _, err := p.Acquire(t.Context(), &pool.Request{Key: keyA})
	if err != nil {
		t.Fatal(err)
	}
	p.Refresh(neterr.CertVerifierChanged)
	c.(*fakeConn).hook()
	if err := c.Err(); err != nil {
		t.Errorf("in use: got closed with %v, want open", err)
	}
	c.Release()
	if got := p.Info()[0]["handed_out_socket_count"]; got != 0 {
		t.Errorf("handed out after the exchange: got %v, want 0", got)
	}
}

// A connection whose Close blocks does not hold up the request that made it go.
func TestCloseDoesNotDelayRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool.New(pool.Config{MaxConns: 1, Connect: func(context.Context, *pool.Request) (pool.Conn, error) {
			return &fakeConn{onClose: func(*fakeConn, error) { time.Sleep(time.Minute) }}, nil
		}})
		begun := time.Now()
		for _, host := range []string{"a.test", "b.test"} {
			k := keyA
			k.Host = host
			c, _, err := p.Acquire(t.Context(), &pool.Request{Key: k})
			if err != nil {
				t.Fatal(err)
			}
			c.Release()
		}
		if got := time.Since(begun); got != 0 {
			t.Errorf("two requests took %v, want 0s", got)
		}
		p.Close()
		if got := time.Since(begun); got != time.Minute {
			t.Errorf("Close returned after %v, want 1m0s", got)
		}
	})
}

func TestCloseWaitsForConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &fakeConn{}
		p := pool.New(pool.Config{Connect: func(ctx context.Context, _ *pool.Request) (pool.Conn, error) {
			<-ctx.Done()
			time.Sleep(time.Minute) // a system call that cannot be interrupted
			return late, nil
		}})
		go p.Acquire(t.Context(), &pool.Request{Key: keyA})
		synctest.Wait()
		begun := time.Now()
		p.Close()
		p.Close()
		if got := time.Since(begun); got != time.Minute {
			t.Errorf("Close took %v, want 1m0s", got)
		}
		if !errors.Is(late.Err(), neterr.ContextShutDown) {
			t.Errorf("connection made too late: got %v, want closed with %v", late.Err(), neterr.ContextShutDown)
		}
	})
}

// Connect's context ends when it returns; it must not outlive it as a leak, and the
// connection must outlive it.
func TestConnectContext(t *testing.T) {
	type value struct{}
	var got context.Context
	p := pool.New(pool.Config{Connect: func(ctx context.Context, _ *pool.Request) (pool.Conn, error) {
		got = ctx
		return &fakeConn{}, ctx.Err()
	}})
	ctx := context.WithValue(t.Context(), value{}, 1)
	c, _, err := p.Acquire(ctx, &pool.Request{Key: keyA})
	if err != nil {
		t.Fatal(err)
	}
	if got.Value(value{}) != nil {
		t.Error("a job of the pool carries the values of the request that caused it")
	}
	p.Close() // waits for the goroutine
	if got.Err() == nil {
		t.Error("the context of Connect is alive after the pool was closed")
	}
	if !errors.Is(c.Err(), neterr.ContextShutDown) {
		t.Errorf("connection in use: got %v, want closed with %v", c.Err(), neterr.ContextShutDown)
	}
}

func TestWarnsOfLongWait(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  pool.Config
		wait time.Duration
		want []string
	}{
		{"group", pool.Config{MaxConnsPerHost: 1}, 11 * time.Second, []string{"MaxConnsPerHost"}},
		{"total", pool.Config{MaxConns: 1}, 11 * time.Second, []string{"MaxConns"}},
		{"not yet", pool.Config{MaxConnsPerHost: 1}, 9 * time.Second, nil},
		{"no limit is the reason", pool.Config{}, time.Minute, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				tt.cfg.Logger = slog.New(slog.NewJSONHandler(&out, nil))
				tt.cfg.Connect = never
				p := pool.New(tt.cfg)
				for range 3 {
					go p.Acquire(t.Context(), &pool.Request{Key: keyA})
					synctest.Wait() // the first is the one with a job
				}
				time.Sleep(tt.wait)
				p.Close()
				var got []string
				for line := range strings.Lines(out.String()) {
					var rec struct{ Field, Group string }
					if err := json.Unmarshal([]byte(line), &rec); err != nil {
						t.Fatal(err)
					}
					got = append(got, rec.Field)
				}
				if !reflect.DeepEqual(got, tt.want) {
					t.Errorf("fields named in warnings: got %v, want %v\n%s", got, tt.want, &out)
				}
			})
		})
	}
}

func TestWarnsAtMostOncePer10s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := pool.New(pool.Config{MaxConnsPerHost: 1, Connect: never, Logger: slog.New(slog.NewTextHandler(&out, nil))})
		for range 60 {
			go p.Acquire(t.Context(), &pool.Request{Key: keyA})
			time.Sleep(time.Second)
		}
		p.Close()
		// The first has a job, not a limit. The second's time is at 11 s, then
		// comes one each 10 s.
		if got := strings.Count(out.String(), "MaxConnsPerHost"); got != 5 {
			t.Errorf("warnings in a minute: got %d, want 5\n%s", got, &out)
		}
	})
}

func TestKeyString(t *testing.T) {
	site := func(s string) origin.Site { return origin.Site{Scheme: "https", Domain: s} }
	for _, tt := range []struct {
		key  pool.Key
		want string
	}{
		{keyA, "https://a.test"},
		{pool.Key{Scheme: "http", Host: "a.test", Port: 8080}, "http://a.test:8080"},
		{pool.Key{Scheme: "http", Host: "::1", Port: 80, Private: true}, "pm/http://[::1]"},
		{
			pool.Key{Scheme: "https", Host: "a.test", Port: 443, Private: true, SecureDNS: exchange.SecureDNSDisable},
			"dsd/pm/https://a.test",
		},
		{
			pool.Key{Scheme: "https", Host: "a.test", Port: 443, SecureDNS: exchange.SecureDNSBootstrap},
			"dns_bootstrap/https://a.test",
		},
		{
			pool.Key{Scheme: "https", Host: "a.test", Port: 443, Isolation: origin.NewKey(site("p.test"), site("p.test"))},
			"https://a.test <https://p.test same_site>",
		},
		{
			pool.Key{Scheme: "https", Host: "a.test", Port: 443, Isolation: origin.NewKey(site("p.test"), site("q.test"))},
			"https://a.test <https://p.test cross_site>",
		},
	} {
		if got := tt.key.String(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.key, got, tt.want)
		}
	}
}

// Keys that share a name are told apart in Info; all of it is fit for JSON.
func TestInfo(t *testing.T) {
	p := pool.New(pool.Config{Connect: connectFake})
	defer p.Close()
	site := origin.Site{Scheme: "https", Domain: "p.test"}
	for _, nonce := range []string{"1", "2"} {
		k := keyA
		k.Isolation = origin.NewNonceKey(site, site, nonce)
		if _, _, err := p.Acquire(t.Context(), &pool.Request{Key: k}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(p.Info()[0])
	if err != nil {
		t.Fatal(err)
	}
	const group = `{"active_socket_count":1,"backup_job_timer_is_running":false,"connect_jobs":[],"idle_sockets":[],` +
		`"is_stalled":false,"pending_request_count":0}`
	want := strings.ReplaceAll(`{"connecting_socket_count":0,"groups":{"https://a.test \u003chttps://p.test same_site\u003e":G,`+
		`"https://a.test \u003chttps://p.test same_site\u003e #2":G},"handed_out_socket_count":2,"idle_socket_count":0,`+
		`"max_sockets_per_group":6,"name":"[direct://]","socket_soft_cap":256,"type":"transport_socket_pool"}`, "G", group)
	if got := string(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNetLog(t *testing.T) {
	var log netlog.Log
	var out bytes.Buffer
	if err := log.Start(&out, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	socket := log.Source(netlog.SourceSocket)
	p := pool.New(pool.Config{MaxConnsPerHost: 1, Log: &log, Connect: func(context.Context, *pool.Request) (pool.Conn, error) {
		return &fakeConn{log: socket}, nil
	}})
	req := &pool.Request{Key: keyA, NetLog: log.Source(netlog.SourceHTTPStreamJob)}
	c, _, err := p.Acquire(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	released := make(chan struct{})
	go func() { // the second waits for the limit, and is cancelled
		defer close(released)
		for p.Info()[0]["groups"].(map[string]any)["https://a.test"].(map[string]any)["pending_request_count"] == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, _, err := p.Acquire(ctx, req); err == nil {
		t.Fatal("acquired beyond the limit")
	}
	<-released
	c.Release()
	if _, _, err = p.Acquire(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if err := p.Preconnect(t.Context(), req, 1); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, e := range nettest.ReadNetLog(t, out.Bytes()) {
		got = append(got, e.String())
		if dep, _ := e.Params["source_dependency"].(map[string]any); e.Name == "SOCKET_POOL_BOUND_TO_SOCKET" && fmt.Sprint(dep["id"]) != fmt.Sprint(socket.ID()) {
			t.Errorf("bound to socket: got params %v, want source %d", e.Params, socket.ID())
		}
	}
	want := []string{
		"TCP_CLIENT_SOCKET_POOL_REQUESTED_SOCKET", "+SOCKET_POOL",
		"+CONNECT_JOB", "SOCKET_POOL_CONNECT_JOB_CREATED", "-CONNECT_JOB",
		"SOCKET_POOL_BOUND_TO_CONNECT_JOB", "SOCKET_POOL_BOUND_TO_SOCKET", "-SOCKET_POOL",
		"TCP_CLIENT_SOCKET_POOL_REQUESTED_SOCKET", "+SOCKET_POOL",
		"SOCKET_POOL_STALLED_MAX_SOCKETS_PER_GROUP", "CANCELLED", "-SOCKET_POOL",
		"TCP_CLIENT_SOCKET_POOL_REQUESTED_SOCKET", "+SOCKET_POOL",
		"SOCKET_POOL_REUSED_AN_EXISTING_SOCKET", "SOCKET_POOL_BOUND_TO_SOCKET", "-SOCKET_POOL",
		"TCP_CLIENT_SOCKET_POOL_REQUESTED_SOCKETS", "+SOCKET_POOL_CONNECTING_N_SOCKETS", "-SOCKET_POOL_CONNECTING_N_SOCKETS",
		"SOCKET_POOL_CLOSING_SOCKET",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("events:\ngot  %v\nwant %v", got, want)
	}
}
