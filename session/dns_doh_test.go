package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/net/nettest"
)

// A dohServer answers every question for IPv4 addresses with 127.0.0.1, over HTTP/2.
type dohServer struct {
	*httptest.Server
	conns atomic.Int32 // made so far

	mu    sync.Mutex
	asked map[string]int // by name
}

func newDoHServer(t *testing.T, ca *nettest.CA, host string) *dohServer {
	s := &dohServer{asked: map[string]int{}}
	s.Server = httptest.NewUnstartedServer(s)
	s.EnableHTTP2 = true
	s.TLS = ca.Config(host)
	s.TLS.NextProtos = []string{"h2"}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.conns.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *dohServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := io.ReadAll(r.Body)
	var m dnsmessage.Message
	if err == nil {
		err = m.Unpack(query)
	}
	if err != nil || r.ProtoMajor != 2 || len(m.Questions) != 1 {
		http.Error(w, fmt.Sprint(r.Proto, err), http.StatusBadRequest)
		return
	}
	q := m.Questions[0]
	s.mu.Lock()
	s.asked[q.Name.String()]++
	s.mu.Unlock()
	m.Response, m.Additionals = true, nil
	if q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 300},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	reply, err := m.Pack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/dns-message")
	w.Write(reply)
}

// TestSecureDNSConnection: a thousand names share one connection of the session's own,
// to an address that came with the server: nobody is asked for its name, least of all
// itself.
func TestSecureDNSConnection(t *testing.T) {
	const names, atOnce = 1000, 50
	const host = "dns.test"
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	srv := newDoHServer(t, ca, host)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := doh.NewServer("https://"+host+":"+port+"/dns-query", netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := trusting(ca)
	// What happens to this machine's network meanwhile does not end the lookups.
	cfg.Monitor = netmon.New(netmon.Config{List: func() ([]netmon.Address, error) { return nil, nil }})
	t.Cleanup(cfg.Monitor.Close)
	cfg.DNS.System = unaskedSystem{t}
	cfg.DNS.Client = dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: []doh.Server{server}}
	ses := newSession(t, cfg)

	var next atomic.Int32
	var tasks sync.WaitGroup
	for range atOnce {
		tasks.Go(func() {
			for i := next.Add(1); i <= names; i = next.Add(1) {
				name := fmt.Sprintf("n%d.test", i)
				res, err := ses.ResolveHost(t.Context(), name, dns.Options{})
				if err != nil || res.Source != "https" || !slices.Equal(res.Addrs, []netip.Addr{netip.MustParseAddr("127.0.0.1")}) {
					t.Errorf("%s: got %+v, %v", name, res, err)
					return
				}
			}
		})
	}
	tasks.Wait()
	if n := srv.conns.Load(); n != 1 {
		t.Errorf("%d names took %d connections, want 1", names, n)
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if len(srv.asked) != names || srv.asked[host+"."] != 0 {
		t.Errorf("asked for %d names, for %s %d times; want %d and none", len(srv.asked), host, srv.asked[host+"."], names)
	}
}

// unaskedSystem is a system's resolver that must not be asked.
type unaskedSystem struct{ t *testing.T }

func (s unaskedSystem) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	s.t.Errorf("the system was asked for %s %s", network, host)
	return nil, errors.New("unasked")
}
