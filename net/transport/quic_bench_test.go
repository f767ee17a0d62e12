package transport_test

import (
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// BenchmarkFirstVisit is the time to the head of the first response from a host whose
// HTTPS record says that it speaks HTTP/3, or does not: nothing is known before.
func BenchmarkFirstVisit(b *testing.B) {
	for _, record := range []string{"h2", "h3,h2"} {
		b.Run("alpn="+record, func(b *testing.B) {
			ca := nettest.NewCA()
			url, port := both(b, ca.Config("a.rig.test"), "a.rig.test", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") })
			server := recording(b, port, record)
			protocols := map[string]int{}
			for b.Loop() {
				resolver := dns.New(dns.Config{
					Nameservers: []netip.AddrPort{server}, DisableHosts: true,
					Client: dns.ClientConfig{BuiltInResolver: dns.On},
				})
				tr := transport.New(transport.Config{TLS: trusting(b, ca), Dialer: &dial.Dialer{Resolver: resolver}})
				resp, err := tr.RoundTrip(b.Context(), &exchange.Request{URL: parse(b, url)})
				if err != nil {
					b.Fatal(err)
				}
				protocols[resp.Proto]++
				b.StopTimer()
				resp.Body.Close()
				tr.Close()
				resolver.Close()
				b.StartTimer()
			}
			b.Logf("answered over %v", protocols)
		})
	}
}
