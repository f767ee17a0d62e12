package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkCache is one hit, or one response stored, from request to closed body.
func BenchmarkCache(b *testing.B) {
	done := map[string]bool{}
	for _, w := range cacheWorkloads(testSizes) {
		if !done[w.name] {
			done[w.name] = true
			b.Run(w.name, func(b *testing.B) { benchWorkloads(b, w.name) })
		}
	}
}

// BenchmarkCacheScaling has 64 goroutines take their own entry each, on one processor and
// on two by turns: speedup is how much faster two are. Run it with no other load.
func BenchmarkCacheScaling(b *testing.B) {
	const procs = 2
	if runtime.NumCPU() < procs {
		b.Skip("one processor")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	origin := testOrigin(b)
	for _, w := range workloads(testSizes) {
		if w.cache == "" || w.conns != 64 {
			continue
		}
		w.requests *= 10
		clients, err := contenders(w, origin)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range clients {
			b.Run(w.cache+"/client="+strings.ReplaceAll(c.name, "/", "-"), func(b *testing.B) {
				if err := warm(b.Context(), w, c, origin.urls[w.proto]); err != nil {
					b.Fatal(err)
				}
				var took [procs][]time.Duration
				for b.Loop() {
					for n := range procs {
						runtime.GOMAXPROCS(n + 1)
						s, err := origin.round(b.Context(), w, c)
						if err != nil {
							b.Fatal(err)
						}
						took[n] = append(took[n], s.wall)
					}
				}
				first, last := median(took[0]), median(took[procs-1])
				b.ReportMetric(0, "ns/op") // of both, which says nothing
				b.ReportMetric(float64(first), "one-ns")
				b.ReportMetric(float64(last), "two-ns")
				b.ReportMetric(float64(first)/float64(last), "speedup")
			})
			c.close()
		}
	}
}

// A client without a cache must not pass for one with it, whether for hits or for what it
// is to store.
func TestRoundMissesCache(t *testing.T) {
	origin := testOrigin(t)
	tests := []struct {
		name   string
		urls   urls
		stores bool
		want   string // an error, in part
	}{
		{"hits", eachWorker, false, "the server answered 20 requests of 20, want a cache to answer all"},
		{"stores", eachRequest, true, "was not stored"},
		{"need not store", eachRequest, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ws := cacheWorkloads(sizes{requests: 40, body: 1})
			w := ws[slices.IndexFunc(ws, func(w workload) bool { return w.urls == tt.urls && w.download == smallSize })]
			w.requests = 20
			c := newNetHTTP(w, origin)
			defer c.close()
			c.stores = tt.stores
			_, err := origin.round(t.Context(), w, c)
			if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) && err != nil {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

// The session that the other rows measure has a cache, as programs' have.
func TestKaonHasCache(t *testing.T) {
	origin := testOrigin(t)
	w := workload{proto: h1, conns: 1, path: keptPath(smallSize), download: smallSize, requests: 2}
	c, err := newKaon(w, origin)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	_, err = origin.round(t.Context(), w, c)
	if want := "the server answered 1 requests of 2"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
