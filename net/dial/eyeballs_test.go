package dial_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// names is a dns.System that knows the addresses of every name, each family after
// its delay.
type names struct {
	v4, v6           string // addresses
	v4After, v6After time.Duration
}

func (n *names) LookupNetIP(ctx context.Context, network, _ string) (list []netip.Addr, err error) {
	text, after := n.v4, n.v4After
	if network == "ip6" {
		text, after = n.v6, n.v6After
	}
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for s := range strings.FieldsSeq(text) {
		list = append(list, netip.MustParseAddr(s))
	}
	return list, nil
}

const ms = time.Millisecond

func TestHappyEyeballs(t *testing.T) {
	type route struct {
		addr  string
		delay time.Duration // negative: silent
		err   error
	}
	refused := syscall.ECONNREFUSED
	tests := []struct {
		name    string
		names   names
		timeout time.Duration // of the Dialer, as the delay
		delay   time.Duration
		routes  []route // other addresses refuse at once
		remote  string  // empty: the dial fails
		err     neterr.Code
		took    time.Duration
		dialled string
	}{
		{
			name:  "one address",
			names: names{v4: "192.0.2.1"}, routes: []route{{"192.0.2.1", 20 * ms, nil}},
			remote: "192.0.2.1", took: 20 * ms, dialled: "192.0.2.1",
		},
		{
			name:   "IPv6 first, though IPv4 would be faster",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			routes: []route{{"192.0.2.1", 1 * ms, nil}, {"2001:db8::1", 200 * ms, nil}},
			remote: "2001:db8::1", took: 200 * ms, dialled: "2001:db8::1",
		},
		{
			name:   "IPv6 is silent: IPv4 after 300 ms",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			routes: []route{{"192.0.2.1", 20 * ms, nil}, {"2001:db8::1", -1, nil}},
			remote: "192.0.2.1", took: 320 * ms, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name:   "IPv6 is slow, and still first",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			routes: []route{{"192.0.2.1", 50 * ms, nil}, {"2001:db8::1", 340 * ms, nil}},
			remote: "2001:db8::1", took: 340 * ms, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name:   "IPv6 refuses: IPv4 at once",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1 2001:db8::2"},
			routes: []route{{"192.0.2.1", 20 * ms, nil}, {"2001:db8::1", 10 * ms, refused}},
			remote: "192.0.2.1", took: 30 * ms, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name:  "IPv4 is resolved first: it does not wait long for IPv6",
			names: names{v4: "192.0.2.1", v4After: 10 * ms, v6: "2001:db8::1", v6After: time.Minute},
			routes: []route{
				{"192.0.2.1", 20 * ms, nil},
			},
			remote: "192.0.2.1", took: 80 * ms, dialled: "192.0.2.1", // the resolver keeps it for 50 ms
		},
		{
			name:   "the only address so far refuses: wait for the rest",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1", v6After: 100 * ms},
			routes: []route{{"2001:db8::1", 20 * ms, nil}},
			remote: "2001:db8::1", took: 120 * ms, dialled: "192.0.2.1 2001:db8::1",
		},
		{
			name:   "one address, then word that there is no more",
			names:  names{v4: "192.0.2.1", v6After: 100 * ms},
			routes: []route{{"192.0.2.1", 500 * ms, nil}},
			remote: "192.0.2.1", took: 550 * ms, dialled: "192.0.2.1",
		},
		{
			name:   "a first IPv6 address that is silent does not hold up the others of IPv4",
			names:  names{v4: "192.0.2.1 192.0.2.2", v6: "2001:db8::1"},
			routes: []route{{"2001:db8::1", -1, nil}, {"192.0.2.1", 50 * ms, refused}, {"192.0.2.2", 50 * ms, nil}},
			remote: "192.0.2.2", took: 400 * ms, dialled: "2001:db8::1 192.0.2.1 192.0.2.2",
		},
		{
			name:   "two silent addresses of IPv4 alone: the second after 300 ms",
			names:  names{v4: "192.0.2.1 192.0.2.2 192.0.2.3"},
			routes: []route{{"192.0.2.1", -1, nil}, {"192.0.2.2", 100 * ms, refused}, {"192.0.2.3", 10 * ms, nil}},
			remote: "192.0.2.3", took: 410 * ms, dialled: "192.0.2.1 192.0.2.2 192.0.2.3",
		},
		{
			name:   "all refuse: the last error",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			routes: []route{{"192.0.2.1", 10 * ms, syscall.EHOSTUNREACH}, {"2001:db8::1", 10 * ms, refused}},
			err:    neterr.AddressUnreachable, took: 20 * ms, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name:   "all are silent: the dialer's time limit",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			routes: []route{{"192.0.2.1", -1, nil}, {"2001:db8::1", -1, nil}},
			err:    neterr.TimedOut, took: 4 * time.Minute, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name:    "the limit counts for one address",
			names:   names{v4: "192.0.2.1"},
			timeout: time.Second,
			routes:  []route{{"192.0.2.1", -1, nil}},
			err:     neterr.TimedOut, took: time.Second, dialled: "192.0.2.1",
		},
		{
			name:    "the limit counts for resolving",
			names:   names{v4After: time.Hour, v6After: time.Hour},
			timeout: time.Second,
			err:     neterr.TimedOut, took: time.Second,
		},
		{
			name:    "no limit",
			names:   names{v4: "192.0.2.1"},
			timeout: -1,
			routes:  []route{{"192.0.2.1", time.Hour, nil}},
			remote:  "192.0.2.1", took: time.Hour, dialled: "192.0.2.1",
		},
		{
			name:   "another delay",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			delay:  50 * ms,
			routes: []route{{"192.0.2.1", 0, nil}, {"2001:db8::1", -1, nil}},
			remote: "192.0.2.1", took: 50 * ms, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name:   "never a second attempt",
			names:  names{v4: "192.0.2.1", v6: "2001:db8::1"},
			delay:  -1,
			routes: []route{{"192.0.2.1", 0, nil}, {"2001:db8::1", time.Minute, refused}},
			remote: "192.0.2.1", took: time.Minute, dialled: "2001:db8::1 192.0.2.1",
		},
		{
			name: "a name that is not known", err: neterr.NameNotResolved,
		},
		{
			name:  "a name collision ends the dial, attempts included",
			names: names{v6: "2001:db8::1", v4: "127.0.53.53", v4After: 100 * ms}, routes: []route{{"2001:db8::1", -1, nil}},
			err: neterr.ICANNNameCollision, took: 100 * ms, dialled: "2001:db8::1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network nettest.Network
				for _, r := range tt.routes {
					at := net.JoinHostPort(r.addr, "80")
					network.Delay(at, r.delay)
					if network.Fail(at, r.err); r.err == nil {
						ln, err := network.Listen(at)
						if err != nil {
							t.Fatal(err)
						}
						defer ln.Close()
					}
				}
				resolver := dns.New(dns.Config{System: &tt.names, DisableHosts: true})
				defer resolver.Close()
				d := &dial.Dialer{
					Resolver: resolver, DialContext: network.Dial,
					Timeout: tt.timeout, FallbackDelay: tt.delay,
				}
				start := time.Now()
				res, err := d.Dial(t.Context(), &dial.Request{Host: "example.test", Port: 80})
				took := time.Since(start)
				if neterr.CodeOf(err) != tt.err || took != tt.took {
					t.Errorf("got %v after %v, want %v after %v", err, took, tt.err, tt.took)
				}
				if err == nil {
					defer res.Conn.Close()
					if got := res.Conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().String(); got != tt.remote {
						t.Errorf("connected to %s, want %s", got, tt.remote)
					}
				}
				var dialled []string
				for _, addr := range network.Dialled() {
					dialled = append(dialled, netip.MustParseAddrPort(addr).Addr().String())
				}
				if !slices.Equal(dialled, strings.Fields(tt.dialled)) {
					t.Errorf("dialled %v, want %s", dialled, tt.dialled)
				}
			})
		})
	}
}

