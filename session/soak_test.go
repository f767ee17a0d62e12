package session_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the soak; 0 takes one at random and prints it")

// TestSoak has callers do all that callers do, several hosts at once, over HTTP/1.1,
// over TLS and over HTTP/2, while requests are given up at every stage and servers
// reset streams and connections, say GOAWAY, stall and restart. Each request ends,
// well or with a code that says why. When it is over, and at two points before,
// nothing is left of it: no goroutine, no descriptor, no memory.
func TestSoak(t *testing.T) {
	const callers, phases = 24, 3
	const maxGrowth = 2 << 20 // of the heap, from the first third to the end
	nettest.CheckGoroutines(t)
	k := newSoak(t)
	k.calm() // what the session has for good, such as its network monitor, is there now
	k.ses.Client().CloseIdleConnections()
	goroutines, descriptors := runtime.NumGoroutine(), openFiles()
	var first uint64
	for phase := range phases {
		ctx, cancel := context.WithTimeout(t.Context(), lasting(9*time.Second)/phases)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() { k.call(ctx, k.rand(phase, i)) })
		}
		wg.Go(func() { k.disturb(ctx, k.rand(phase, callers)) })
		wg.Wait()
		cancel()

		k.calm()
		nettest.Eventually(t, "nobody is left", func() bool {
			k.ses.Client().CloseIdleConnections() // one that nobody waited for any more may have come late
			return runtime.NumGoroutine() <= goroutines
		})
		nettest.Eventually(t, "no descriptor is left", func() bool { return openFiles() <= descriptors })
		heap := heapInUse()
		t.Logf("phase %d: %d requests, heap of %d KiB, %d goroutines, %d descriptors",
			phase, k.requests.Load(), heap>>10, runtime.NumGoroutine(), openFiles())
		if phase == 0 {
			first = heap
		} else if heap > first+maxGrowth {
			t.Errorf("phase %d: the heap has grown from %d to %d KiB", phase, first>>10, heap>>10)
		}
	}
	k.report()
}

// A soak is what the callers share.
type soak struct {
	t     *testing.T
	seed  uint64
	ses   *session.Session
	hosts []*soakHost

	upcoming []disturbance // in disturb's hands

	requests atomic.Int64
	mu       sync.Mutex
	outcomes map[string]int // by kind of request or disturbance, and what came of it
}

func newSoak(t *testing.T) *soak {
	ca := nettest.NewCA()
	k := &soak{t: t, seed: *seedFlag, outcomes: map[string]int{}}
	if k.seed == 0 {
		k.seed = rand.Uint64()
	}
	t.Logf("-seed %d", k.seed)
	k.hosts = soakHosts(t, ca)
	cfg := trusting(ca)
	cfg.CacheSize = 1 << 20 // less than the heap may grow
	k.ses = newSession(t, cfg)
	return k
}

// rand returns the source of random numbers for one goroutine.
func (k *soak) rand(phase, i int) *rand.Rand {
	return rand.New(rand.NewPCG(k.seed, uint64(phase)<<32|uint64(i)))
}

func (k *soak) count(what, outcome string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.outcomes[what+": "+outcome]++
}

// call sends requests until ctx ends; the last one is not cut short by that.
func (k *soak) call(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil && !k.t.Failed() {
		h := k.hosts[rng.IntN(len(k.hosts))]
		kind := h.kinds[rng.IntN(len(h.kinds))]
		k.requests.Add(1)
		start := time.Now()
		err := k.one(h, kind, rng)
		outcome := "ok"
		if err != nil {
			outcome = neterr.CodeOf(err).Error()
		}
		k.count(kind, outcome)
		if err != nil && !k.expected(kind, neterr.CodeOf(err)) {
			k.t.Errorf("%s from %s, after %v: %v", kind, h.url, time.Since(start), err)
		}
	}
}

// disturbed are the codes of what servers do here to any request at any time.
var disturbed = []neterr.Code{
	neterr.ConnectionReset, neterr.ConnectionClosed, neterr.ConnectionRefused, neterr.ConnectionAborted,
	neterr.EmptyResponse, neterr.ContentLengthMismatch, neterr.IncompleteChunkedEncoding,
	neterr.HTTP2ProtocolError, neterr.HTTP2ServerRefusedStream,
}

// givenUp are the kinds of requests that their caller does not see through.
var givenUp = []string{"stall", "cancel", "cancel in body"}

func (k *soak) expected(kind string, code neterr.Code) bool {
	if slices.Contains(givenUp, kind) && (code == neterr.Aborted || code == neterr.TimedOut) {
		return true
	}
	return slices.Contains(disturbed, code)
}

