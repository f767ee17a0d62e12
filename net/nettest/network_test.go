package nettest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestNetworkDialErrors(t *testing.T) {
	ctx := t.Context()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	tests := []struct {
		name    string
		ctx     context.Context
		network string
		addr    string
		want    error
	}{
		{name: "listener", ctx: ctx, network: "tcp", addr: "10.0.0.1:80"},
		{name: "listener by family", ctx: ctx, network: "tcp4", addr: "10.0.0.1:80"},
		{name: "nobody", ctx: ctx, network: "tcp", addr: "10.0.0.1:81", want: syscall.ECONNREFUSED},
		{name: "set to fail", ctx: ctx, network: "tcp", addr: "10.0.0.2:80", want: syscall.EHOSTUNREACH},
		{name: "ended context", ctx: ended, network: "tcp", addr: "10.0.0.1:80", want: context.Canceled},
		{name: "wrong family", ctx: ctx, network: "tcp6", addr: "10.0.0.1:80", want: net.UnknownNetworkError("tcp6")},
		{name: "unknown network", ctx: ctx, network: "udp", addr: "10.0.0.1:80", want: net.UnknownNetworkError("udp")},
	}
	var n nettest.Network
	ln := listen(t, &n, "10.0.0.1:80")
	n.Fail("10.0.0.2:80", syscall.EHOSTUNREACH)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := n.Dial(tt.ctx, tt.network, tt.addr)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			defer c.Close()
			if got := c.RemoteAddr().String(); got != tt.addr {
				t.Errorf("remote address: got %s, want %s", got, tt.addr)
			}
		})
	}
	if _, err := n.Dial(ctx, "tcp", "example.test:80"); err == nil {
		t.Error("a name was dialled, want an error: there is no resolver")
	}
	if _, err := n.Listen("10.0.0.1:80"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen: got %v, want %v", err, syscall.EADDRINUSE)
	}
	ln.Close()
	if _, err := n.Dial(ctx, "tcp", "10.0.0.1:80"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial after Close: got %v, want %v", err, syscall.ECONNREFUSED)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after Close: got %v, want %v", err, net.ErrClosed)
	}
	listen(t, &n, "10.0.0.1:80")
}

func TestNetworkDelay(t *testing.T) {
	tests := []struct {
		name  string
		delay time.Duration
		want  error
		after time.Duration
	}{
		{name: "slow", delay: 3 * time.Second, after: 3 * time.Second},
		{name: "too slow", delay: time.Hour, want: context.DeadlineExceeded, after: time.Minute},
		{name: "never", delay: -1, want: context.DeadlineExceeded, after: time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n nettest.Network
				listen(t, &n, "[2001:db8::1]:443")
				n.Delay("[2001:db8::1]:443", tt.delay)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				c, err := n.Dial(ctx, "tcp", "[2001:db8::1]:443")
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if got := time.Since(start); got != tt.after {
					t.Errorf("took %v, want %v", got, tt.after)
				}
				if c != nil {
					c.Close()
				}
				if got, want := n.Dialled(), []string{"[2001:db8::1]:443"}; !slices.Equal(got, want) {
					t.Errorf("dialled: got %v, want %v", got, want)
				}
			})
		})
	}
}

func TestNetworkListenerCloseResetsQueue(t *testing.T) {
	var n nettest.Network
	ln := listen(t, &n, "10.0.0.1:80")
	c, err := n.Dial(t.Context(), "tcp", "10.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ln.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want %v", err, syscall.ECONNRESET)
	}
}

// net/http's client and server are demanding users of a net.Conn: if they work in
// a bubble over a Network, so does what Kaon builds.
func TestNetworkCarriesHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := nettest.Network{BufferSize: 100}
		ln := listen(t, &n, "10.0.0.1:0")
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			time.Sleep(time.Minute)
			w.Write(body)
		})}
		go srv.Serve(ln)
		transport := &http.Transport{DialContext: n.Dial, IdleConnTimeout: time.Hour}
		client := http.Client{Transport: transport}

		start := time.Now()
		pr, pw := io.Pipe()
		go func() {
			w := bufio.NewWriter(pw)
			for range 1000 {
				w.WriteString("0123456789")
			}
			w.Flush()
			pw.Close()
		}()
		resp, err := client.Post("http://"+ln.Addr().String(), "text/plain", pr)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(body) != 10000 {
			t.Errorf("got %d bytes, %v; want 10000", len(body), err)
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("took %v of the bubble's time, want 1m", got)
		}
		transport.CloseIdleConnections()
		srv.Close()
	})
}

func listen(t *testing.T, n *nettest.Network, addr string) net.Listener {
	t.Helper()
	ln, err := n.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}
