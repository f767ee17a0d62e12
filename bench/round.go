package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"
)

const readSize = 32 << 10 // as io.Copy's buffer

// A sample is what one round cost: each request's share but for the percentiles.
type sample struct {
	wall, cpu     time.Duration
	server        time.Duration // the server's CPU
	allocs, bytes float64
	p50, p99      time.Duration
	resumed       int    // how many responses came over a resumed TLS session
	last          string // a URL that was asked for at the end
}

// round makes n requests and measures them. The clock runs while requests do and
// not while memory is counted.
func (w *workload) round(ctx context.Context, rt http.RoundTripper, origin string, n int) (sample, error) {
	address := w.addresses(origin)
	latencies := make([]time.Duration, n)
	workers := make([]worker, min(w.conns, n))
	for i := range workers {
		workers[i].buf = make([]byte, readSize)
	}
	work := func(k *worker, first int) {
		for at := first; at < n; at += len(workers) {
			start := time.Now()
			if k.err = w.do(ctx, rt, address(first, at), k); k.err != nil {
				return
			}
			latencies[at] = time.Since(start)
		}
	}

	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	if len(workers) == 1 {
		work(&workers[0], 0)
	} else {
		var group sync.WaitGroup
		for i := range workers {
			group.Go(func() { work(&workers[i], i) })
		}
		group.Wait()
	}
	wall := time.Since(start)
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)

	slices.Sort(latencies)
	s := sample{
		wall:   wall / time.Duration(n),
		cpu:    cpu / time.Duration(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
		p50:    latencies[n/2],
		p99:    latencies[n*99/100],
		last:   address((n-1)%len(workers), n-1),
	}
	for i := range workers {
		if workers[i].err != nil {
			return sample{}, workers[i].err
		}
		s.resumed += workers[i].resumed
	}
	return s, nil
}

// A worker makes one request after the other.
type worker struct {
	url     string
	req     *http.Request // for url
	buf     []byte
	resumed int
	err     error
}

// request returns what asks for url. It is built once for as long as the URL is the
// same: what that costs is net/http's for every client, and would be in each one's share.
func (k *worker) request(ctx context.Context, w *workload, url string) (*http.Request, error) {
	if k.req == nil || k.url != url {
		req, err := http.NewRequestWithContext(ctx, w.method(), url, nil)
		if err != nil {
			return nil, err
		}
		k.url, k.req = url, req
	}
	if w.upload > 0 {
		k.req.Body, k.req.ContentLength = &canned{left: w.upload}, w.upload
	}
	return k.req, nil
}

// do does what a program does for one request, and checks that it was answered: a
// client that drops bodies must not win.
func (w *workload) do(ctx context.Context, rt http.RoundTripper, url string, k *worker) error {
	req, err := k.request(ctx, w, url)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	var got tallied
	_, err = io.CopyBuffer(&got, resp.Body, k.buf)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || int64(got) != w.download {
		return fmt.Errorf("%s: got status %d and %d bytes, want 200 and %d", url, resp.StatusCode, got, w.download)
	}
	if resp.TLS != nil && resp.TLS.DidResume {
		k.resumed++
	}
	return nil
}

// Tallied is how many bytes were written. It takes them from a body as a file or a
// connection would, in whatever pieces they come: it is no io.ReaderFrom.
type tallied int64

func (t *tallied) Write(p []byte) (int, error) {
	*t += tallied(len(p))
	return len(p), nil
}

// A canned body is so many zero bytes.
type canned struct{ left int64 }

func (b *canned) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), b.left)
	clear(p[:n])
	b.left -= n
	return int(n), nil
}

func (b *canned) Close() error { return nil }
