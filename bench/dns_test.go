package main

import (
	"context"
	"net"
	"net/netip"
	"testing"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/dns"
)

// BenchmarkResolve resolves one name to one IPv4 address: by Kaon's resolver, by std's,
// and by miekg/dns as a program of a few lines uses it. The others remember nothing, so
// they ask the server of this process each time; its work is in all that ask.
func BenchmarkResolve(b *testing.B) {
	const host = "h.test"
	server := serveDNS(b)
	r := dns.New(dns.Config{
		Nameservers: []netip.AddrPort{server}, DisableHosts: true,
		Client: dns.ClientConfig{DisableAdditionalQueries: true},
	})
	b.Cleanup(r.Close)
	std := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server.String())
	}}
	client := miekg.Client{UDPSize: 4096}

	for _, bb := range []struct {
		name    string
		resolve func(ctx context.Context) (addrs int, err error)
	}{
		{"from=memory/client=kaon", func(ctx context.Context) (int, error) {
			res, err := r.Resolve(ctx, host, dns.Options{Source: dns.SourceDNS, QueryType: dns.QueryA})
			return len(res.Addrs), err
		}},
		{"from=server/client=kaon", func(ctx context.Context) (int, error) {
			res, err := r.Resolve(ctx, host, dns.Options{Source: dns.SourceDNS, QueryType: dns.QueryA, CacheUsage: dns.CacheDisallowed})
			return len(res.Addrs), err
		}},
		{"from=server/client=net.Resolver", func(ctx context.Context) (int, error) {
			addrs, err := std.LookupNetIP(ctx, "ip4", host+".")
			return len(addrs), err
		}},
		{"from=server/client=miekg", func(ctx context.Context) (int, error) {
			m := new(miekg.Msg)
			m.SetQuestion(host+".", miekg.TypeA)
			m.SetEdns0(4096, false)
			reply, _, err := client.ExchangeContext(ctx, m, server.String())
			if err != nil {
				return 0, err
			}
			return len(reply.Answer), nil
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			ctx := b.Context()
			if n, err := bb.resolve(ctx); n != 1 || err != nil { // from then on it is remembered
				b.Fatal(n, err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if n, err := bb.resolve(ctx); n != 1 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// serveDNS answers questions for h.test and IPv4 on the loopback interface, without
// reading them.
func serveDNS(b *testing.B) netip.AddrPort {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	b.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		const question = 12 + len("\x01h\x04test\x00") + 4 // where it ends
		const record = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01"
		var buf [512]byte
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf[:])
			if err != nil {
				return
			}
			if n < question {
				continue
			}
			buf[2], buf[3] = 0x81, 0x80
			buf[7], buf[9], buf[11] = 1, 0, 0
			conn.WriteToUDPAddrPort(append(buf[:question], record...), from)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}
