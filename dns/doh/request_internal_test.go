package doh

import (
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// TestFieldOrder: http.Header has none, but what Chromium was seen to send has.
func TestFieldOrder(t *testing.T) {
	for template, want := range map[string]exchange.Fields{
		"https://dns.test/q{?dns}": exchange.FieldsOf("Accept", mediaType, "Accept-Language", "*", "User-Agent", "Chrome", "Accept-Encoding", "identity"),
		"https://dns.test/q":       exchange.FieldsOf("Accept", mediaType, "Accept-Language", "*", "User-Agent", "Chrome", "Accept-Encoding", "identity", "Content-Type", mediaType),
	} {
		s, err := NewServer(template)
		if err != nil {
			t.Fatal(err)
		}
		c := New(Config{})
		_, req, err := c.request(t.Context(), &s, []byte("question"), netlog.Source{})
		if err != nil || len(req.Header) != len(want) {
			t.Fatalf("%s: got %v, %v, want %v", template, req, err, want)
		}
		for i := range want {
			if req.Header[i] != want[i] {
				t.Errorf("%s: got %v, want %v", template, req.Header[i], want[i])
			}
		}
		c.Close()
	}
}
