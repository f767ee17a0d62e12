package dns_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns/doh"
)

// A nameserver is asked over "udp" or "tcp", and answers with any number of messages.
type nameserver func(network string, query []byte) [][]byte

// says is a nameserver that answers the same over both.
func says(reply func(query []byte) []byte) nameserver {
	return func(_ string, query []byte) [][]byte { return [][]byte{reply(query)} }
}

// silent is a nameserver that never answers.
func silent(string, []byte) [][]byte { return nil }

// nameservers are in memory, for fake time. They are at 192.0.2.1, 192.0.2.2 and so on.
type nameservers struct {
	list    []nameserver
	serving sync.WaitGroup

	mu    sync.Mutex
	asked int
}

func (n *nameservers) addrs() (list []netip.AddrPort) {
	for i := range n.list {
		list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 53))
	}
	return list
}

// questions is how many came since the last call.
func (n *nameservers) questions() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	asked := n.asked
	n.asked = 0
	return asked
}

// dial is a dns.Config's.
func (n *nameservers) dial(_ context.Context, network, address string) (net.Conn, error) {
	s := n.list[netip.MustParseAddrPort(address).Addr().As4()[3]-1]
	client, peer := net.Pipe()
	n.serving.Go(func() {
		defer peer.Close()
		var query []byte
		if network == "tcp" {
			var length [2]byte
			io.ReadFull(peer, length[:])
			query = make([]byte, binary.BigEndian.Uint16(length[:]))
			io.ReadFull(peer, query)
		} else {
			query = make([]byte, 512)
			count, _ := peer.Read(query)
			query = query[:count]
		}
		n.mu.Lock()
		n.asked++
		n.mu.Unlock()
		for _, reply := range s(network, query) {
			if network == "tcp" {
				reply = append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
			}
			peer.Write(reply)
		}
		io.Copy(io.Discard, peer) // until the client has enough
	})
	return client, nil
}

// replying makes an answer to a question, changed by edit.
func replying(edit func(m *dnsmessage.Message)) func(query []byte) []byte {
	return func(query []byte) []byte {
		var q dnsmessage.Message
		if err := q.Unpack(query); err != nil {
			panic(err) // the client's message
		}
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: q.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
			Questions: q.Questions,
		}
		edit(&m)
		b, err := m.Pack()
		if err != nil {
			panic(err) // of what the test says
		}
		return b
	}
}

// good answers questions for A with 192.0.2.99, and others with nothing.
func good(m *dnsmessage.Message) { add(m, m.Questions[0].Name.String(), "192.0.2.99") }

// add appends an A record to an answer to such a question.
func add(m *dnsmessage.Message, owner, addr string) {
	if m.Questions[0].Type == dnsmessage.TypeA {
		m.Answers = append(m.Answers, recordA(owner, addr))
	}
}

func recordA(owner, addr string) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(owner), Class: dnsmessage.ClassINET, TTL: 300},
		Body:   &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()},
	}
}

func alias(m *dnsmessage.Message, owner, target string) {
	m.Answers = append(m.Answers, dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(owner), Class: dnsmessage.ClassINET, TTL: 300},
		Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)},
	})
}

// soa has a denial believed for 30 s.
func soa(m *dnsmessage.Message) {
	name := dnsmessage.MustNewName("test.")
	m.Authorities = append(m.Authorities, dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 30},
		Body:   &dnsmessage.SOAResource{NS: name, MBox: name, MinTTL: 30},
	})
}

// roundTripper is an http.RoundTripper made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	return f(r)
}

// overHTTPS is a DNS over HTTPS server that is asked with POST.
func overHTTPS(reply func(query []byte) []byte) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		query, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return response(http.StatusOK, "application/dns-message", reply(query)), nil
	})
}

func response(status int, contentType string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 2, Header: http.Header{"Content-Type": {contentType}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func secureServers(t *testing.T, templates ...string) (list []doh.Server) {
	t.Helper()
	for _, template := range templates {
		s, err := doh.NewServer(template)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}
