package dns_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestStdResolver asks std's resolver over a real socket: what it says of a name
// that does not exist, and that both families arrive.
func TestStdResolver(t *testing.T) {
	server := serveDNS(t)
	r := newResolver(t, dns.Config{DisableHosts: true, System: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "udp", server)
		},
	}})
	res, err := r.Resolve(t.Context(), "host.test.", dns.Options{})
	if err != nil || !slices.Equal(res.Addrs, addrs("2001:db8::1 192.0.2.1")) {
		t.Errorf("host.test: got %v, %v; want both addresses", res.Addrs, err)
	}
	_, err = r.Resolve(t.Context(), "missing.test.", dns.Options{})
	var cause *net.DNSError
	if !errors.Is(err, neterr.NameNotResolved) || !errors.As(err, &cause) || !cause.IsNotFound {
		t.Errorf("missing.test: got %v, want NameNotResolved because it was not found", err)
	}
}

// serveDNS answers for host.test on a loopback socket and denies every other name.
func serveDNS(t *testing.T) (addr string) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answer(buf[:n]); err == nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: h.ID, Response: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
	switch {
	case q.Name.String() != "host.test.":
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}}}
	case q.Type == dnsmessage.TypeAAAA:
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addrs("2001:db8::1")[0].As16()}}}
	}
	return m.Pack()
}
