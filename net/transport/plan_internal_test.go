package transport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// TestPlans runs the rules in testdata/plans. The commands:
//
//	new
//	learn host=a [isolated]      its server sends the Alt-Svc that follows
//	plan host=a [isolated]       by Alt-Svc
//	plan host=a alpn=(h3,h2)     by an HTTPS record
//	succeeded trip=50ms          what the last plan led to
//	failed err=NAME
//	faded
//	network                      it changed
//	sleep for=1s
//
// The last plan stays in force until there is another.
func TestPlans(t *testing.T) {
	var l lore
	var now time.Time
	var s site
	var p plan
	datadriven.RunTest(t, "testdata/plans", func(t *testing.T, d *datadriven.TestData) string {
		if d.HasArg("host") {
			var host string
			d.ScanArgs(t, "host", &host)
			s = site{origin: origin.Origin{Scheme: "https", Host: host, Port: 443}}
			if d.HasArg("isolated") {
				top := origin.Site{Scheme: "https", Domain: "top.test"}
				s.isolation = origin.NewKey(top, top)
			}
		}
		switch d.Cmd {
		case "new":
			l, now = lore{store: altsvc.NewStore(altsvc.Config{})}, time.Unix(1e9, 0)
		case "learn":
			if !l.store.Learn(s.origin, s.isolation, strings.TrimSpace(d.Input), now) {
				return "refused"
			}
		case "plan":
			found, ok := l.advertised(s, now)
			if d.HasArg("alpn") {
				var service dnswire.Service
				for _, a := range d.CmdArgs {
					if a.Key == "alpn" {
						service.ALPN = a.Vals
					}
				}
				found, ok = l.published(s, []dnswire.Service{service}, now)
			}
			if !ok {
				return "TCP alone"
			}
			p = found
			how := "0-RTT allowed"
			if p.confirm {
				how = "to be confirmed"
			}
			return fmt.Sprintf("%s by %s, TCP waits %v, %s", serviceAddr(&p.service), p.found, p.headStart, how)
		case "succeeded":
			l.succeeded(s, &p, span(t, d, "trip"))
		case "failed":
			var name string
			d.ScanArgs(t, "err", &name)
			code, ok := neterr.FromName(name)
			if !ok {
				d.Fatalf(t, "no code %s", name)
			}
			l.failed(s, &p, code, now)
		case "faded":
			l.faded(s, &p)
		case "network":
			l.worked = false
			l.store.NetworkChanged()
		case "sleep":
			now = now.Add(span(t, d, "for"))
		default:
			d.Fatalf(t, "unknown command")
		}
		return ""
	})
}

func span(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	var s string
	d.ScanArgs(t, key, &s)
	v, err := time.ParseDuration(s)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return v
}
