package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// results are the rounds of one workload, by client.
type results struct {
	clients []string // in the order of the table; ratios are to the first
	rounds  map[string][]sample
	own     sample // what the benchmark itself costs a request
}

// columns are the figures of the table.
var columns = []struct {
	name   string
	of     func(sample) float64
	format func(float64) string
}{
	{"time", func(s sample) float64 { return float64(s.wall) }, duration},
	{"CPU", func(s sample) float64 { return float64(s.cpu) }, duration},
	{"allocs", func(s sample) float64 { return s.allocs }, count},
	{"bytes", func(s sample) float64 { return s.bytes }, count},
	{"p50", func(s sample) float64 { return float64(s.p50) }, duration},
	{"p99", func(s sample) float64 { return float64(s.p99) }, duration},
}

// A table prints results as they come in and aligns them at the end.
type table struct {
	w *tabwriter.Writer
}

func newTable(w io.Writer) *table {
	t := &table{tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)}
	fmt.Fprint(t.w, "per request\tclient\t")
	for _, c := range columns {
		fmt.Fprintf(t.w, "%s\t", c.name)
	}
	fmt.Fprintln(t.w)
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
		fmt.Fprintf(t.w, "%s\t%s\t", name, client)
		for _, c := range columns {
			fmt.Fprintf(t.w, "%s\t", c.format(median(figures(rounds, c.of))))
		}
		fmt.Fprintln(t.w)
		if i == 0 {
			continue
		}
		fmt.Fprint(t.w, "\tratio\t")
		for _, c := range columns {
			fmt.Fprintf(t.w, "%s\t", ratio(figures(rounds, c.of), figures(base, c.of)))
		}
		fmt.Fprintln(t.w)
	}
	fmt.Fprint(t.w, "\tbench itself\t")
	for _, c := range columns {
		fmt.Fprintf(t.w, "%s\t", c.format(c.of(r.own)))
	}
	fmt.Fprintln(t.w)
}

func (t *table) flush() error { return t.w.Flush() }

func figures(rounds []sample, of func(sample) float64) []float64 {
	fs := make([]float64, len(rounds))
	for i, s := range rounds {
		fs[i] = of(s)
	}
	return fs
}

// ratio is the median of the ratios of rounds that ran one after the other. "-"
// stands for what this system does not measure.
func ratio(fs, base []float64) string {
	rs := make([]float64, len(fs))
	for i := range fs {
		if base[i] == 0 {
			return "-"
		}
		rs[i] = fs[i] / base[i]
	}
	return fmt.Sprintf("%.2f", median(rs))
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func duration(ns float64) string {
	d := time.Duration(ns)
	switch {
	case d == 0:
		return "-"
	case d < time.Microsecond:
		return d.String()
	case d < time.Millisecond:
		return fmt.Sprintf("%.1fµs", ns/1e3)
	}
	return fmt.Sprintf("%.2fms", ns/1e6)
}

func count(f float64) string { return fmt.Sprintf("%.1f", f) }
