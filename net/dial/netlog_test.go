package dial_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLog has the events that Chromium writes, in its order: + begins a span, -
// ends one, ! adds an error.
func TestNetLog(t *testing.T) {
	var file bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var network nettest.Network
		ln, err := network.Listen("192.0.2.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		var log netlog.Log
		if err := log.Start(&file, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		resolver := dns.New(dns.Config{DisableHosts: true, System: &names{v4: "192.0.2.1", v6: "2001:db8::1", v6After: 10 * ms}})
		defer resolver.Close()
		d := dial.Dialer{Resolver: resolver, DialContext: network.Dial}
		res, err := d.Dial(t.Context(), &dial.Request{Host: "example.test", Port: 80, NetLog: log.Source(netlog.SourceTCPConnectJob)})
		if err != nil {
			t.Fatal(err)
		}
		res.Conn.Close()
		res.NetLog.End(netlog.SocketAlive)
		resolver.Close() // the job's last events come from its own goroutine
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}
	})

	got := eventsBySource(t, file.Bytes())
	for source, want := range map[string][]string{
		"TCP_CONNECT_JOB": {
			"+TCP_CONNECT_JOB_CONNECT", "+HOST_RESOLVER_MANAGER_REQUEST",
			"HOST_RESOLVER_MANAGER_TASK_SEQUENCE_CREATED", "HOST_RESOLVER_MANAGER_CREATE_JOB", "HOST_RESOLVER_MANAGER_JOB_ATTACH",
			"-HOST_RESOLVER_MANAGER_REQUEST",
			"TCP_CONNECT_JOB_CONNECTOR_CONNECT_START", "TCP_CONNECT_JOB_CONNECTOR_CONNECT_COMPLETE!",
			"TCP_CONNECT_JOB_CONNECTOR_CONNECT_START", "TCP_CONNECT_JOB_CONNECTOR_CONNECT_COMPLETE",
			"TCP_CONNECT_JOB_VERIFY_IP_ENDPOINT_USABLE", "TCP_CONNECT_JOB_CONNECTOR_DONE", "CONNECT_JOB_SET_SOCKET",
			"-TCP_CONNECT_JOB_CONNECT",
		},
		"HOST_RESOLVER_IMPL_JOB": {
			"+HOST_RESOLVER_MANAGER_JOB", "HOST_RESOLVER_MANAGER_JOB_REQUEST_ATTACH", "HOST_RESOLVER_MANAGER_JOB_STARTED",
			"+HOST_RESOLVER_SYSTEM_TASK", "-HOST_RESOLVER_SYSTEM_TASK", "-HOST_RESOLVER_MANAGER_JOB",
		},
		"SOCKET": {
			"+SOCKET_ALIVE", "+TCP_CONNECT", "+TCP_CONNECT_ATTEMPT", "-TCP_CONNECT_ATTEMPT!", "-TCP_CONNECT!", "-SOCKET_ALIVE",
			"+SOCKET_ALIVE", "+TCP_CONNECT", "+TCP_CONNECT_ATTEMPT", "-TCP_CONNECT_ATTEMPT", "-TCP_CONNECT", "-SOCKET_ALIVE",
		},
	} {
		if !slices.Equal(got[source], want) {
			t.Errorf("%s:\ngot  %s\nwant %s", source, strings.Join(got[source], "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// eventsBySource returns the events of each type of source by name, in the order
// written.
func eventsBySource(t *testing.T, file []byte) map[string][]string {
	events := map[string][]string{}
	for _, e := range nettest.ReadNetLog(t, file) {
		name := e.String()
		if e.Params["net_error"] != nil {
			name += "!"
		}
		events[e.Source] = append(events[e.Source], name)
	}
	return events
}
