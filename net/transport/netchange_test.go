package transport_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// TestNetworkChanged: a download over HTTP/1.1 goes on, idle connections are closed,
// requests that wait fail, later ones get new connections.
func TestNetworkChanged(t *testing.T) {
	tr := start(t, transport.Config{MaxConnsPerHost: 1})
	release := make(chan struct{})
	busy := nettest.NewServer(t, halfAnswers(release))
	idle := nettest.NewServer(t, nettest.Respond(ok))
	do(t, tr, get(t, idle))
	resp, err := tr.RoundTrip(t.Context(), get(t, busy))
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := tr.RoundTrip(t.Context(), get(t, busy))
		waiting <- err
	}()
	nettest.Eventually(t, "a request waits", func() bool {
		groups := tr.PoolInfo()[0]["groups"].(map[string]any)
		return groups[busy.URL()].(map[string]any)["pending_request_count"] == 1
	})
	tr.NetworkChanged()
	if err := <-waiting; !errors.Is(err, neterr.NetworkChanged) {
		t.Errorf("the request that waited: got %v, want ERR_NETWORK_CHANGED", err)
	}
	nettest.Eventually(t, "the idle connection is closed", func() bool { return idle.Open() == 0 })
	close(release)
	if b, err := io.ReadAll(resp.Body); string(b) != "half" || err != nil {
		t.Errorf("the download: %q, %v", b, err)
	}
	if resp := do(t, tr, get(t, busy)); resp.Info.Reused {
		t.Error("a later request got a connection of before")
	}
}

// TestNetworkChangedHTTP2: an HTTP/2 connection ends with its streams where the system
// does not see to that, and serves no later request anywhere.
func TestNetworkChangedHTTP2(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	release := make(chan struct{})
	url, conns := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ha")
		if r.URL.Path == "/slow" {
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		io.WriteString(w, "lf")
	})
	resp, err := tr.RoundTrip(t.Context(), &exchange.Request{URL: parse(t, url+"/slow")})
	if err != nil {
		t.Fatal(err)
	}
	tr.NetworkChanged()
	close(release)
	b, err := io.ReadAll(resp.Body)
	switch runtime.GOOS {
	case "windows", "android", "ios":
		if string(b) != "half" || err != nil {
			t.Errorf("the stream under way: %q, %v", b, err)
		}
	default:
		if !errors.Is(err, neterr.NetworkChanged) {
			t.Errorf("the stream under way: %q, %v, want ERR_NETWORK_CHANGED", b, err)
		}
	}
	if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Info.Reused || conns() != 2 {
		t.Errorf("a later request: reused %v, %d connections, want 2", resp.Info.Reused, conns())
	}
}
