package doh_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns/doh"
)

// A roundTripper is a function that answers requests.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func server(t testing.TB, template string) doh.Server {
	t.Helper()
	s, err := doh.NewServer(template)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// question returns the message that a request asks with.
func question(r *http.Request) ([]byte, error) {
	if r.Method == http.MethodGet {
		return base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// reply answers a question with addresses.
func reply(msg []byte, rcode dnsmessage.RCode, addrs ...string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(msg); err != nil {
		return nil, fmt.Errorf("unpack question: %w", err)
	}
	m.Response, m.RCode, m.Additionals = true, rcode, nil
	for _, a := range addrs {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
		})
	}
	return m.Pack()
}

// respond makes a response of a message.
func respond(msg []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/2.0", ProtoMajor: 2,
		Header:        http.Header{"Content-Type": {"application/dns-message"}},
		Body:          io.NopCloser(bytes.NewReader(msg)),
		ContentLength: int64(len(msg)),
	}
}

// answering is a server that knows one address for every name.
func answering(r *http.Request) (*http.Response, error) {
	q, err := question(r)
	if err != nil {
		return nil, err
	}
	msg, err := reply(q, dnsmessage.RCodeSuccess, "192.0.2.1")
	return respond(msg), err
}
