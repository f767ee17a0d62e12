package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The test binary, too, is its own origin.
func TestMain(m *testing.M) {
	if isOrigin() {
		exit(serveOrigin())
	}
	flag.Parse()
	os.Exit(m.Run())
}

// BenchmarkSmallGet is one GET of 100 bytes from request to closed body.
func BenchmarkSmallGet(b *testing.B) {
	for _, w := range workloads() {
		if !w.big {
			benchClients(b, w)
		}
	}
}

// BenchmarkDownload is one GET of 64 MiB.
func BenchmarkDownload(b *testing.B) {
	for _, w := range workloads() {
		if w.big {
			benchClients(b, w)
		}
	}
}

func benchClients(b *testing.B, w workload) {
	origin, err := startOrigin()
	if err != nil {
		b.Fatal(err)
	}
	defer origin.stop()
	clients, err := contenders(w, origin)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range clients {
		b.Run(fmt.Sprintf("client=%s/proto=%s/conns=%d", strings.ReplaceAll(c.name, "/", "-"), w.proto, w.conns), func(b *testing.B) {
			b.ReportAllocs()
			if w.big {
				b.SetBytes(w.size())
			}
			benchClient(b, w, c, origin.urls[w.proto])
		})
		c.close()
	}
}

func benchClient(b *testing.B, w workload, c contender, origin string) {
	for _, n := range []int{1, w.conns} { // the first request learns the protocol
		if _, err := w.round(b.Context(), c.rt, origin, n); err != nil {
			b.Fatal(err) // the connections are made before the clock starts
		}
	}
	url := origin + w.path()
	if w.conns == 1 {
		buf := make([]byte, readSize)
		for b.Loop() {
			if err := get(b.Context(), c.rt, url, w.size(), buf); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	// b.RunParallel would take a multiple of GOMAXPROCS; connections are not.
	var done atomic.Int64
	var group sync.WaitGroup
	bufs := make([]byte, w.conns*readSize)
	b.ResetTimer()
	for i := range w.conns {
		group.Go(func() {
			buf := bufs[i*readSize:][:readSize]
			for done.Add(1) <= int64(b.N) {
				if err := get(b.Context(), c.rt, url, w.size(), buf); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestRoundMeasures(t *testing.T) {
	origin, err := startOrigin()
	if err != nil {
		t.Fatal(err)
	}
	defer origin.stop()
	for _, proto := range []string{h1, h1TLS, h2} {
		w := workload{proto: proto, conns: 4}
		clients, err := contenders(w, origin)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			t.Run(proto+"/"+c.name, func(t *testing.T) {
				defer c.close()
				s, err := w.round(t.Context(), c.rt, origin.urls[proto], 50)
				if err != nil {
					t.Fatal(err)
				}
				if s.wall <= 0 || s.allocs <= 0 || s.bytes <= 0 || s.p50 <= 0 || s.p99 < s.p50 {
					t.Errorf("got %+v, want every figure positive and p99 at least p50", s)
				}
				if _, err := w.round(t.Context(), c.rt, origin.urls[proto]+"/nowhere", 1); err == nil {
					t.Error("a 404 passed for an answer")
				}
			})
		}
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
	table := newTable(&out)
	table.add(workload{name: "work", proto: h1, conns: 2}, r)
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	tests := []struct {
		line int
		want string
	}{
		{1, "work/proto=h1/conns=2 net/http 4.0µs - 40.0 0.0 - -"},
		{2, "kaon 1.0µs - 10.0 0.0 - -"},
		{3, "ratio 0.50 - 0.25 - - -"},
	}
	for _, tt := range tests {
		if got := strings.Join(strings.Fields(lines[tt.line]), " "); got != tt.want {
			t.Errorf("line %d: got %q, want %q", tt.line, got, tt.want)
		}
	}
}
