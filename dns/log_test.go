package dns_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLogSpans takes lookups through every way they can end, and wants each
// source's spans to nest like brackets with none left open.
func TestNetLogSpans(t *testing.T) {
	hosts := writeHosts(t, "192.0.2.1 printer\n")
	var log netlog.Log
	var file bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		if err := log.Start(&file, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		r := dns.New(dns.Config{System: &slow{v4: time.Second, v6: 2 * time.Second}, HostsFile: hosts, MaxLookups: 1, IPv6Reachable: reachable})
		start := func(host string, o dns.Options) *dns.Lookup {
			o.NetLog = log.Source(netlog.SourceNetworkServiceHostResolver)
			return r.Start(t.Context(), host, o)
		}
		for _, host := range []string{"192.0.2.1", "localhost", "printer", "no..name"} {
			start(host, dns.Options{}).Close()
		}
		start("miss.test", dns.Options{Source: dns.SourceLocalOnly}).Close()

		joined := [...]*dns.Lookup{start("a.test", dns.Options{}), start("a.test", dns.Options{})}
		queued := start("b.test", dns.Options{QueryType: dns.QueryA})
		start("c.test", dns.Options{}).Close() // leaves the queue
		joined[0].Close()                      // leaves a job that goes on
		for done := false; !done; _, done, _ = joined[1].Poll() {
			<-joined[1].Changed()
		}
		synctest.Wait()
		queued.Close() // abandons a job that runs
		synctest.Wait()
		running, waiting := start("d.test", dns.Options{}), start("e.test", dns.Options{})
		synctest.Wait()
		r.Close()
		for _, l := range []*dns.Lookup{running, waiting} {
			if _, done, _ := l.Poll(); !done {
				t.Error("a lookup outlived its resolver")
			}
		}
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}
	})

	open, seen := map[int][]string{}, map[string]int{}
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		seen[e.Name]++
		spans := open[e.SourceID]
		switch e.Phase {
		case "+":
			spans = append(spans, e.Name)
		case "-":
			if i := len(spans) - 1; i < 0 || spans[i] != e.Name {
				t.Errorf("source %d ends %s, which is not the span begun last", e.SourceID, e.Name)
			} else {
				spans = spans[:i]
			}
		}
		open[e.SourceID] = spans
	}
	for id, spans := range open {
		for _, name := range spans {
			t.Errorf("source %d never ends %s", id, name)
		}
	}
	// What the scenario is there to have: requests and jobs, each begun and ended.
	want := map[string]int{
		"HOST_RESOLVER_MANAGER_REQUEST":                    2 * 11,
		"HOST_RESOLVER_MANAGER_JOB":                        2 * 5,
		"HOST_RESOLVER_SYSTEM_TASK":                        2 * 3,
		"HOST_RESOLVER_MANAGER_HOSTS_HIT":                  1,
		"HOST_RESOLVER_MANAGER_JOB_ATTACH":                 6,
		"HOST_RESOLVER_MANAGER_JOB_REQUEST_DETACH":         3,
		"HOST_RESOLVER_SERVICE_ENDPOINTS_RESOLUTION_DELAY": 1,
		"CANCELLED": 3,
	}
	for name, n := range want {
		if seen[name] != n {
			t.Errorf("%d events %s, want %d", seen[name], name, n)
		}
	}
}

// TestNetLogTransactions: a question has a source of its own, below its job's, whether a
// server is asked in the clear or over HTTPS.
func TestNetLogTransactions(t *testing.T) {
	for _, tt := range []struct {
		name, attempt string
		o             dns.Options
		client        dns.ClientConfig
	}{
		{"in the clear", "DNS_TRANSACTION_ATTEMPT", dns.Options{Source: dns.SourceDNS}, dns.ClientConfig{}},
		{"over HTTPS", "DNS_TRANSACTION_HTTPS_ATTEMPT", dns.Options{}, dns.ClientConfig{
			SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: secureServers(t, "https://dns.test/"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log netlog.Log
			var file bytes.Buffer
			servers := nameservers{list: []nameserver{says(deniesWell)}}
			cfg := dns.Config{
				System: unasked(t), Nameservers: servers.addrs(), Dial: servers.dial, HTTP: overHTTPS(deniesWell),
				Client: tt.client, Log: &log,
			}
			bubble(t, cfg, func(t *testing.T, r *dns.Resolver) {
				defer servers.serving.Wait()
				if err := log.Start(&file, netlog.Options{}); err != nil {
					t.Fatal(err)
				}
				tt.o.QueryType, tt.o.NetLog = dns.QueryA, log.Source(netlog.SourceNetworkServiceHostResolver)
				if res, err := r.Resolve(t.Context(), "host.test", tt.o); !errors.Is(err, neterr.NameNotResolved) {
					t.Errorf("got %v, %v", res, err)
				}
				r.Close()
				if err := log.Stop(); err != nil {
					t.Fatal(err)
				}
			})
			var own, jobs []string
			for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
				switch {
				case e.Source == "DNS_TRANSACTION":
					own = append(own, e.String())
					if e.String() == "+DNS_TRANSACTION" && (e.Params["hostname"] != "host.test" || e.Params["query_type"] != json.Number("1")) {
						t.Errorf("%v: got %v", e, e.Params)
					}
					if e.Phase == "-" && e.Params["net_error"] != json.Number("-105") {
						t.Errorf("%v: got %v, want that there is no such name", e, e.Params)
					}
				case e.Name == "DNS_TRANSACTION":
					jobs = append(jobs, e.Source)
				}
			}
			if jobs := slices.Compact(jobs); !slices.Equal(jobs, []string{"HOST_RESOLVER_IMPL_JOB"}) {
				t.Errorf("transactions below %v, want the job", jobs)
			}
			want := []string{"+DNS_TRANSACTION", "+DNS_TRANSACTION_QUERY", tt.attempt, "DNS_TRANSACTION_RESPONSE", "-DNS_TRANSACTION_QUERY", "-DNS_TRANSACTION"}
			if !slices.Equal(own, want) {
				t.Errorf("got  %v\nwant %v", own, want)
			}
		})
	}
}

// TestWords are Electron's, which its users put into options and find in logs.
func TestWords(t *testing.T) {
	var got []string
	for s := dns.SourceAny; s <= dns.SourceLocalOnly; s++ {
		got = append(got, s.String())
	}
	for c := dns.CacheAllowed; c <= dns.CacheDisallowed; c++ {
		got = append(got, c.String())
	}
	for q := dns.QueryAny; q <= dns.QueryAAAA; q++ {
		got = append(got, q.String())
	}
	want := []string{"any", "system", "dns", "mdns", "localOnly", "allowed", "staleAllowed", "disallowed", "UNSPECIFIED", "A", "AAAA"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
