package dial_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// listen returns the port of a loopback listener, which accepts by its backlog
// alone.
func listen(t *testing.T, addr string) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("no loopback of this family: %v", err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().(*net.TCPAddr).AddrPort().Port()
}

// refusing returns a port where nobody listens.
func refusing(t *testing.T, addr string) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("no loopback of this family: %v", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort().Port()
}

func TestDialLoopback(t *testing.T) {
	tests := []struct{ name, listen, host, remote string }{
		{"IPv4", "127.0.0.1:0", "127.0.0.1", "127.0.0.1"},
		{"IPv6", "[::1]:0", "::1", "::1"},
		{"IPv6 in brackets", "[::1]:0", "[::1]", "::1"},
		{"localhost over IPv4 alone", "127.0.0.1:0", "localhost", "127.0.0.1"},
		{"localhost over IPv6 alone", "[::1]:0", "localhost", "::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			port := listen(t, tt.listen)
			var d dial.Dialer
			before := time.Now()
			res, err := d.Dial(t.Context(), &dial.Request{Host: tt.host, Port: port})
			if err != nil {
				t.Fatal(err)
			}
			defer res.Conn.Close()
			want := netip.AddrPortFrom(netip.MustParseAddr(tt.remote), port)
			if got := res.Conn.RemoteAddr().(*net.TCPAddr).AddrPort(); got != want {
				t.Errorf("connected to %v, want %v", got, want)
			}
			if res.ConnectStart.Before(before) || res.ConnectEnd.Before(res.ConnectStart) {
				t.Errorf("connected from %v to %v", res.ConnectStart, res.ConnectEnd)
			}
			if isName := tt.host == "localhost"; res.DNSStart.IsZero() == isName || res.DNSEnd.IsZero() == isName {
				t.Errorf("resolved from %v to %v: zero is for addresses alone", res.DNSStart, res.DNSEnd)
			}
		})
	}
}

func TestDialRefused(t *testing.T) {
	nettest.CheckGoroutines(t)
	port := refusing(t, "127.0.0.1:0")
	var d dial.Dialer
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, err := d.Dial(t.Context(), &dial.Request{Host: host, Port: port})
		if !errors.Is(err, neterr.ConnectionRefused) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: got %v, want ConnectionRefused because of ECONNREFUSED", host, err)
		}
		var e *neterr.Error
		if want := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String(); !errors.As(err, &e) || e.Op != "dial" || e.Addr != want {
			t.Errorf("%s: error %+v does not name %s", host, e, want)
		}
	}
}

// TestResolved: the caller sees the addresses before any is connected to, and may have
// enough with that.
func TestResolved(t *testing.T) {
	enough := errors.New("enough")
	for _, tt := range []struct {
		name, host string
		answer     error
	}{
		{"name", "localhost", nil},
		{"name, enough", "localhost", enough},
		{"address", "127.0.0.1", nil},
		{"address, enough", "127.0.0.1", enough},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			var seen []netip.Addr
			tried := 0
			d := dial.Dialer{Control: func(string, string, syscall.RawConn) error { tried++; return nil }}
			res, err := d.Dial(t.Context(), &dial.Request{
				Host: tt.host, Port: listen(t, "127.0.0.1:0"),
				Resolved: func(addrs []netip.Addr) error {
					if tried > 0 {
						t.Error("told of the addresses after connecting to one")
					}
					seen = addrs
					return tt.answer
				},
			})
			if err != tt.answer {
				t.Errorf("got %v, want %v", err, tt.answer)
			}
			if err == nil {
				res.Conn.Close()
			} else if tried > 0 {
				t.Error("connected all the same")
			}
			if !slices.Contains(seen, netip.MustParseAddr("127.0.0.1")) {
				t.Errorf("got addresses %v, want 127.0.0.1 among them", seen)
			}
		})
	}
}

func TestDialPortZero(t *testing.T) {
	var d dial.Dialer
	_, err := d.Dial(t.Context(), &dial.Request{Host: "127.0.0.1"})
	if !errors.Is(err, neterr.AddressInvalid) {
		t.Errorf("got %v, want AddressInvalid", err)
	}
}

func TestDialUnresolved(t *testing.T) {
	var d dial.Dialer
	_, err := d.Dial(t.Context(), &dial.Request{Host: "no..name", Port: 80})
	var e *neterr.Error
	if !errors.Is(err, neterr.NameNotResolved) || !errors.As(err, &e) || e.Op != "resolve" {
		t.Errorf("got %v, want the resolver's NameNotResolved as it is", err)
	}
}

