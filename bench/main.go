// Command bench measures Kaon as a whole against net/http, in one run and on real
// sockets: http.Transport.RoundTrip beside a session's RoundTripper, with the server
// in another process so that only the client's CPU is counted.
//
//	go run ./bench                      # the full table, some minutes
//	go run ./bench -short               # the same in seconds, for a first look
//	go run ./bench -run conns=16        # some workloads only
//	go run ./bench -pin=false           # client and server share all processors
//
// Rounds of the two clients take turns, so that what the machine does meanwhile
// strikes both. Each figure is the median of its rounds; each ratio is the median
// of the rounds' own ratios, Kaon by net/http, and below one Kaon is the better.
//
// It stands on the highest floor and may import everything. The same workloads are
// standard benchmarks too: go test -bench . ./bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
)

func main() {
	if isOrigin() {
		exit(serveOrigin())
	}
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 9, "rounds of each client")
	flag.IntVar(&o.requests, "n", 20000, "small requests in a round")
	flag.IntVar(&o.downloads, "downloads", 8, "64 MiB downloads in a round")
	short := flag.Bool("short", false, "3 rounds of a tenth of the requests")
	only := flag.String("run", "", "run the workloads whose name matches this regular `expression`")
	pinning := flag.Bool("pin", true, "give client and server a processor each, where the system can")
	flag.Parse()
	if *pinning {
		if client, server, ok := cores(); ok {
			os.Setenv(serverCoreEnv, strconv.Itoa(server))
			pin(client)
		}
	}
	if *short {
		o.rounds, o.requests, o.downloads = 3, max(1, o.requests/10), max(1, o.downloads/4)
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		exit(fmt.Errorf("-run: %w", err))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(bench(ctx, o))
}

type options struct {
	rounds, requests, downloads int
	only                        *regexp.Regexp
}

func bench(ctx context.Context, o options) error {
	if o.rounds < 1 || o.requests < 1 || o.downloads < 1 {
		return fmt.Errorf("-rounds, -n and -downloads must be positive")
	}
	origin, err := startOrigin()
	if err != nil {
		return err
	}
	defer origin.stop()
	where := "processors shared with the server"
	if pinned() {
		where = "a processor of its own"
	}
	fmt.Printf("%s %s/%s, client with GOMAXPROCS %d and %s; %d rounds of %d requests or %d downloads\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), where,
		o.rounds, o.requests, o.downloads)

	out := newTable(os.Stdout)
	for _, w := range workloads() {
		if !o.only.MatchString(w.String()) {
			continue
		}
		r, err := compare(ctx, origin, w, o)
		if err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
		out.add(w, r)
	}
	return out.flush()
}

// compare runs the rounds of one workload, the clients taking turns.
func compare(ctx context.Context, org *origin, w workload, o options) (results, error) {
	n := o.requests
	if w.big {
		n = o.downloads
	}
	clients, err := contenders(w, org)
	origin := org.urls[w.proto]
	if err != nil {
		return results{}, err
	}
	r := results{rounds: make(map[string][]sample)}
	for _, c := range clients {
		defer c.close()
		r.clients = append(r.clients, c.name)
		// The connections are made, and the heap has its size, before anything counts.
		// The first request goes alone, to learn the protocol.
		if _, err := w.round(ctx, c.rt, origin, 1); err != nil {
			return results{}, fmt.Errorf("%s: %w", c.name, err)
		}
		if _, err := w.round(ctx, c.rt, origin, max(w.conns, n/10)); err != nil {
			return results{}, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for range o.rounds {
		for _, c := range clients {
			s, err := w.round(ctx, c.rt, origin, n)
			if err != nil {
				return results{}, fmt.Errorf("%s: %w", c.name, err)
			}
			r.rounds[c.name] = append(r.rounds[c.name], s)
		}
	}
	own, err := w.round(ctx, cannedTransport(w.size()), origin, max(100, n/10))
	r.own = own
	return r, err
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
