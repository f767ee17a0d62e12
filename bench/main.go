// Command bench measures Kaon as a whole against net/http, in one run and on real
// sockets: http.Transport.RoundTrip beside a session's RoundTripper, with the server
// in another process so that only the client's CPU is counted.
//
//	go run ./bench                        # the full table, some 10 minutes
//	go run ./bench -short                 # the same in seconds, for a first look
//	go run ./bench -run 'small.*conns=16' # some workloads only
//	go run ./bench -profile dir           # and where the CPU goes
//	go run ./bench -pin=false             # client and server share all processors
//	go run ./bench -spin=false            # the server sleeps between two requests
//
// Rounds of the two clients take turns, so that what the machine does meanwhile
// strikes both. Each figure is the median of its rounds; each ratio is the median
// of the rounds' own ratios, Kaon by net/http. Below one Kaon is the better, but for
// requests per second. Allocations and bytes are the clients' alone: what the
// benchmark itself takes for a request stands in a row of its own and is subtracted.
// Server is the server's CPU: where it comes near the time, the server is what limits
// both clients, and their CPU is what to compare.
// Want is what Kaon is to reach and whether this run shows it; it does not change the
// exit status.
//
// A server that sleeps takes its time to wake up, which with one request at a time is
// as long as all that either client does; so it stays awake there if it has a
// processor of its own. Its CPU is then the time, whatever it does.
//
// The run fails if the server did not answer each request once, as when a client gives
// out what is no-store, or if a client keeps a connection that should be new for each
// request.
//
// Net/http has no cache: the rows of hits compare package cache by itself with
// gregjones/httpcache, both around net/http, and fail if the server is asked for one.
// On disk, httpcache keeps a file for each response. The rows of storing compare two
// sessions, one of them without a cache, and fail if what it stored is not found.
//
// Net/http speaks no HTTP/3: the rows of h3 compare package net/h3 by itself with
// quic-go's http3.Transport, both on quic-go's QUIC.
//
// The last rows are not about requests: cold start is the time from starting a
// program to the first byte of its first response, for programs in coldstart that
// differ in what they import. Their build needs the go command and the module.
//
// The command stands on the highest floor and may import everything. The same
// workloads are standard benchmarks too: go test -bench . ./bench.
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
	bodyMiB, only := int64(0), ""
	flag.IntVar(&o.rounds, "rounds", 17, "rounds of each client")
	flag.IntVar(&o.requests, "n", 20000, "small requests in a round; fewer where each takes long")
	flag.Int64Var(&bodyMiB, "body", 256, "`MiB` of a big body")
	flag.IntVar(&o.starts, "starts", 101, "cold starts of each program")
	flag.BoolFunc("short", "3 rounds of a tenth of everything: put it before flags that change that", func(string) error {
		o.rounds, o.requests, bodyMiB, o.starts = 3, 2000, 16, 11
		return nil
	})
	flag.StringVar(&only, "run", "", "run the workloads whose name matches this regular `expression`")
	flag.StringVar(&o.profiles, "profile", "", "write CPU profiles of each workload and client to this `directory`")
	pinning := flag.Bool("pin", true, "give client and server a processor each, where the system can")
	spin := flag.Bool("spin", true, "let a server with a processor of its own stay awake for one request at a time")
	flag.Parse()
	if *pinning {
		if client, server, ok := cores(); ok {
			os.Unsetenv(spinEnv)
			if *spin {
				os.Setenv(spinEnv, "1")
			}
			os.Setenv(serverCoreEnv, strconv.Itoa(server))
			pin(client)
		}
	}
	var err error
	if o.only, err = regexp.Compile(only); err != nil {
		exit(fmt.Errorf("-run: %w", err))
	}
	o.body = bodyMiB << 20
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(bench(ctx, o))
}

type options struct {
	sizes
	rounds, starts int
	only           *regexp.Regexp
	profiles       string // a directory; empty: none
}

func bench(ctx context.Context, o options) error {
	if o.rounds < 1 || o.requests < 1 || o.body < 1 || o.starts < 1 {
		return fmt.Errorf("-rounds, -n, -body and -starts must be positive")
	}
	origin, err := startOrigin()
	if err != nil {
		return err
	}
	defer origin.stop()
	where := "processors shared with the server"
	if pinned() {
		where = "a processor of its own"
		if os.Getenv(spinEnv) != "" {
			where += ", server awake between requests"
		} else {
			where += ", server asleep between requests"
		}
	}
	fmt.Printf("%s %s/%s, client with GOMAXPROCS %d and %s; %d rounds of up to %d requests, bodies of %d MiB\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), where,
		o.rounds, o.requests, o.body>>20)

	out := newTable(os.Stdout)
	for _, w := range workloads(o.sizes) {
		if !o.only.MatchString(w.String()) {
			continue
		}
		r, err := compare(ctx, origin, w, o)
		if err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
		out.add(w, r)
	}
	if !o.only.MatchString(coldStart) {
		return nil
	}
	starts, err := coldStarts(ctx, origin.urls[h1]+smallPath, o.starts)
	if err != nil {
		return fmt.Errorf("%s: %w", coldStart, err)
	}
	printStarts(os.Stdout, starts)
	return nil
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
