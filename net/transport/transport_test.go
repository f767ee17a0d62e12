package transport_test

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// start returns a Transport that closes with the test, which then has leaked no
// goroutine. Call it before the servers are made.
func start(t *testing.T, cfg transport.Config) *transport.Transport {
	t.Helper()
	nettest.CheckGoroutines(t)
	tr := transport.New(cfg)
	t.Cleanup(tr.Close)
	return tr
}

func trusting(t testing.TB, ca *nettest.CA) *tls.Client {
	t.Helper()
	c, err := tls.NewClient(tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func get(t *testing.T, srv *nettest.Server) *exchange.Request {
	t.Helper()
	return &exchange.Request{URL: parse(t, srv.URL()+"/")}
}

// do sends req and reads the answer to its end.
func do(t *testing.T, tr *transport.Transport, req *exchange.Request) *exchange.Response {
	t.Helper()
	resp, err := tr.RoundTrip(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

// A tracked body tells how often it was closed.
type tracked struct {
	io.Reader
	closed atomic.Int32
}

func (b *tracked) Close() error { b.closed.Add(1); return nil }

// TestSharing: which requests may have each other's connections.
func TestSharing(t *testing.T) {
	site := func(host string) origin.Site { return origin.Of(parse(t, "https://"+host)).Site() }
	a, b := origin.NewKey(site("a.test"), site("a.test")), origin.NewKey(site("b.test"), site("b.test"))
	tests := []struct {
		name          string
		first, second exchange.Request
		scheme        string // of the second; empty is the first's
		tls           bool
		shared        bool
	}{
		{name: "the same", shared: true},
		{name: "ws is http", scheme: "ws", shared: true},
		{name: "wss is https", tls: true, scheme: "wss", shared: true},
		{name: "include and same-origin credentials", second: exchange.Request{Credentials: exchange.SameOrigin}, shared: true},
		{name: "credentials omitted", second: exchange.Request{Credentials: exchange.Omit}},
		{name: "both omitted", first: exchange.Request{Credentials: exchange.Omit}, second: exchange.Request{Credentials: exchange.Omit}, shared: true},
		{name: "keyed and not", second: exchange.Request{Key: a}},
		{name: "keys of two sites", first: exchange.Request{Key: a}, second: exchange.Request{Key: b}},
		{name: "keys of one site", first: exchange.Request{Key: a}, second: exchange.Request{Key: a}, shared: true},
		{name: "secure DNS policy", second: exchange.Request{SecureDNS: exchange.SecureDNSDisable}},
		{name: "priority and host field", second: exchange.Request{Priority: exchange.Highest, Host: "b.test"}, shared: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tr := start(t, transport.Config{TLS: trusting(t, ca)})
			srv := nettest.NewServer(t, nettest.Respond(ok))
			if tt.tls {
				srv = nettest.NewTLSServer(t, ca.Config("127.0.0.1"), nettest.Respond(ok))
			}
			tt.first.URL, tt.second.URL = parse(t, srv.URL()), parse(t, srv.URL())
			if tt.scheme != "" {
				tt.second.URL.Scheme = tt.scheme
			}
			do(t, tr, &tt.first)
			resp := do(t, tr, &tt.second)
			if resp.Info.Reused != tt.shared {
				t.Errorf("the second request shares the connection: got %v, want %v", resp.Info.Reused, tt.shared)
			}
			want := 2
			if tt.shared {
				want = 1
			}
			if got := srv.Accepted(); got != want {
				t.Errorf("got %d connections, want %d", got, want)
			}
		})
	}
}

// TestRefused: what fails before there is a connection closes the body as well.
func TestRefused(t *testing.T) {
	u := func(s string) *url.URL { return parse(t, s) }
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context // nil is the test's
		req  exchange.Request
		want error
	}{
		{name: "no URL", want: neterr.InvalidURL},
		{name: "no scheme", req: exchange.Request{URL: u("//a.test/")}, want: neterr.UnknownURLScheme},
		{name: "other scheme", req: exchange.Request{URL: u("ftp://a.test/")}, want: neterr.UnknownURLScheme},
		{name: "no host", req: exchange.Request{URL: u("http:///path")}, want: neterr.InvalidURL},
		{name: "opaque", req: exchange.Request{URL: u("http:a.test")}, want: neterr.InvalidURL},
		{name: "port out of range", req: exchange.Request{URL: &url.URL{Scheme: "http", Host: "a.test:65536"}}, want: neterr.InvalidURL},
		{name: "https without TLS", req: exchange.Request{URL: u("https://127.0.0.1:1/")}, want: neterr.NotImplemented},
		{name: "ended context", ctx: ended, req: exchange.Request{URL: u("http://127.0.0.1:1/")}, want: neterr.Aborted},
		{name: "limits ignored at low priority", req: exchange.Request{URL: u("http://127.0.0.1:1/"), LoadFlags: exchange.IgnoreLimits}, want: neterr.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := start(t, transport.Config{})
			body := &tracked{Reader: strings.NewReader("x")}
			tt.req.Body, tt.req.ContentLength = body, 1
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			resp, err := tr.RoundTrip(ctx, &tt.req)
			if !errors.Is(err, tt.want) || resp != nil {
				t.Errorf("got %v, %v, want %v", resp, err, tt.want)
			}
			if got := body.closed.Load(); got != 1 {
				t.Errorf("body closed %d times, want once", got)
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	tr := start(t, transport.Config{})
	srv := nettest.NewServer(t, nettest.Respond(ok))
	req := get(t, srv)
	srv.Close()
	if _, err := tr.RoundTrip(t.Context(), req); !errors.Is(err, neterr.ConnectionRefused) {
		t.Errorf("got %v, want ERR_CONNECTION_REFUSED", err)
	}
}

func TestTLS(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), nettest.Respond(ok))
	for i := range 2 {
		resp := do(t, tr, get(t, srv))
		s := resp.Info.TLS
		if s == nil || !s.HandshakeComplete || s.NegotiatedProtocol != "http/1.1" || len(s.VerifiedChains) != 1 {
			t.Errorf("exchange %d: TLS state %+v", i, s)
		}
		if resp.Info.Reused != (i > 0) {
			t.Errorf("exchange %d: Reused is %v", i, resp.Info.Reused)
		}
	}
	stranger := nettest.NewTLSServer(t, nettest.NewCA().Config("127.0.0.1"), nettest.Respond(ok))
	if _, err := tr.RoundTrip(t.Context(), get(t, stranger)); !errors.Is(err, neterr.CertAuthorityInvalid) {
		t.Errorf("a stranger's certificate: got %v, want ERR_CERT_AUTHORITY_INVALID", err)
	}
	if got := stranger.Accepted(); got != 1 {
		t.Errorf("a stranger was connected to %d times, want once", got)
	}
}