// one makes one request of a kind. An answer that is not what it should be is an
// error without a code.
func (k *soak) one(h *soakHost, kind string, rng *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), never)
	defer cancel()
	n := soakSizes[rng.IntN(len(soakSizes))]
	path := h.path(kind, n)
	var body io.Reader
	length := int64(0)
	switch kind {
	case "echo":
		body, length = struct{ io.Reader }{bytes.NewReader(soakData[:n])}, int64(n)
		if rng.IntN(2) == 0 {
			length = -1
		}
	case "stall":
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, time.Duration(5+rng.IntN(50))*time.Millisecond)
		defer end()
	case "cancel":
		stop := time.AfterFunc(time.Duration(rng.IntN(3000))*time.Microsecond, cancel)
		defer stop.Stop()
	}
	resp, err := k.open(ctx, h.url+path, body, length, rng)
	if err != nil {
		return err
	}
	defer resp.Close()
	want := soakData[:n]
	switch kind {
	case "leave":
		return readPart(resp, want[:rng.IntN(n+1)])
	case "cancel in body":
		part := rng.IntN(n/2 + 1)
		if err := readPart(resp, want[:part]); err != nil {
			return err
		}
		cancel()
		want = want[part:] // which may be there already
	}
	got, err := io.ReadAll(resp)
	if err == nil && !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes came, want %d", len(got), n)
	}
	return err
}

func readPart(r io.Reader, want []byte) error {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the first %d bytes are others", len(want))
	}
	return nil
}

// open sends a request through one of the session's doors, and past the cache or not. With
// a body it is a POST.
func (k *soak) open(ctx context.Context, url string, body io.Reader, length int64, rng *rand.Rand) (io.ReadCloser, error) {
	method := "GET"
	if body != nil {
		method = "POST"
	}
	var flags exchange.LoadFlags
	if rng.IntN(2) == 0 {
		flags = exchange.DisableCache
	}
	if rng.IntN(2) == 0 {
		resp, err := k.ses.Fetch(ctx, url, &fetch.Init{Method: method, Body: body, ContentLength: length, LoadFlags: flags})
		if err != nil {
			return nil, err
		}
		return wantOK(resp.Body, resp.Status)
	}
	ctx = exchange.WithOptions(ctx, &exchange.Options{LoadFlags: flags})
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = length
	resp, err := k.ses.RoundTripper().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return wantOK(resp.Body, resp.StatusCode)
}

func wantOK(body io.ReadCloser, status int) (io.ReadCloser, error) {
	if status != http.StatusOK {
		body.Close()
		return nil, fmt.Errorf("status %d", status)
	}
	return body, nil
}

// disturb has one host after the other misbehave until ctx ends, each in every way it
// can before one does anything again.
func (k *soak) disturb(ctx context.Context, rng *rand.Rand) {
	for {
		pause := time.NewTimer(time.Duration(5+rng.IntN(50)) * time.Millisecond)
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		if len(k.upcoming) == 0 {
			for _, h := range k.hosts {
				k.upcoming = append(k.upcoming, h.disturbances...)
			}
			rng.Shuffle(len(k.upcoming), func(i, j int) { k.upcoming[i], k.upcoming[j] = k.upcoming[j], k.upcoming[i] })
		}
		d := k.upcoming[0]
		k.upcoming = k.upcoming[1:]
		if err := k.insist(d, rng); err != nil {
			k.t.Errorf("%s: %v", d.name, err)
			return
		}
		k.count("server", d.name)
	}
}

// insist does it again where it failed because, between end and start, a connection
// was given the server's port.
func (k *soak) insist(d disturbance, rng *rand.Rand) error {
	err := d.do(rng)
	for try := 0; err != nil && try < 10; try++ {
		k.ses.Client().CloseIdleConnections() // it may be an idle one of ours
		<-time.After(100 * time.Millisecond)
		err = d.do(rng)
	}
	return err
}

// calm checks that everybody is served when nobody is disturbed.
func (k *soak) calm() {
	rng := k.rand(0, 0)
	for _, h := range k.hosts {
		for range 10 {
			if err := k.one(h, "get", rng); err != nil {
				k.t.Errorf("%s, in calm: %v", h.url, err)
			}
		}
	}
}

// report checks that the soak was one: that everything happened.
func (k *soak) report() {
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(k.outcomes)) {
		lines = append(lines, fmt.Sprintf("%7d %s", k.outcomes[what], what))
	}
	k.t.Logf("%d requests:\n%s", k.requests.Load(), strings.Join(lines, "\n"))
	var want []string
	for _, h := range k.hosts {
		for _, d := range h.disturbances {
			want = append(want, "server: "+d.name)
		}
		for _, kind := range h.kinds {
			switch kind {
			case "stall":
				want = append(want, kind+": "+neterr.TimedOut.Error())
			case "cancel", "cancel in body":
				want = append(want, kind+": "+neterr.Aborted.Error())
			case "abort":
				want = append(want, kind+": "+neterr.HTTP2ProtocolError.Error())
			default:
				want = append(want, kind+": ok")
			}
		}
	}
	slices.Sort(want)
	for _, what := range slices.Compact(want) {
		if k.outcomes[what] == 0 {
			k.t.Errorf("never happened: %s", what)
		}
	}
}

// heapInUse is what is reachable, more or less.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // the first one only moves what pools hold
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// openFiles is the number of descriptors; 0 where the system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
