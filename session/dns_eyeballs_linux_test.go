package session_test

import (
	"bytes"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// blackHole is where packets go and nothing comes back from.
const blackHole = "2001:db8::2"

// TestBlackHole: where IPv6 swallows everything, the first byte comes over IPv4, 300 ms
// later than without IPv6.
func TestBlackHole(t *testing.T) {
	if !nettest.InNamespace(t) {
		return
	}
	nettest.IP(t,
		"link set lo up",
		"link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02",
		"link set v0 up",
		"link set v1 up",
		"addr add 2001:db8::1/64 dev v0 nodad",
		// Whoever has v1 takes the packets, and has no such address.
		"neigh add "+blackHole+" lladdr 02:00:00:00:00:02 dev v0",
	)
	nettest.CheckGoroutines(t)
	srv := nettest.NewServer(t, nettest.Respond(okResponse))
	_, port, _ := strings.Cut(srv.Addr(), ":")

	// The quickest of several: others have the machine, too.
	quickest := func(host string) (took time.Duration, events []nettest.NetLogEvent) {
		for i := range 3 {
			var file bytes.Buffer
			one := firstByte(t, "http://"+host+":"+port+"/", &file)
			if i == 0 || one < took {
				took, events = one, nettest.ReadNetLog(t, file.Bytes())
			}
		}
		return took, events
	}
	const delay, tolerance = 300 * time.Millisecond, 50 * time.Millisecond
	normal, _ := quickest("four.test")
	took, events := quickest("both.test")
	if took < delay || took > delay+normal+tolerance {
		t.Errorf("the first byte came after %v, want %v and %v", took, delay, normal)
	}
	// By connect job: the pool makes a second one when the first takes so long.
	stories := map[int]string{}
	for _, e := range events {
		switch e.Name {
		case "TCP_CONNECT_JOB_CONNECTOR_CONNECT_START":
			stories[e.SourceID] += e.Params["connector"].(string) + " to " + e.Params["address"].(string) + "; "
		case "TCP_CONNECT_JOB_CREATE_SECOND_CONNECTOR":
			stories[e.SourceID] += "another connector; "
		}
	}
	want := "first to [" + blackHole + "]:" + port + "; another connector; second to 127.0.0.1:" + port + "; "
	if got := slices.Collect(maps.Values(stories)); !slices.Contains(got, want) {
		t.Errorf("the log tells: %q; want: %q", got, want)
	}
	t.Logf("the first byte after %v, without IPv6 after %v", took, normal)
}

// firstByte fetches url with a session of its own and returns how long that took up to
// the head of the response.
func firstByte(t *testing.T, url string, file *bytes.Buffer) time.Duration {
	s, err := session.New(session.Config{DNS: dns.Config{
		System: halfBlack{}, DisableHosts: true, IPv6Reachable: func() bool { return true },
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if err := s.NetLog().Start(file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	resp, err := s.Fetch(t.Context(), url, nil)
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := s.NetLog().Stop(); err != nil {
		t.Fatal(err)
	}
	return took
}

// halfBlack is a system's resolver for which all hosts have the same addresses, but
// four.test, which has no IPv6.
type halfBlack struct{}

func (halfBlack) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	switch {
	case network == "ip4":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	case host == "four.test":
		return nil, nil
	}
	return []netip.Addr{netip.MustParseAddr(blackHole)}, nil
}
