package transport_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

func TestPreconnect(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), nettest.Respond(ok))
	req := get(t, srv)
	for _, n := range []int{2, 2, 1} { // what is there counts
		if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: req.URL, N: n}); err != nil {
			t.Fatal(err)
		}
	}
	resp := do(t, tr, req)
	if !resp.Info.Reused || srv.Accepted() != 2 {
		t.Errorf("Reused %v with %d connections, want one of the 2 made ahead", resp.Info.Reused, srv.Accepted())
	}
	if tm := resp.Info.Timing.Connect; tm != nil {
		t.Errorf("a request that did not wait for a connection has its timing: %+v", tm)
	}
	if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: req.URL, N: 1, Private: true}); err != nil {
		t.Fatal(err)
	}
	if got := srv.Accepted(); got != 3 {
		t.Errorf("got %d connections, want a third without credentials", got)
	}
	req = get(t, srv)
	req.Credentials = exchange.Omit
	if resp := do(t, tr, req); !resp.Info.Reused {
		t.Error("the request without credentials did not use it")
	}
}

func TestPreconnectErrors(t *testing.T) {
	tr := start(t, transport.Config{})
	srv := nettest.NewServer(t, nettest.Respond(ok))
	dead := parse(t, srv.URL())
	srv.Close()
	for _, tt := range []struct {
		name, url string
		n         int
		want      error
	}{
		{name: "none", url: dead.String(), n: 0, want: neterr.InvalidArgument},
		{name: "scheme", url: "ftp://a.test", n: 1, want: neterr.UnknownURLScheme},
		{name: "host", url: "http://", n: 1, want: neterr.InvalidURL},
		{name: "refused", url: dead.String(), n: 1, want: neterr.ConnectionRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: parse(t, tt.url), N: tt.n}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// halfAnswers serves a body of 4 bytes, the second half once release is closed.
func halfAnswers(release <-chan struct{}) func(*nettest.Conn) {
	return func(c *nettest.Conn) {
		for {
			if _, err := c.ReadHead(); err != nil {
				return
			}
			c.Print("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
			<-release
			c.Print("lf")
		}
	}
}

func TestCloseAllConnections(t *testing.T) {
	tr := start(t, transport.Config{})
	release := make(chan struct{})
	srv := nettest.NewServer(t, halfAnswers(release))
	defer close(release)
	resp, err := tr.RoundTrip(t.Context(), get(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	tr.CloseAllConnections(neterr.NetworkChanged)
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, neterr.NetworkChanged) {
		t.Errorf("the body under way: got %v, want ERR_NETWORK_CHANGED", err)
	}
	next := nettest.NewServer(t, nettest.Respond(ok))
	do(t, tr, get(t, next))
}

func TestCloseIdleConnections(t *testing.T) {
	tr := start(t, transport.Config{})
	srv := nettest.NewServer(t, nettest.Respond(ok))
	do(t, tr, get(t, srv))
	tr.CloseIdleConnections()
	nettest.Eventually(t, "the server sees the end", func() bool { return srv.Open() == 0 })
	if resp := do(t, tr, get(t, srv)); resp.Info.Reused {
		t.Error("a closed connection served")
	}
}

// TestRefresh: what is under way ends in peace, what comes later gets a connection of
// its own.
func TestRefresh(t *testing.T) {
	tr := start(t, transport.Config{})
	release := make(chan struct{})
	srv := nettest.NewServer(t, halfAnswers(release))
	resp, err := tr.RoundTrip(t.Context(), get(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	tr.Refresh(neterr.NetworkChanged)
	close(release)
	if b, err := io.ReadAll(resp.Body); string(b) != "half" || err != nil {
		t.Errorf("the body under way: %q, %v", b, err)
	}
	if resp := do(t, tr, get(t, srv)); resp.Info.Reused {
		t.Error("a later request got an old connection")
	}
	if resp := do(t, tr, get(t, srv)); !resp.Info.Reused {
		t.Error("new connections are not kept")
	}
}

func TestClose(t *testing.T) {
	tr := start(t, transport.Config{})
	release := make(chan struct{})
	srv := nettest.NewServer(t, halfAnswers(release))
	defer close(release)
	resp, err := tr.RoundTrip(t.Context(), get(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	tr.Close()
	tr.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, neterr.ContextShutDown) {
		t.Errorf("the body under way: got %v, want ERR_CONTEXT_SHUT_DOWN", err)
	}
	body := &tracked{Reader: strings.NewReader("x")}
	req := get(t, srv)
	req.Method, req.Body, req.ContentLength = "POST", body, 1
	if _, err := tr.RoundTrip(t.Context(), req); !errors.Is(err, neterr.ContextShutDown) {
		t.Errorf("after Close: got %v, want ERR_CONTEXT_SHUT_DOWN", err)
	}
	if got := body.closed.Load(); got != 1 {
		t.Errorf("body closed %d times, want once", got)
	}
	if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: req.URL, N: 1}); !errors.Is(err, neterr.ContextShutDown) {
		t.Errorf("Preconnect after Close: got %v, want ERR_CONTEXT_SHUT_DOWN", err)
	}
}
