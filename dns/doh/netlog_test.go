package doh_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLog follows a question to a server that fails and one that answers.
func TestNetLog(t *testing.T) {
	var file bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var log netlog.Log
		if err := log.Start(&file, netlog.Options{Mode: netlog.Everything}); err != nil {
			t.Fatal(err)
		}
		c := doh.New(doh.Config{
			Servers: []doh.Server{server(t, "https://a.test/"), server(t, "https://b.test/{?dns}")},
			HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "a.test" {
					return nil, neterr.ConnectionRefused
				}
				return answering(r)
			}),
		})
		if _, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, log.Source(netlog.SourceDNSTransaction)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}
	})
	events := nettest.ReadNetLog(t, file.Bytes())
	bySource := map[string][]string{}
	for _, e := range events {
		bySource[e.Source] = append(bySource[e.Source], e.String())
	}
	want := []string{
		"+DNS_TRANSACTION_QUERY", "DNS_TRANSACTION_HTTPS_ATTEMPT", "DNS_TRANSACTION_HTTPS_ATTEMPT",
		"DNS_TRANSACTION_RESPONSE", "-DNS_TRANSACTION_QUERY",
	}
	if got := bySource["DNS_TRANSACTION"]; !slices.Equal(got, want) {
		t.Errorf("transaction: got %v, want %v", got, want)
	}
	attempt := []string{"+DOH_URL_REQUEST", "DNS_TRANSACTION_HTTPS_ATTEMPT", "-DOH_URL_REQUEST"}
	if got := bySource["DNS_OVER_HTTPS"]; !slices.Equal(got, slices.Concat(attempt, attempt)) {
		t.Errorf("attempts: got %v, want twice %v", got, attempt)
	}
	for _, e := range events {
		switch e.String() {
		case "+DOH_URL_REQUEST":
			if e.Params["hostname"] != "h.test" || e.Params["query_type"] != json.Number("1") {
				t.Errorf("%v: got %v", e, e.Params)
			}
		case "DNS_TRANSACTION_RESPONSE":
			if e.Params["rcode"] != json.Number("0") || e.Params["answer_count"] != json.Number("1") || e.Params["response_buffer"] == nil {
				t.Errorf("%v: got %v", e, e.Params)
			}
		}
	}
}

// TestNetLogProbe: a probe is in the log, under its own name.
func TestNetLogProbe(t *testing.T) {
	var file bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var log netlog.Log
		if err := log.Start(&file, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://a.test/")}, HTTP: roundTripper(answering), Automatic: true, Log: &log})
		c.Available()
		time.Sleep(time.Minute)
		c.Close()
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}
	})
	events := nettest.ReadNetLog(t, file.Bytes())
	if len(events) != 2 || events[0].String() != "+DOH_URL_REQUEST" || events[0].Params["hostname"] != "(probe)" || events[1].String() != "-DOH_URL_REQUEST" {
		t.Errorf("got %v, want one probe", events)
	}
}
