package session_test

import (
	"bytes"
	stdtls "crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// A movingNetwork is a machine with one address, which tests change.
type movingNetwork struct{ address atomic.Pointer[netip.Prefix] }

func (n *movingNetwork) move(prefix string) {
	p := netip.MustParsePrefix(prefix)
	n.address.Store(&p)
}

func (n *movingNetwork) list() ([]netmon.Address, error) {
	p := n.address.Load()
	if p == nil {
		return nil, nil
	}
	return []netmon.Address{{Interface: "eth0", Prefix: *p}}, nil
}

func (n *movingNetwork) monitor(t *testing.T) *netmon.Monitor {
	m := netmon.New(netmon.Config{List: n.list, PollInterval: time.Millisecond, Settle: -1})
	t.Cleanup(m.Close)
	return m
}

func TestNetworkChanged(t *testing.T) {
	nettest.CheckGoroutines(t)
	var n movingNetwork
	m := n.monitor(t)
	for i, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			s := newSession(t, session.Config{Monitor: m})
			survive(t, s, d, func() { n.move(fmt.Sprintf("192.0.2.%d/24", i+1)) })
		})
	}
	// The program's monitor outlives its sessions.
	changed := make(chan netmon.Change, 1)
	defer m.Subscribe(func(c netmon.Change) { changed <- c })()
	n.move("203.0.113.7/24")
	select {
	case <-changed:
	case <-time.After(never):
		t.Error("the sessions closed a monitor that is not theirs")
	}
}

// survive changes the network while s downloads. The download goes on, and no later
// request uses a connection that was there before.
func survive(t *testing.T, s *session.Session, d door, change func()) {
	t.Helper()
	surviveOver(t, s, d, nettest.NewServer, change)
}

// surviveTLS is survive over TLS.
func surviveTLS(t *testing.T, s *session.Session, d door, cfg *stdtls.Config, change func()) {
	t.Helper()
	surviveOver(t, s, d, func(t testing.TB, handle func(*nettest.Conn)) *nettest.Server {
		return nettest.NewTLSServer(t, cfg, handle)
	}, change)
}

func surviveOver(t *testing.T, s *session.Session, d door, serve func(testing.TB, func(*nettest.Conn)) *nettest.Server, change func()) {
	t.Helper()
	half, rest := make(chan struct{}, 1), make(chan struct{})
	finish := sync.OnceFunc(func() { close(rest) })
	defer finish()
	srv := serve(t, func(c *nettest.Conn) {
		for {
			head, err := c.ReadHead()
			if err != nil {
				return
			}
			if !strings.HasPrefix(head, "GET /download ") {
				c.Print(okResponse)
				continue
			}
			c.Print("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
			half <- struct{}{}
			<-rest
			c.Print(" rest")
		}
	})
	get := func(when string, conns int) {
		t.Helper()
		if a := d.do(t.Context(), s, call{url: srv.URL()}); a.err != nil || a.body != "ok" {
			t.Errorf("%s: %q, %v", when, a.body, a.err)
		}
		if n := srv.Accepted(); n != conns {
			t.Errorf("%s: %d connections made, want %d", when, n, conns)
		}
	}
	get("the first request", 1)
	get("the second", 1)
	download := make(chan answer, 1)
	go func() { download <- d.do(t.Context(), s, call{url: srv.URL() + "/download"}) }()
	<-half
	get("beside the download", 2)
	change()
	nettest.Eventually(t, "the idle connection is closed", func() bool { return srv.Open() == 1 })
	get("after the change", 3)
	finish()
	if a := <-download; a.err != nil || a.body != "half rest" {
		t.Errorf("the download: %q, %v", a.body, a.err)
	}
	nettest.Eventually(t, "the download's connection is closed", func() bool { return srv.Open() == 1 })
	get("at last", 3)
}

func TestNetworkChangedLog(t *testing.T) {
	var n movingNetwork
	m := n.monitor(t)
	s := newSession(t, session.Config{Monitor: m})
	var log bytes.Buffer
	if err := s.NetLog().Start(&log, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	srv := nettest.NewServer(t, nettest.Respond(okResponse))
	if a := doors[0].do(t.Context(), s, call{url: srv.URL()}); a.err != nil {
		t.Fatal(a.err)
	}
	// Subscribed after the session, so called after it.
	settled := make(chan netmon.Change)
	defer m.SubscribeSettled(func(c netmon.Change) { settled <- c })()
	n.move("192.0.2.7/24")
	<-settled
	n.address.Store(nil)
	<-settled
	if err := s.NetLog().Stop(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range nettest.ReadNetLog(t, log.Bytes()) {
		if strings.HasPrefix(e.Name, "NETWORK_") {
			kind, _ := e.Params["new_connection_type"].(string)
			got = append(got, strings.TrimSpace(e.Source+" "+e.String()+" "+kind))
		}
	}
	want := []string{
		"NONE NETWORK_IP_ADDRESSES_CHANGED", // an address came
		"NONE NETWORK_CHANGED CONNECTION_NONE",
		"NONE NETWORK_CHANGED CONNECTION_UNKNOWN",
		"NONE NETWORK_IP_ADDRESSES_CHANGED", // and went
		"NONE NETWORK_CHANGED CONNECTION_NONE",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
