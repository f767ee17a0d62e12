package main

import (
	"fmt"
	"math"
	"strings"
)

// A target is what Kaon wants to reach in a workload; zero is no target.
type target struct {
	cpu    float64 // of the client, at most so much of the first client's
	rate   float64 // requests per second, at least so much of the first client's
	allocs float64 // per request, at most
}

func (w workload) target() target {
	switch {
	case w.cache != "" && w.urls == eachRequest:
		return target{cpu: 1.15}
	case w.cache != "" && w.download > smallSize:
		return target{rate: 2}
	case w.cache == inMemory:
		return target{cpu: 0.4, allocs: 10}
	case w.cache == onDisk:
		return target{cpu: 0.6, allocs: 10}
	case w.proto == h3Proto && w.path == smallPath:
		return target{cpu: 0.9, rate: 1.15, allocs: 51} // 0.6 of quic-go's 85
	case w.proto == h3Proto:
		return target{cpu: 1, rate: 1}
	case w.cold && w.proto != h1 && !w.resume:
		return target{cpu: 1.25, rate: 0.95} // 1.05 of the time
	case w.cold:
		// A resumed handshake is to be held against a full one of crypto/tls's, which
		// the benchmarks of package tls do.
		return target{}
	case w.upload > 0 && w.proto == h2:
		return target{cpu: 0.9, rate: 1}
	case w.path != smallPath && w.proto == h2:
		return target{cpu: 0.88, rate: 1}
	case w.path != smallPath:
		return target{cpu: 1, rate: 1}
	}
	switch {
	case w.proto == h2 && w.conns >= 100:
		return target{cpu: 0.25, rate: 4, allocs: 10}
	case w.proto == h2 && w.conns >= 16:
		return target{cpu: 0.45, rate: 2, allocs: 10}
	case w.proto == h2:
		return target{cpu: 0.8, rate: 1.2, allocs: 10}
	case w.conns == 1:
		return target{cpu: 0.88, rate: 1.15, allocs: 12}
	case w.proto == h1TLS:
		return target{cpu: 0.65, rate: 1.55, allocs: 12}
	}
	return target{cpu: 0.58, rate: 1.7, allocs: 12}
}

// verdict is what t wants and whether the figures reach it. They are judged as the
// table shows them; NaN is not measured and not judged.
func (t target) verdict(cpu, rate, allocs float64) string {
	var said []string
	say := func(name, relation string, want, got, unit float64) {
		if want == 0 || math.IsNaN(got) {
			return
		}
		word := "miss"
		if got = math.Round(got/unit) * unit; got == want || got < want == (relation == "<=") {
			word = "ok"
		}
		said = append(said, fmt.Sprintf("%s%s%g %s", name, relation, want, word))
	}
	say("CPU", "<=", t.cpu, cpu, 0.01)
	say("req/s", ">=", t.rate, rate, 0.01)
	say("allocs", "<=", t.allocs, allocs, 0.1)
	return strings.Join(said, ", ")
}
