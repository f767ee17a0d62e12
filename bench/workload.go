package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	smallSize = 100
	bigSize   = 64 << 20
	readSize  = 32 << 10 // as io.Copy's buffer
)

// A workload is one way to load the client: GETs of one resource, as many at a time
// as it has connections.
type workload struct {
	name  string
	proto string
	conns int // requests at a time; over HTTP/1.1 each has a connection
	big   bool
}

// The protocols, as the origin serves them at an address each.
const (
	h1    = "h1"
	h1TLS = "h1+tls"
	h2    = "h2"
)

func workloads() []workload {
	var ws []workload
	for _, proto := range []string{h1, h1TLS, h2} {
		conns := []int{1, 16, 64}
		if proto == h2 {
			conns = []int{1, 16, 100}
		}
		for _, n := range conns {
			ws = append(ws, workload{name: "small GET", proto: proto, conns: n})
		}
	}
	for _, proto := range []string{h1, h1TLS, h2} {
		ws = append(ws, workload{name: "64 MB body", proto: proto, conns: 1, big: true})
	}
	return ws
}

func (w workload) String() string {
	return w.name + "/proto=" + w.proto + "/conns=" + strconv.Itoa(w.conns)
}

func (w workload) path() string {
	if w.big {
		return "/big"
	}
	return "/small"
}

func (w workload) size() int64 {
	if w.big {
		return bigSize
	}
	return smallSize
}

// A sample is what one round cost: each request's share but for the percentiles.
type sample struct {
	wall, cpu     time.Duration
	allocs, bytes float64
	p50, p99      time.Duration
}

// round makes n requests and measures them. The clock runs while requests do and
// not while memory is counted.
func (w workload) round(ctx context.Context, rt http.RoundTripper, origin string, n int) (sample, error) {
	url := origin + w.path()
	workers := min(w.conns, n)
	latencies := make([]time.Duration, n)
	errs := make([]error, workers)
	bufs := make([]byte, workers*readSize)
	work := func(i int) {
		buf := bufs[i*readSize:][:readSize]
		for at := i; at < n; at += workers {
			start := time.Now()
			if errs[i] = get(ctx, rt, url, w.size(), buf); errs[i] != nil {
				return
			}
			latencies[at] = time.Since(start)
		}
	}

	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	if workers == 1 {
		work(0)
	} else {
		var group sync.WaitGroup
		for i := range workers {
			group.Go(func() { work(i) })
		}
		group.Wait()
	}
	wall := time.Since(start)
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)

	for _, err := range errs {
		if err != nil {
			return sample{}, err
		}
	}
	slices.Sort(latencies)
	return sample{
		wall:   wall / time.Duration(n),
		cpu:    cpu / time.Duration(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
		p50:    latencies[n/2],
		p99:    latencies[n*99/100],
	}, nil
}

// get does what a program does for one request, and checks that it was answered:
// a client that drops bodies must not win.
func get(ctx context.Context, rt http.RoundTripper, url string, want int64, buf []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	var got int64
	for err == nil {
		var n int
		n, err = resp.Body.Read(buf)
		got += int64(n)
	}
	if closeErr := resp.Body.Close(); err == io.EOF {
		err = closeErr
	}
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || got != want:
		return fmt.Errorf("%s: got status %d and %d bytes, want 200 and %d", url, resp.StatusCode, got, want)
	}
	return nil
}
