package mdns_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"golang.org/x/net/ipv4"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/mdns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

const zone = `
h.local. 120 IN A 192.0.2.1
h.local. 120 IN AAAA 2001:db8::1
h.local. 120 IN AAAA fe80::1
h.local. 120 IN TXT "a=b"
_http._tcp.local. 120 IN PTR web._http._tcp.local.
web._http._tcp.local. 120 IN SRV 0 0 8080 h.local.
v4only.local. 120 IN A 192.0.2.2
`

func TestQuery(t *testing.T) {
	nettest.CheckGoroutines(t)
	neighbour := listen(t)
	neighbour.serve(t, func(q *miekg.Msg) [][]byte {
		question := q.Question[0]
		if question.Qclass != miekg.ClassINET|1<<15 || q.RecursionDesired || q.Id != 0 || len(q.Extra) > 0 {
			t.Errorf("got question %v, want one for mDNS with a unicast answer", q)
		}
		// What is to be ignored comes first: noise, the question's own echo, another name.
		echo, _ := q.Pack()
		return [][]byte{[]byte("noise"), echo, pack(t, "i.local. 120 IN A 192.0.2.66\n"), pack(t, about(t, question))}
	})
	loopback := neighbour.link
	c := &mdns.Client{Interfaces: []net.Interface{loopback}}
	for _, tc := range []struct {
		name string
		typ  dnswire.Type
		want dnswire.Answer
	}{
		{"h.local", dnswire.A, dnswire.Answer{Addrs: addrs("192.0.2.1"), CanonicalName: "h.local"}},
		{"H.Local.", dnswire.AAAA, dnswire.Answer{Addrs: addrs("2001:db8::1", "fe80::1%"+loopback.Name), CanonicalName: "h.local"}},
		{"h.local", dnswire.TXT, dnswire.Answer{Texts: [][]string{{"a=b"}}, CanonicalName: "h.local"}},
		{"_http._tcp.local", dnswire.PTR, dnswire.Answer{Names: []string{"web._http._tcp.local"}, CanonicalName: "_http._tcp.local"}},
		{"web._http._tcp.local", dnswire.SRV, dnswire.Answer{Servers: []dnswire.Server{{Port: 8080, Target: "h.local"}}, CanonicalName: "web._http._tcp.local"}},
		{"v4only.local", dnswire.AAAA, dnswire.Answer{CanonicalName: "v4only.local"}},
	} {
		tc.want.TTL, tc.want.Known = 2*time.Minute, true
		got, err := c.Query(t.Context(), dnswire.Question{Name: tc.name, Type: tc.typ}, netlog.Source{})
		if err != nil || !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s %v: got %+v, %v, want %+v", tc.name, tc.typ, got, err, tc.want)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	nettest.CheckGoroutines(t)
	neighbour := listen(t)
	asked := make(chan struct{}, 10)
	neighbour.serve(t, func(q *miekg.Msg) [][]byte {
		if q.Question[0].Name == "forged.local." {
			// mDNS answers come from one port, not from any program's.
			conn, err := net.DialUDP("udp4", nil, neighbour.peer)
			if err != nil {
				t.Error(err)
				return nil
			}
			defer conn.Close()
			conn.Write(pack(t, "forged.local. 120 IN A 192.0.2.66\n"))
		}
		asked <- struct{}{}
		return nil
	})
	here := []net.Interface{neighbour.link}

	for _, name := range []string{"missing.local", "forged.local"} {
		c := &mdns.Client{Interfaces: here, Timeout: 50 * time.Millisecond}
		_, err := c.Query(t.Context(), dnswire.Question{Name: name, Type: dnswire.A}, netlog.Source{})
		if !errors.Is(err, neterr.NameNotResolved) || !errors.Is(err, neterr.DNSTimedOut) || neterr.CodeOf(err) != neterr.NameNotResolved {
			t.Errorf("%s: got %v, want %v because of %v", name, err, neterr.NameNotResolved, neterr.DNSTimedOut)
		}
		<-asked
	}

	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	c := &mdns.Client{Interfaces: here, Timeout: time.Hour}
	if _, err := c.Query(ctx, dnswire.Question{Name: "missing.local", Type: dnswire.A}, netlog.Source{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
}

func TestNothingToAsk(t *testing.T) {
	for _, tc := range []struct {
		name   string
		client mdns.Client
		q      dnswire.Question
		want   string // in the error
	}{
		{"no interfaces", mdns.Client{Interfaces: []net.Interface{}}, dnswire.Question{Name: "h.local", Type: dnswire.A}, "no interface"},
		{"none that exists", mdns.Client{Interfaces: []net.Interface{{Index: 1 << 20, Name: "gone"}}}, dnswire.Question{Name: "h.local", Type: dnswire.A}, "no interface"},
		{"a bad name", mdns.Client{}, dnswire.Question{Name: strings.Repeat("x", 64) + ".local", Type: dnswire.A}, "pack question"},
		{"HTTPS", mdns.Client{}, dnswire.Question{Name: "h.local", Type: dnswire.HTTPS}, "this type"},
	} {
		_, err := tc.client.Query(t.Context(), tc.q, netlog.Source{})
		if !errors.Is(err, neterr.NameNotResolved) || errors.Is(err, neterr.DNSTimedOut) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %v because of %q", tc.name, err, neterr.NameNotResolved, tc.want)
		}
	}
}

func TestNetLog(t *testing.T) {
	neighbour := listen(t)
	neighbour.serve(t, func(q *miekg.Msg) [][]byte { return [][]byte{pack(t, about(t, q.Question[0]))} })
	var log netlog.Log
	var file bytes.Buffer
	if err := log.Start(&file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	c := &mdns.Client{Interfaces: []net.Interface{neighbour.link}}
	if _, err := c.Query(t.Context(), dnswire.Question{Name: "h.local", Type: dnswire.A}, log.Source(netlog.SourceNone)); err != nil {
		t.Error(err)
	}
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		if e.Source == "DNS_TRANSACTION" {
			got = append(got, e.String())
		}
	}
	// One attempt, or two where there is IPv6.
	got = slices.Compact(got)
	if want := []string{"+DNS_TRANSACTION", "DNS_TRANSACTION_ATTEMPT", "-DNS_TRANSACTION"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A neighbour is a socket in the IPv4 group on the loopback interface.
type neighbour struct {
	link net.Interface
	conn *net.UDPConn
	peer *net.UDPAddr // who asked last
}

func listen(t *testing.T) *neighbour {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 })
	if i < 0 {
		t.Fatal("no loopback interface")
	}
	conn, err := net.ListenMulticastUDP("udp4", &all[i], &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
	if err != nil {
		t.Fatal(err)
	}
	return &neighbour{link: all[i], conn: conn}
}

// serve sends what handle returns to whoever asks, until the test ends.
func (n *neighbour) serve(t *testing.T, handle func(*miekg.Msg) [][]byte) {
	// The system may have another interface's address for what comes from this one.
	out, from := ipv4.NewPacketConn(n.conn), &ipv4.ControlMessage{Src: net.IPv4(127, 0, 0, 1)}
	ended := make(chan struct{})
	t.Cleanup(func() { n.conn.Close(); <-ended })
	go func() {
		defer close(ended)
		b := make([]byte, 9000)
		for {
			size, peer, err := n.conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			var q miekg.Msg
			if err := q.Unpack(b[:size]); err != nil || q.Response || len(q.Question) != 1 {
				continue // some other program's
			}
			n.peer = peer
			for _, msg := range handle(&q) {
				out.WriteTo(msg, from, peer)
			}
		}
	}()
}

// about is the part of the zone that answers a question: for a name without such a
// record, that there is none.
func about(t *testing.T, q miekg.Question) string {
	var answer strings.Builder
	for _, rr := range records(t, zone) {
		if rr.Header().Rrtype == q.Qtype && strings.EqualFold(rr.Header().Name, q.Name) {
			answer.WriteString(rr.String() + "\n")
		}
	}
	if answer.Len() == 0 {
		return q.Name + " 120 IN NSEC " + q.Name + " A\n"
	}
	return answer.String()
}

func pack(t *testing.T, answer string) []byte {
	m := miekg.Msg{Answer: records(t, answer)}
	m.Response, m.Authoritative = true, true
	b, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return b
}

func records(t *testing.T, text string) (rrs []miekg.RR) {
	p := miekg.NewZoneParser(strings.NewReader(text), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if err := p.Err(); err != nil {
		t.Error(err)
	}
	return rrs
}

func addrs(s ...string) (list []netip.Addr) {
	for _, a := range s {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}
