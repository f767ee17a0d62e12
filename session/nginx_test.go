package session_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

// TestNginx sends 10,000 requests, 64 at once, to a real server, which says with
// each answer on which of its connections that came, and how many it has.
func TestNginx(t *testing.T) {
	const requests, atOnce, maxSockets = 10_000, 64, 6
	ca := nettest.NewCA()
	for _, tt := range []struct {
		name, scheme string
		http2        bool
	}{
		{"http", "http", false},
		{"https", "https", false},
		{"HTTP2", "https", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rig := nettest.Nginx(t, nettest.NginxConfig{
				CA:     ca,
				HTTP2:  tt.http2,
				Server: `keepalive_requests 1000000; location = / { return 200 "$connection $connections_active"; }`,
			})
			addr := map[string]string{"http": rig.HTTP, "https": rig.HTTPS}[tt.scheme]
			awaitAlone(t, rig.HTTP)
			nettest.CheckGoroutines(t)
			s := newSession(t, trusting(ca))
			client := s.Client()

			var mu sync.Mutex
			perConn := map[int]int{}
			most := 0
			var wg sync.WaitGroup
			todo := make(chan struct{}, requests)
			for range requests {
				todo <- struct{}{}
			}
			close(todo)
			for range atOnce {
				wg.Go(func() {
					for range todo {
						resp, err := client.Get(tt.scheme + "://" + addr)
						if err != nil {
							t.Error(err)
							return
						}
						body, err := io.ReadAll(resp.Body)
						resp.Body.Close()
						var conn, active int
						if _, scanErr := fmt.Sscan(string(body), &conn, &active); err != nil || scanErr != nil || resp.StatusCode != 200 {
							t.Errorf("%s %q: %v, %v", resp.Status, body, err, scanErr)
							return
						}
						mu.Lock()
						perConn[conn]++
						most = max(most, active)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			sum := 0
			for _, n := range perConn {
				sum += n
			}
			if sum != requests {
				t.Errorf("%d answers, want %d", sum, requests)
			}
			if len(perConn) > maxSockets || most > maxSockets {
				t.Errorf("%d sockets served, %d were open at once; want at most %d: %v", len(perConn), most, maxSockets, perConn)
			}
			if tt.http2 {
				if len(perConn) != 1 {
					t.Errorf("%d connections carried requests over HTTP/2, want 1", len(perConn))
				}
			} else if len(perConn) < 2 {
				t.Errorf("%d sockets served 64 callers", len(perConn))
			}
		})
	}
}

// awaitAlone waits until the server has no connection but the one that asks: the
// rig's own have ended.
func awaitAlone(t *testing.T, addr string) {
	t.Helper()
	nettest.Eventually(t, "nobody else is connected", func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		answer, err := io.ReadAll(c) // to the end, so that this one has gone as well
		return err == nil && strings.HasSuffix(string(answer), " 1")
	})
}
