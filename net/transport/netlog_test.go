package transport_test

import (
	"bytes"
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
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		if e.Phase == "+" {
			open[e.Source+e.Name]++
		} else if e.Phase == "-" {
			open[e.Source+e.Name]--
		}
		if e.Source == "URL_REQUEST" && strings.HasPrefix(e.Name, "HTTP_") && !strings.Contains(e.Name, "PARSER") {
			failed := ""
			if e.Params["net_error"] != nil {
				failed = "!"
			}
			got = append(got, e.String()+failed)
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
