package transport_test

import (
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/transport"
)

// TestQUICCostsNothing: a request over TCP allocates no more where HTTP/3 is looked for.
func TestQUICCostsNothing(t *testing.T) {
	const silent = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	const talking = "HTTP/1.1 200 OK\r\nAlt-Svc: h2=\":443\"; ma=60\r\nContent-Length: 2\r\n\r\nok"
	ca := nettest.NewCA()
	measure := func(disable bool, answer string) float64 {
		tr := start(t, transport.Config{TLS: trusting(t, ca), DisableQUIC: disable})
		srv := nettest.NewTLSServer(t, ca.Config("127.0.0.1"), nettest.Respond(answer))
		other := origin.Origin{Scheme: "https", Host: "other.test", Port: 443}
		tr.AltSvc().Learn(other, origin.Key{}, at(443), time.Now())
		u := parse(t, srv.URL())
		return testing.AllocsPerRun(500, func() {
			do(t, tr, &exchange.Request{URL: u})
		})
	}
	with, without := measure(false, silent), measure(true, silent)
	if with > without {
		t.Errorf("%v allocations, without HTTP/3 %v", with, without)
	}
	// A field of no use is parsed each time.
	if told := measure(false, talking); told > with+5 {
		t.Errorf("%v allocations with an Alt-Svc of no use, else %v", told, with)
	}
	t.Logf("%v allocations", with)
}