// TestTimings: as long as no attempt is under way, Dial waits for addresses.
func TestTimings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network nettest.Network
		ln, err := network.Listen("192.0.2.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		network.Delay("192.0.2.1:80", 30*ms)
		resolver := dns.New(dns.Config{DisableHosts: true, System: &names{v4: "192.0.2.1", v4After: 20 * ms, v6After: 90 * ms}})
		defer resolver.Close()
		d := &dial.Dialer{Resolver: resolver, DialContext: network.Dial}
		start := time.Now()
		res, err := d.Dial(t.Context(), &dial.Request{Host: "example.test", Port: 80})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Conn.Close()
		got := [...]time.Duration{res.DNSStart.Sub(start), res.DNSEnd.Sub(start), res.ConnectStart.Sub(start), res.ConnectEnd.Sub(start)}
		if want := [...]time.Duration{0, 70 * ms, 70 * ms, 100 * ms}; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestCancel ends a dial in each of its steps. Whatever is under way ends with it:
// the bubble would not end otherwise.
func TestCancel(t *testing.T) {
	tests := []struct {
		name  string
		names names
	}{
		{"resolving", names{v4After: time.Hour, v6After: time.Hour}},
		{"one attempt", names{v4: "192.0.2.1"}},
		{"one attempt while resolving", names{v4: "192.0.2.1", v6After: time.Hour}},
		{"two attempts", names{v4: "192.0.2.1", v6: "2001:db8::1"}},
	}
	causes := []struct {
		cause error
		want  neterr.Code
	}{
		{context.Canceled, neterr.Aborted},
		{neterr.NetworkChanged, neterr.NetworkChanged},
		{context.DeadlineExceeded, neterr.TimedOut},
	}
	for _, tt := range tests {
		for _, c := range causes {
			t.Run(tt.name+"/"+c.want.Name(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var network nettest.Network
					network.Delay("192.0.2.1:80", -1)
					network.Delay("[2001:db8::1]:80", -1)
					resolver := dns.New(dns.Config{System: &tt.names, DisableHosts: true})
					defer resolver.Close()
					d := &dial.Dialer{Resolver: resolver, DialContext: network.Dial}
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(time.Second, func() { cancel(c.cause) })
					start := time.Now()
					_, err := d.Dial(ctx, &dial.Request{Host: "example.test", Port: 80})
					if !errors.Is(err, c.want) || !errors.Is(err, c.cause) || time.Since(start) != time.Second {
						t.Errorf("got %v after %v, want %v after 1s", err, time.Since(start), c.want)
					}
				})
			})
		}
	}
}

// A lateConn says when it is closed.
type lateConn struct {
	net.Conn
	closed chan<- string
	name   string
}

func (c lateConn) Close() error {
	c.closed <- c.name
	return nil
}

// TestLoserIsClosed has the second attempt connect just as the first one has won.
func TestLoserIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan string, 2)
		resolver := dns.New(dns.Config{DisableHosts: true, System: &names{v4: "192.0.2.1", v6: "2001:db8::1"}})
		defer resolver.Close()
		d := &dial.Dialer{Resolver: resolver, DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, "192.0.2.1") {
				<-ctx.Done() // too late to notice that nobody wants it any more
			} else {
				time.Sleep(400 * ms)
			}
			return lateConn{closed: closed, name: addr}, nil
		}}
		res, err := d.Dial(t.Context(), &dial.Request{Host: "example.test", Port: 80})
		if err != nil {
			t.Fatal(err)
		}
		if winner := res.Conn.(lateConn).name; winner != "[2001:db8::1]:80" {
			t.Errorf("%s won", winner)
		}
		select {
		case loser := <-closed:
			if loser != "192.0.2.1:80" {
				t.Errorf("%s was closed", loser)
			}
		default:
			t.Error("the loser is not closed when Dial returns")
		}
	})
}
