package stub_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/stub"
)

// BenchmarkQuery asks a server on the loopback interface for one A record, by this
// client and by others: miekg/dns as it is used in a program of a few lines, and std's
// own. The server's time is in all of them.
func BenchmarkQuery(b *testing.B) {
	s := newServer(b, answerFast)
	ctx := b.Context()
	b.Run("client=stub", func(b *testing.B) {
		c := stub.New(stub.Config{Servers: []netip.AddrPort{s.addr}})
		b.ReportAllocs()
		for b.Loop() {
			if a, err := c.Query(ctx, question, stub.Options{}); err != nil || len(a.Addrs) != 1 {
				b.Fatal(a, err)
			}
		}
	})
	b.Run("client=miekg", func(b *testing.B) {
		c := &miekg.Client{UDPSize: dnswire.UDPSize}
		b.ReportAllocs()
		for b.Loop() {
			m := new(miekg.Msg)
			m.SetQuestion("h.test.", miekg.TypeA)
			m.SetEdns0(dnswire.UDPSize, false)
			if a, _, err := c.ExchangeContext(ctx, m, s.addr.String()); err != nil || len(a.Answer) != 1 {
				b.Fatal(a, err)
			}
		}
	})
	b.Run("client=std", func(b *testing.B) {
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, s.addr.String())
		}}
		b.ReportAllocs()
		for b.Loop() {
			if a, err := r.LookupNetIP(ctx, "ip4", "h.test."); err != nil || len(a) != 1 {
				b.Fatal(a, err)
			}
		}
	})
}

// answerFast answers a question for h.test without unpacking it.
func answerFast(_ string, query []byte) [][]byte {
	const end = 12 + 8 + 4 // of the question
	reply := make([]byte, 0, end+16)
	reply = append(reply, query[:end]...)
	reply = append(reply, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"...)
	reply[2], reply[3] = 0x81, 0x80
	reply[7], reply[9], reply[11] = 1, 0, 0
	return [][]byte{reply}
}
