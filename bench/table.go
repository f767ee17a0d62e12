package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// columns are the figures of the table. NaN stands for what this system does not
// measure.
var columns = []struct {
	name   string
	of     func(sample) float64
	format func(float64) string
}{
	{"time", func(s sample) float64 { return float64(s.wall) }, duration},
	{"req/s", rate, func(f float64) string { return fmt.Sprintf("%.0f", f) }},
	{"CPU", cpu, duration},
	{"server", func(s sample) float64 { return measured(s.server) }, duration},
	{"allocs", allocs, count},
	{"bytes", func(s sample) float64 { return s.bytes }, count},
	{"p50", func(s sample) float64 { return float64(s.p50) }, duration},
	{"p99", func(s sample) float64 { return float64(s.p99) }, duration},
}

func rate(s sample) float64   { return float64(time.Second) / float64(s.wall) }
func allocs(s sample) float64 { return s.allocs }

func cpu(s sample) float64 { return measured(s.cpu) }

func measured(d time.Duration) float64 {
	if d == 0 {
		return math.NaN()
	}
	return float64(d)
}

// A table prints the results of each workload as they come in.
type table struct {
	w io.Writer
}

func newTable(w io.Writer) *table {
	t := &table{w}
	t.start("per request", "client")
	for _, c := range columns {
		t.cell(c.name)
	}
	fmt.Fprintln(t.w, "  want")
	return t
}

func (t *table) add(w workload, r results) {
	base := r.rounds[r.clients[0]]
	for i, client := range r.clients {
		name := ""
		if i == 0 {
			name = w.String()
		}
		rounds := r.rounds[client]
		t.start(name, client)
		for _, c := range columns {
			t.cell(c.format(median(figures(rounds, c.of))))
		}
		fmt.Fprintln(t.w)
		if i == 0 {
			continue
		}
		t.start("", "ratio")
		for _, c := range columns {
			f := ratio(rounds, base, c.of)
			if math.IsNaN(f) {
				t.cell("-")
				continue
			}
			t.cell(fmt.Sprintf("%.2f", f))
		}
		if v := w.want.verdict(ratio(rounds, base, cpu), ratio(rounds, base, rate), median(figures(rounds, allocs))); v != "" {
			fmt.Fprint(t.w, "  ", v)
		}
		fmt.Fprintln(t.w)
	}
	t.start("", "bench itself")
	for _, c := range columns {
		t.cell(c.format(c.of(r.own)))
	}
	fmt.Fprintln(t.w)
}

func (t *table) start(name, client string) { fmt.Fprintf(t.w, "%-41s %-12s", name, client) }
func (t *table) cell(s string)             { fmt.Fprintf(t.w, " %9s", s) }

func figures(rounds []sample, of func(sample) float64) []float64 {
	fs := make([]float64, len(rounds))
	for i, s := range rounds {
		fs[i] = of(s)
	}
	return fs
}

// ratio is the median of the ratios of rounds that ran one after the other.
func ratio(rounds, base []sample, of func(sample) float64) float64 {
	rs := make([]float64, len(rounds))
	for i := range rounds {
		rs[i] = of(rounds[i]) / of(base[i]) // 0/0 is NaN, too
	}
	return median(rs)
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func duration(ns float64) string {
	switch {
	case math.IsNaN(ns):
		return "-"
	case ns < 1e3:
		return fmt.Sprintf("%.0fns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.1fµs", ns/1e3)
	}
	return fmt.Sprintf("%.2fms", ns/1e6)
}

func count(f float64) string { return fmt.Sprintf("%.1f", f) }
