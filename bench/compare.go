package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"
)

// results are the rounds of one workload, by client.
type results struct {
	clients []string // in the order of the table; ratios are to the first
	rounds  map[string][]sample
	own     sample // what the benchmark itself costs a request; not in rounds' allocs and bytes
}

// compare runs the rounds of one workload, the clients taking turns.
func compare(ctx context.Context, org *origin, w workload, o options) (results, error) {
	clients, err := contenders(w, org)
	if err != nil {
		return results{}, err
	}
	for _, c := range clients {
		defer c.close()
	}
	r := results{rounds: make(map[string][]sample)}
	if r.own, err = own(ctx, w); err != nil {
		return results{}, err
	}
	for _, c := range clients {
		r.clients = append(r.clients, c.name)
		if err := warm(ctx, w, c, org.urls[w.proto]); err != nil {
			return results{}, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for range o.rounds {
		for _, c := range clients {
			s, err := org.round(ctx, w, c)
			if err != nil {
				return results{}, fmt.Errorf("%s: %w", c.name, err)
			}
			s.allocs = max(0, s.allocs-r.own.allocs)
			s.bytes = max(0, s.bytes-r.own.bytes)
			r.rounds[c.name] = append(r.rounds[c.name], s)
		}
	}
	if o.profiles == "" {
		return r, nil
	}
	for _, c := range clients {
		if err := profile(ctx, org, w, c, o); err != nil {
			return results{}, fmt.Errorf("%s: profile: %w", c.name, err)
		}
	}
	return r, nil
}

// warm makes the connections and gives the heap its size before anything counts. The
// first request goes alone, to learn the protocol.
func warm(ctx context.Context, w workload, c contender, url string) error {
	for _, n := range []int{1, max(w.conns, w.requests/10)} {
		if _, err := w.round(ctx, c.rt, url, n); err != nil {
			return err
		}
	}
	return nil
}

// round runs a round of w and fails if the server has not seen what the client did.
func (o *origin) round(ctx context.Context, w workload, c contender) (sample, error) {
	before, err := o.tally()
	if err != nil {
		return sample{}, err
	}
	s, err := w.round(ctx, c.rt, o.urls[w.proto], w.requests)
	if err != nil {
		return sample{}, err
	}
	after, err := o.tally()
	if err != nil {
		return sample{}, err
	}
	did := after.since(before)
	s.server = did.CPU / time.Duration(w.requests)
	if err := w.check(s, did); err != nil || !c.stores {
		return s, err
	}
	return s, o.find(ctx, w, c, s.last)
}

// find fails if a client has to ask the server for what it has just stored.
func (o *origin) find(ctx context.Context, w workload, c contender, url string) error {
	before, err := o.tally()
	if err != nil {
		return err
	}
	if err := w.do(ctx, c.rt, url, &worker{buf: make([]byte, readSize)}); err != nil {
		return err
	}
	after, err := o.tally()
	if err != nil {
		return err
	}
	if n := after.since(before).Requests; n != 0 {
		return fmt.Errorf("%s was not stored", url)
	}
	return nil
}

func own(ctx context.Context, w workload) (sample, error) {
	w.conns, w.download = 1, smallSize
	return w.round(ctx, noNetwork(w.download), "http://127.0.0.1", 1000)
}

// profile runs the rounds of one client once more, so that profiling does not show in
// the table.
func profile(ctx context.Context, org *origin, w workload, c contender, o options) error {
	name := strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(w.String() + "/" + c.name)
	if err := os.MkdirAll(o.profiles, 0o777); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(o.profiles, name+".pprof"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for range o.rounds {
		if _, err := org.round(ctx, w, c); err != nil {
			return err
		}
	}
	return nil
}
