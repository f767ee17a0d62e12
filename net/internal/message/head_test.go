package message_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestHeadOf(t *testing.T) {
	tests := []struct {
		name string
		req  exchange.Request
		url  string
		want message.Head
	}{
		{
			"GET",
			exchange.Request{},
			"https://a.test",
			message.Head{Method: "GET", Authority: "a.test", Scheme: "https", Path: "/", Length: -1, Priority: "i", Urgency: 3},
		},
		{
			"default port and query",
			exchange.Request{Priority: exchange.Highest},
			"https://a.test:443/p%20q?x=1",
			message.Head{Method: "GET", Authority: "a.test", Scheme: "https", Path: "/p%20q?x=1", Length: -1, Priority: "u=0, i"},
		},
		{
			"POST without a body",
			exchange.Request{Method: "POST", Host: "b.test:8443", Priority: exchange.Throttled},
			"http://a.test/",
			message.Head{Method: "POST", Authority: "b.test:8443", Scheme: "http", Path: "/", Priority: "u=5, i", Urgency: 5},
		},
		{
			"port with zeros, address with a zone",
			exchange.Request{},
			"https://[fe80::1%25eth0]:0444/",
			message.Head{Method: "GET", Authority: "[fe80::1]:444", Scheme: "https", Path: "/", Length: -1, Priority: "i", Urgency: 3},
		},
		{
			"own priority",
			exchange.Request{Header: exchange.FieldsOf("priority", "u=7"), Priority: exchange.Medium},
			"https://a.test/",
			message.Head{Method: "GET", Authority: "a.test", Scheme: "https", Path: "/", Length: -1, Urgency: 1},
		},
		{
			"CONNECT",
			exchange.Request{Method: "CONNECT"},
			"https://a.test",
			message.Head{Method: "CONNECT", Authority: "a.test:443", Scheme: "https", Length: -1, Urgency: 3, Tunnel: true, Bare: true},
		},
		{
			"web socket",
			exchange.Request{Method: "CONNECT", Protocol: "websocket"},
			"wss://a.test/ws",
			message.Head{Method: "CONNECT", Authority: "a.test", Scheme: "https", Path: "/ws", Protocol: "websocket", Length: -1, Urgency: 3, Tunnel: true},
		},
		{
			"no host",
			exchange.Request{},
			"https:*",
			message.Head{},
		},
	}
	var last message.LastAuthority
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.URL = parse(t, tt.url)
			for range 2 { // the second time it remembers
				got, err := message.HeadOf(&tt.req, &last)
				if tt.want == (message.Head{}) {
					if !errors.Is(err, neterr.InvalidURL) {
						t.Errorf("got %+v, %v", got, err)
					}
					continue
				}
				if got != tt.want || err != nil {
					t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
				}
			}
		})
	}
}

func TestBadHead(t *testing.T) {
	tests := []struct {
		name string
		req  exchange.Request
		url  string
		want error
	}{
		{"no URL", exchange.Request{}, "", neterr.InvalidURL},
		{"method", exchange.Request{Method: "A B"}, "https://a.test", neterr.InvalidArgument},
		{"protocol without CONNECT", exchange.Request{Protocol: "x"}, "https://a.test", neterr.InvalidArgument},
		{"protocol", exchange.Request{Method: "CONNECT", Protocol: "x y"}, "https://a.test", neterr.InvalidArgument},
		{"host", exchange.Request{Host: "a b"}, "https://a.test", neterr.InvalidURL},
		{"control character in the query", exchange.Request{}, "https://a.test?a=\x7f", neterr.InvalidURL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.url != "" {
				tt.req.URL = &url.URL{Scheme: "https", Host: "a.test"}
				if tt.name == "control character in the query" {
					tt.req.URL.RawQuery = "a=\x7f"
				}
			}
			if _, err := message.HeadOf(&tt.req, new(message.LastAuthority)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCheckFields(t *testing.T) {
	tests := []struct {
		name   string
		fields exchange.Fields
		want   error
	}{
		{"none", nil, nil},
		{"field", exchange.FieldsOf("A-b", "c\t\x80"), nil},
		{"name", exchange.FieldsOf("a", "b", "a b", "c"), neterr.InvalidArgument},
		{"no name", exchange.FieldsOf("", "b"), neterr.InvalidArgument},
		{"value", exchange.FieldsOf("a", "b\r\nc: d"), neterr.InvalidArgument},
		{"pseudo-field, which is never sent", exchange.FieldsOf(":path", "\n"), nil},
	}
	for _, tt := range tests {
		if err := message.CheckFields(tt.fields); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestIsDropped(t *testing.T) {
	for name, want := range map[string]bool{"host": true, "connection": true, "trailer": true, ":path": true, "": true, "te": false, "cookie": false} {
		if got := message.IsDropped(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}
