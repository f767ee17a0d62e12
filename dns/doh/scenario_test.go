package doh_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// TestScenarios runs the rules in testdata, in fake time. The commands:
//
//	new servers=N [automatic] [fallback=D] [timeout=D]   servers that answer at once
//	server id=N is=answering|failing|silent [after=D]    from now on
//	ask [times=N] [cancel-after=D]    a question; the answer says which server it is from
//	available
//	sleep for=D
//	network-changed
//	probes                            how many came to each server since the last time
//	close
//
// Times are from the beginning of a question, in steps of 10 ms.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{}
			defer s.close()
			datadriven.RunTest(t, path, s.run)
		})
	})
}

type script struct {
	client *doh.Client

	mu      sync.Mutex
	servers []fakeServer
	began   time.Time
	asked   []string
}

type fakeServer struct {
	is     string
	after  time.Duration
	probes int
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "new":
		s.close()
		s.start(t, d)
	case "server":
		s.mu.Lock()
		f := &s.servers[number(t, d, "id")-1]
		d.ScanArgs(t, "is", &f.is)
		f.after = duration(t, d, "after")
		s.mu.Unlock()
	case "ask":
		return s.ask(t, d)
	case "available":
		ok := s.client.Available()
		synctest.Wait() // the probes it begins
		return fmt.Sprintln(ok)
	case "sleep":
		time.Sleep(duration(t, d, "for"))
		synctest.Wait()
	case "network-changed":
		s.client.NetworkChanged()
		synctest.Wait()
	case "probes":
		s.mu.Lock()
		defer s.mu.Unlock()
		var counts []string
		for i := range s.servers {
			counts = append(counts, strconv.Itoa(s.servers[i].probes))
			s.servers[i].probes = 0
		}
		return strings.Join(counts, " ") + "\n"
	case "close":
		s.client.Close()
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return ""
}

func (s *script) start(t *testing.T, d *datadriven.TestData) {
	cfg := doh.Config{HTTP: roundTripper(s.serve), Automatic: d.HasArg("automatic"), Fallback: duration(t, d, "fallback"), Timeout: duration(t, d, "timeout")}
	s.servers = make([]fakeServer, number(t, d, "servers"))
	for i := range s.servers {
		s.servers[i].is = "answering"
		cfg.Servers = append(cfg.Servers, server(t, fmt.Sprintf("https://%d.test/", i+1)))
	}
	s.client = doh.New(cfg)
}

func (s *script) close() {
	if s.client != nil {
		s.client.Close()
	}
}

// ask returns the outcomes, and for a single question whom it went to.
func (s *script) ask(t *testing.T, d *datadriven.TestData) string {
	var outcomes []string
	for range max(number(t, d, "times"), 1) {
		s.mu.Lock()
		s.began, s.asked = time.Now(), nil
		s.mu.Unlock()
		ctx, cancel := context.WithCancel(t.Context())
		if after := duration(t, d, "cancel-after"); after > 0 {
			time.AfterFunc(after, cancel)
		}
		answer, err := s.client.Query(ctx, dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
		cancel()
		outcome := "at " + s.since()
		if err != nil {
			outcome += ": " + neterr.CodeOf(err).Name()
		} else {
			outcome += fmt.Sprintf(": answered by %d", answer.Addrs[0].As4()[3])
		}
		outcomes = append(outcomes, outcome)
		synctest.Wait() // until the attempts that are left have noticed
	}
	outcomes = slices.Compact(outcomes)
	if !d.HasArg("times") {
		outcomes = append(s.asked, outcomes...)
	}
	return strings.Join(outcomes, "\n") + "\n"
}

// since is the time of the question, rounded: what the histogram makes of a time is
// not round.
func (s *script) since() string { return time.Since(s.began).Round(10 * time.Millisecond).String() }

func (s *script) serve(r *http.Request) (*http.Response, error) {
	n, err := strconv.Atoi(strings.TrimSuffix(r.URL.Host, ".test"))
	if err != nil {
		return nil, err
	}
	q, err := question(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	f := &s.servers[n-1]
	if strings.Contains(string(q), "gstatic") {
		f.probes++
	} else {
		s.asked = append(s.asked, fmt.Sprintf("at %s: asks %d", s.since(), n))
	}
	is, after := f.is, f.after
	s.mu.Unlock()

	if is == "silent" {
		after = 1000 * time.Hour
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if is == "failing" {
		return nil, neterr.ConnectionRefused
	}
	msg, err := reply(q, dnsmessage.RCodeSuccess, fmt.Sprintf("192.0.2.%d", n))
	return respond(msg), err
}

func number(t *testing.T, d *datadriven.TestData, key string) (n int) {
	if d.HasArg(key) {
		d.ScanArgs(t, key, &n)
	}
	return n
}

func duration(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	if !d.HasArg(key) {
		return 0
	}
	var text string
	d.ScanArgs(t, key, &text)
	v, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return v
}
