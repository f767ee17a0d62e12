package h3_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLog: each source has Chromium's events in its order; secrets stay out.
func TestNetLog(t *testing.T) {
	var file bytes.Buffer
	var log netlog.Log
	if err := log.Start(&file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	c, p := pair(t, h3.Config{NetLog: log.Lasting(netlog.SourceSocket), Host: "a.test:443"})
	p.hello(0x8, 1, 0x6, 100, 0x99, 1)
	req := get("/")
	req.NetLog = log.Source(netlog.SourceURLRequest)
	req.Header = exchange.FieldsOf("Authorization", "Basic secret")
	out := send(t, c, req)
	qs, _ := p.request()
	qs.Write(join(head(":status", "200", "set-cookie", "secret"), data("hi")))
	qs.Close()
	if o := <-out; o.err != nil {
		t.Fatal(o.err)
	}
	p.control.Write(frame(0x7, []byte{4}))
	p.closed()
	c.Close(nil)
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file.Bytes(), []byte("secret")) {
		t.Error("a secret is in the log")
	}
	got := map[string][]string{}
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		got[e.Source] = append(got[e.Source], e.String())
	}
	for source, want := range map[string][]string{
		"URL_REQUEST": {
			"+HTTP_TRANSACTION_SEND_REQUEST", "HTTP_TRANSACTION_QUIC_SEND_REQUEST_HEADERS", "-HTTP_TRANSACTION_SEND_REQUEST",
			"+HTTP_TRANSACTION_READ_HEADERS", "HTTP_TRANSACTION_READ_RESPONSE_HEADERS", "-HTTP_TRANSACTION_READ_HEADERS",
			"+HTTP_TRANSACTION_READ_BODY", "-HTTP_TRANSACTION_READ_BODY",
		},
		"QUIC_SESSION": {
			"+QUIC_SESSION", "HTTP3_LOCAL_CONTROL_STREAM_CREATED", "HTTP3_SETTINGS_SENT",
			"HTTP3_PRIORITY_UPDATE_SENT", "HTTP3_HEADERS_SENT", "HTTP3_HEADERS_DECODED", "HTTP3_DATA_FRAME_RECEIVED",
			"HTTP3_GOAWAY_RECEIVED", "QUIC_SESSION_CLOSED", "-QUIC_SESSION",
		},
	} {
		var events []string
		for _, e := range got[source] {
			// The peer's streams come when they do.
			if e != "HTTP3_PEER_CONTROL_STREAM_CREATED" && e != "HTTP3_SETTINGS_RECEIVED" {
				events = append(events, e)
			}
		}
		if a, b := strings.Join(events, "\n"), strings.Join(want, "\n"); a != b {
			t.Errorf("%s: got\n%s\nwant\n%s", source, a, b)
		}
	}
	if all := strings.Join(got["QUIC_SESSION"], " "); !strings.Contains(all, "HTTP3_PEER_CONTROL_STREAM_CREATED HTTP3_") || !strings.Contains(all, "HTTP3_SETTINGS_RECEIVED") {
		t.Errorf("nothing of the peer's settings in %s", all)
	}
}
