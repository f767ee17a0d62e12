package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The test binary, too, is its own origin.
func TestMain(m *testing.M) {
	if isOrigin() {
		exit(serveOrigin())
	}
	flag.Parse()
	os.Exit(m.Run())
}

// Bodies are small enough for several in a second.
var testSizes = sizes{requests: 2000, body: 16 << 20}

// BenchmarkSmallGet is one GET of 1 KiB from request to closed body.
func BenchmarkSmallGet(b *testing.B) { benchWorkloads(b, "small GET") }

// BenchmarkBodyDown is one GET of 16 MiB.
func BenchmarkBodyDown(b *testing.B) { benchWorkloads(b, "body down") }

// BenchmarkBodyUp is one POST of 16 MiB.
func BenchmarkBodyUp(b *testing.B) { benchWorkloads(b, "body up") }

// BenchmarkColdGet is one GET of 1 KiB over a new connection.
func BenchmarkColdGet(b *testing.B) { benchWorkloads(b, "cold GET") }

// BenchmarkColdResumed is the same with the TLS session of a connection before.
func BenchmarkColdResumed(b *testing.B) { benchWorkloads(b, "cold GET, resumed") }

func benchWorkloads(b *testing.B, name string) {
	origin := testOrigin(b)
	for _, w := range workloads(testSizes) {
		if w.name != name {
			continue
		}
		clients, err := contenders(w, origin)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range clients {
			b.Run(fmt.Sprintf("client=%s/proto=%s/conns=%d", strings.ReplaceAll(c.name, "/", "-"), w.proto, w.conns), func(b *testing.B) {
				b.ReportAllocs()
				if n := max(w.upload, w.download); n > smallSize {
					b.SetBytes(n)
				}
				benchClient(b, w, c, origin.urls[w.proto])
			})
			c.close()
		}
	}
}

