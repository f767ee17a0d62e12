package doh_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// TestFirstQuestion: it goes alone, so that there is one connection for all, but nobody
// waits for it longer than for any server.
func TestFirstQuestion(t *testing.T) {
	const second, ms = time.Second, time.Millisecond
	for _, tt := range []struct {
		name string
		took time.Duration // by the first question
		err  error
		sent []time.Duration
	}{
		{"it is answered", 500 * ms, nil, []time.Duration{0, 500 * ms, 500 * ms}},
		{"it fails", 500 * ms, neterr.ConnectionRefused, []time.Duration{0, 500 * ms, 500 * ms}},
		{"it takes long", 5 * second, nil, []time.Duration{0, 1010 * ms, 1010 * ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var mu sync.Mutex
				var sent []time.Duration
				c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://a.test/")}, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
					mu.Lock()
					sent = append(sent, time.Since(start))
					first := len(sent) == 1
					mu.Unlock()
					if first {
						time.Sleep(tt.took)
						if tt.err != nil {
							return nil, tt.err
						}
					}
					return answering(r)
				})})
				defer c.Close()
				var asking sync.WaitGroup
				for range 3 {
					asking.Go(func() {
						c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
					})
				}
				asking.Wait()
				if !slices.Equal(sent, tt.sent) {
					t.Errorf("sent after %v, want %v", sent, tt.sent)
				}
				if _, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{}); err != nil || len(sent) != 4 {
					t.Errorf("later: got %v", err)
				}
			})
		})
	}
}
