package doh_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns/doh"
)

// TestProbePauses holds their growth, their jitter and their limit, for a server that
// answers without an address, which proves nothing.
func TestProbePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var times []time.Time
		c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://a.test/")}, Automatic: true, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
			q, err := question(r)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
			msg, err := reply(q, dnsmessage.RCodeSuccess)
			return respond(msg), err
		})})
		c.Available()
		time.Sleep(48 * time.Hour)
		if c.Available() {
			t.Error("a server is available that never gave an address")
		}
		c.Close()

		short, long := 0, 0 // pauses in the lower and the upper half of what they may be
		most := time.Second
		for i := 1; i < len(times); i++ {
			pause := times[i].Sub(times[i-1])
			if pause < most*8/10 || pause > most {
				t.Errorf("pause %d: got %v, want %v or up to a fifth less", i, pause, most)
			}
			if pause < most*9/10 {
				short++
			} else {
				long++
			}
			most = min(most*3/2, time.Hour)
		}
		if most != time.Hour || short == 0 || long == 0 {
			t.Errorf("after %d probes: the pause is %v; %d were short and %d long", len(times), most, short, long)
		}
	})
}

// TestProbeTimeout: a server that never answers holds few probes.
func TestProbeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		open, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			open += n
			most = max(most, open)
		}
		c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://a.test/")}, Automatic: true, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
			count(1)
			defer count(-1)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		defer c.Close()
		c.Available()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if open > 1 || most < 2 || most > 6 {
			t.Errorf("got %d probes under way now and %d at most", open, most)
		}
	})
}
