package transport_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLog has the transaction's events of a request that met a dead connection,
// in order: + begins a span, - ends one, ! adds an error. Every span that anybody
// began has ended.
func TestNetLog(t *testing.T) {
	var file bytes.Buffer
	var log netlog.Log
	if err := log.Start(&file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	tr := start(t, transport.Config{Log: &log})
	srv := nettest.NewServer(t, dying(closes, false, nil))
	do(t, tr, get(t, srv))
	req := get(t, srv)
	req.NetLog = log.Source(netlog.SourceURLRequest)
	do(t, tr, req)
	tr.Close()
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}

	var got []string
	open := map[string]int{}
	for _, e := range events(t, file.Bytes()) {
		if e.phase == "+" {
			open[e.source+e.name]++
		} else if e.phase == "-" {
			open[e.source+e.name]--
		}
		if e.source == "URL_REQUEST" && strings.HasPrefix(e.name, "HTTP_") && !strings.Contains(e.name, "PARSER") {
			got = append(got, e.phase+e.name+e.failed)
		}
	}
	want := []string{
		"+HTTP_STREAM_REQUEST", "-HTTP_STREAM_REQUEST",
		"+HTTP_TRANSACTION_SEND_REQUEST", "HTTP_TRANSACTION_SEND_REQUEST_HEADERS", "-HTTP_TRANSACTION_SEND_REQUEST",
		"+HTTP_TRANSACTION_READ_HEADERS", "-HTTP_TRANSACTION_READ_HEADERS!",
		"HTTP_TRANSACTION_RESTART_AFTER_ERROR!",
		"+HTTP_STREAM_REQUEST", "-HTTP_STREAM_REQUEST",
		"+HTTP_TRANSACTION_SEND_REQUEST", "HTTP_TRANSACTION_SEND_REQUEST_HEADERS", "-HTTP_TRANSACTION_SEND_REQUEST",
		"+HTTP_TRANSACTION_READ_HEADERS", "HTTP_TRANSACTION_READ_RESPONSE_HEADERS", "-HTTP_TRANSACTION_READ_HEADERS",
		"+HTTP_TRANSACTION_READ_BODY", "-HTTP_TRANSACTION_READ_BODY",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	for span, n := range open {
		if n != 0 {
			t.Errorf("%s: %d spans have no end", span, n)
		}
	}
}

type event struct{ source, phase, name, failed string }

func events(t *testing.T, file []byte) (list []event) {
	t.Helper()
	var read struct {
		Constants struct {
			EventTypes  map[string]int `json:"logEventTypes"`
			SourceTypes map[string]int `json:"logSourceType"`
		}
		Events []struct {
			Type   int
			Phase  int
			Source struct{ Type int }
			Params struct {
				NetError int `json:"net_error"`
			}
		}
	}
	if err := json.Unmarshal(file, &read); err != nil {
		t.Fatal(err)
	}
	nameOf := func(m map[string]int, n int) string {
		for name, v := range m {
			if v == n {
				return name
			}
		}
		return "?"
	}
	for _, e := range read.Events {
		failed := ""
		if e.Params.NetError != 0 {
			failed = "!"
		}
		list = append(list, event{
			source: nameOf(read.Constants.SourceTypes, e.Source.Type), phase: [...]string{"", "+", "-"}[e.Phase],
			name: nameOf(read.Constants.EventTypes, e.Type), failed: failed,
		})
	}
	return list
}