func benchClient(b *testing.B, w workload, c contender, origin string) {
	if err := warm(b.Context(), w, c, origin); err != nil {
		b.Fatal(err)
	}
	address := w.addresses(origin)
	if w.conns == 1 {
		k := worker{buf: make([]byte, readSize)}
		for at := 0; b.Loop(); at++ {
			if err := w.do(b.Context(), c.rt, address(0, at), &k); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	// b.RunParallel would take a multiple of GOMAXPROCS; connections are not.
	var done atomic.Int64
	var group sync.WaitGroup
	workers := make([]worker, w.conns)
	for i := range workers {
		workers[i].buf = make([]byte, readSize)
	}
	b.ResetTimer()
	for i := range workers {
		group.Go(func() {
			for at := done.Add(1); at <= int64(b.N); at = done.Add(1) {
				if err := w.do(b.Context(), c.rt, address(i, int(at)), &workers[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func testOrigin(tb testing.TB) *origin {
	tb.Helper()
	o, err := startOrigin()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(o.stop)
	return o
}

// Each client does each workload, and the server saw it.
func TestRounds(t *testing.T) {
	origin := testOrigin(t)
	for _, w := range workloads(sizes{requests: 400, body: 3<<20 + 5}) {
		clients, err := contenders(w, origin)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			t.Run(w.String()+"/"+c.name, func(t *testing.T) {
				defer c.close()
				if err := warm(t.Context(), w, c, origin.urls[w.proto]); err != nil {
					t.Fatal(err)
				}
				s, err := origin.round(t.Context(), w, c)
				if err != nil {
					t.Fatal(err)
				}
				if s.wall <= 0 || s.allocs <= 0 || s.bytes <= 0 || s.p50 <= 0 || s.p99 < s.p50 {
					t.Errorf("got %+v, want every figure positive and p99 at least p50", s)
				}
				missing := w
				missing.path = "/nowhere"
				if _, err := missing.round(t.Context(), c.rt, origin.urls[w.proto], 1); err == nil {
					t.Error("a 404 passed for an answer")
				}
			})
		}
	}
}

// A client that answers from memory must not win.
func TestRoundFindsCache(t *testing.T) {
	origin := testOrigin(t)
	w := workloads(testSizes)[0]
	var kept *http.Response
	var body []byte
	c := contender{name: "cache", rt: roundTripper(func(req *http.Request) (*http.Response, error) {
		if kept == nil {
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			if body, err = io.ReadAll(resp.Body); err != nil {
				return nil, err
			}
			kept = resp
		}
		resp := *kept
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return &resp, nil
	})}
	_, err := origin.round(t.Context(), w, c)
	if want := fmt.Sprintf("the server answered 1 requests of %d", w.requests); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name    string
		w       workload
		resumed int
		did     tally
		ok      bool
	}{
		{name: "warm", did: tally{Requests: 10}, ok: true},
		{name: "from a cache", did: tally{Requests: 9}},
		{name: "asked twice", did: tally{Requests: 11}},
		{name: "cold", w: workload{cold: true}, did: tally{Requests: 10, Conns: 10}, ok: true},
		{name: "connection kept", w: workload{cold: true}, did: tally{Requests: 10, Conns: 9}},
		{name: "session kept", w: workload{cold: true}, resumed: 1, did: tally{Requests: 10, Conns: 10}},
		{name: "resumed", w: workload{cold: true, resume: true}, resumed: 10, did: tally{Requests: 10, Conns: 10}, ok: true},
		{name: "not resumed", w: workload{cold: true, resume: true}, resumed: 9, did: tally{Requests: 10, Conns: 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.w.requests = 10
			if err := tt.w.check(sample{resumed: tt.resumed}, tt.did); (err == nil) != tt.ok {
				t.Errorf("got error %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	all := target{cpu: 0.58, rate: 1.7, allocs: 12}
	tests := []struct {
		name              string
		t                 target
		cpu, rate, allocs float64
		want              string
	}{
		{"reached", all, 0.5, 2, 11, "CPU<=0.58 ok, req/s>=1.7 ok, allocs<=12 ok"},
		{"just reached", all, 0.584, 1.696, 12.04, "CPU<=0.58 ok, req/s>=1.7 ok, allocs<=12 ok"},
		{"missed", all, 0.586, 1.694, 12.06, "CPU<=0.58 miss, req/s>=1.7 miss, allocs<=12 miss"},
		{"no CPU time here", all, cpu(sample{}), 2, 11, "req/s>=1.7 ok, allocs<=12 ok"},
		{"no target", target{}, 9, 0.1, 100, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.t.verdict(tt.cpu, tt.rate, tt.allocs); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	r := results{
		clients: []string{netHTTP, kaon},
		rounds: map[string][]sample{
			netHTTP: {{wall: 2000, allocs: 40}, {wall: 4000, allocs: 40}, {wall: 8000, allocs: 40}},
			kaon:    {{wall: 1000, allocs: 10}, {wall: 1000, allocs: 10}, {wall: 6000, allocs: 10}},
		},
	}
	var out strings.Builder
	newTable(&out).add(workload{name: "work", proto: h1, conns: 2, want: target{rate: 2, allocs: 9}}, r)
	lines := strings.Split(out.String(), "\n")
	tests := []struct {
		line int
		want string
	}{
		{1, "work/proto=h1/conns=2 net/http 4.0µs 250000 - - 40.0 0.0 0ns 0ns"},
		{2, "kaon 1.0µs 1000000 - - 10.0 0.0 0ns 0ns"},
		{3, "ratio 0.50 2.00 - - 0.25 - - - req/s>=2 ok, allocs<=9 miss"},
	}
	for _, tt := range tests {
		if got := strings.Join(strings.Fields(lines[tt.line]), " "); got != tt.want {
			t.Errorf("line %d: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestColdStarts(t *testing.T) {
	took, err := coldStarts(t.Context(), testOrigin(t).urls[h1]+smallPath, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != len(starters) {
		t.Fatalf("got %d programs, want %d", len(took), len(starters))
	}
	for k, s := range starters {
		if len(took[k]) != 1 || took[k][0] <= 0 {
			t.Errorf("%s: got %v, want one time", s.name, took[k])
		}
	}
}

func TestPrintStarts(t *testing.T) {
	ms := time.Millisecond
	var out strings.Builder
	printStarts(&out, [][]time.Duration{{4 * ms, 5 * ms, 9 * ms}, {6 * ms, 7 * ms, 11 * ms}, {6 * ms, 7 * ms, 8 * ms}})
	want := []string{
		"",
		"cold start, to the first byte program time more want",
		"nethttp 5.00ms",
		"transport 7.00ms +2.00ms <=1ms miss",
		"session 7.00ms +2.00ms <=2.5ms ok",
	}
	for i, line := range strings.Split(strings.TrimRight(out.String(), "\n"), "\n") {
		if got := strings.Join(strings.Fields(line), " "); got != want[i] {
			t.Errorf("line %d: got %q, want %q", i, got, want[i])
		}
	}
}