// TestErrors gives each error of the system its name.
func TestErrors(t *testing.T) {
	tests := []struct {
		name  string
		cause error
		want  neterr.Code
	}{
		{"refused", syscall.ECONNREFUSED, neterr.ConnectionRefused},
		{"host unreachable", syscall.EHOSTUNREACH, neterr.AddressUnreachable},
		{"net unreachable", syscall.ENETUNREACH, neterr.AddressUnreachable},
		{"net down", syscall.ENETDOWN, neterr.InternetDisconnected},
		{"timed out", syscall.ETIMEDOUT, neterr.ConnectionTimedOut},
		{"reset", syscall.ECONNRESET, neterr.ConnectionReset},
		{"no permission", syscall.EACCES, neterr.NetworkAccessDenied},
		{"a code already", neterr.InternetDisconnected, neterr.InternetDisconnected},
		{"anything else", errors.New("odd"), neterr.ConnectionFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dial.Dialer{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
				return nil, tt.cause
			}}
			for _, host := range []string{"192.0.2.1", "localhost"} {
				_, err := d.Dial(t.Context(), &dial.Request{Host: host, Port: 80})
				if neterr.CodeOf(err) != tt.want || !errors.Is(err, tt.cause) {
					t.Errorf("%s: got %v, want %v because of %v", host, err, tt.want, tt.cause)
				}
			}
		})
	}
}

func TestControl(t *testing.T) {
	port := listen(t, "127.0.0.1:0")
	var called string
	d := dial.Dialer{Control: func(network, address string, _ syscall.RawConn) error {
		called = network + " " + address
		return nil
	}}
	res, err := d.Dial(t.Context(), &dial.Request{Host: "127.0.0.1", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	res.Conn.Close()
	if want := "tcp4 " + netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String(); called != want {
		t.Errorf("Control got %q, want %q", called, want)
	}
}

// TestTrace also puts the trace into the context, where net.Dialer would find it
// and call it a second time.
func TestTrace(t *testing.T) {
	port := listen(t, "127.0.0.1:0")
	tests := []struct{ host, want string }{
		{"127.0.0.1", "connect 127.0.0.1, connected 127.0.0.1 true"},
		{"localhost", "resolve localhost, resolved 2 true, connect ::1, connected ::1 false, connect 127.0.0.1, connected 127.0.0.1 true"},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			var events []string
			host := func(addr string) string { return netip.MustParseAddrPort(addr).Addr().String() }
			note := func(words ...string) { events = append(events, strings.Join(words, " ")) }
			ok := func(err error) string {
				if err != nil {
					return "false"
				}
				return "true"
			}
			trace := &httptrace.ClientTrace{
				DNSStart:     func(i httptrace.DNSStartInfo) { note("resolve", i.Host) },
				DNSDone:      func(i httptrace.DNSDoneInfo) { note("resolved", string(rune('0'+len(i.Addrs))), ok(i.Err)) },
				ConnectStart: func(_, addr string) { note("connect", host(addr)) },
				ConnectDone:  func(_, addr string, err error) { note("connected", host(addr), ok(err)) },
			}
			ctx := httptrace.WithClientTrace(t.Context(), trace)
			var d dial.Dialer
			res, err := d.Dial(ctx, &dial.Request{Host: tt.host, Port: port, Trace: trace})
			if err != nil {
				t.Fatal(err)
			}
			res.Conn.Close()
			if got := strings.Join(events, ", "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestTraceUnresolved has no addresses to tell of, only why.
func TestTraceUnresolved(t *testing.T) {
	var done []error
	trace := &httptrace.ClientTrace{DNSDone: func(i httptrace.DNSDoneInfo) { done = append(done, i.Err) }}
	var d dial.Dialer
	_, err := d.Dial(t.Context(), &dial.Request{Host: "no..name", Port: 80, Trace: trace})
	if len(done) != 1 || done[0] != err {
		t.Errorf("DNSDone got %v, want once %v", done, err)
	}
	// Hooks that are not there are not called.
	d.Dial(t.Context(), &dial.Request{Host: "localhost", Port: 1, Trace: &httptrace.ClientTrace{}})
}

func BenchmarkDial(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	port := ln.Addr().(*net.TCPAddr).AddrPort().Port()
	b.Run("dialer=kaon", func(b *testing.B) {
		d := dial.Dialer{Resolver: dns.New(dns.Config{})}
		b.ReportAllocs()
		for b.Loop() {
			res, err := d.Dial(b.Context(), &dial.Request{Host: "127.0.0.1", Port: port})
			if err != nil {
				b.Fatal(err)
			}
			res.Conn.Close()
		}
	})
	b.Run("dialer=net", func(b *testing.B) {
		d := net.Dialer{Timeout: 4 * time.Minute}
		b.ReportAllocs()
		for b.Loop() {
			c, err := d.DialContext(b.Context(), "tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
}
