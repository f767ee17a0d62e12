package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressLine(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		name       string
		got, total int64
		elapsed    time.Duration
		width      int
		want       string
	}{
		{"no rate", 0, 8 * mib, time.Second, 80, "[.......................................]   0%  0 B of 8.0 MiB  0 B/s  days left"},
		{"half", 4 * mib, 8 * mib, 2 * time.Second, 80, "[################.................]  50%  4.0 MiB of 8.0 MiB  2.0 MiB/s  2s left"},
		{"all", 8 * mib, 8 * mib, time.Second, 80, "[#################################] 100%  8.0 MiB of 8.0 MiB  8.0 MiB/s  0s left"},
		{"wide", 4 * mib, 8 * mib, 2 * time.Second, 200, "[" + strings.Repeat("#", 20) + strings.Repeat(".", 20) + "]  50%  4.0 MiB of 8.0 MiB  2.0 MiB/s  2s left"},
		{"no room for a bar", 4 * mib, 8 * mib, 2 * time.Second, 50, " 50%  4.0 MiB of 8.0 MiB  2.0 MiB/s  2s left"},
		{"narrow", 4 * mib, 8 * mib, 2 * time.Second, 10, " 50%  4.0 "},
		{"no width", 4 * mib, 8 * mib, 2 * time.Second, -1, ""},
		{"unknown length", 1536, -1, time.Second, 80, "1.5 KiB  1.5 KiB/s"},
		{"more than said", 2048, 1024, time.Second, 80, "2.0 KiB  2.0 KiB/s"},
		{"absurd length", mib, math.MaxInt64, time.Second, 80, "[.........................]   0%  1.0 MiB of 8388608.0 TiB  1.0 MiB/s  days left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &progress{got: tt.got, total: tt.total}
			got := p.line(tt.elapsed, tt.width)
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if len(got) > max(tt.width, 0) {
				t.Errorf("got %d columns of %d", len(got), tt.width)
			}
		})
	}
}

// TestProgressDraws follows a download through time, 4 KiB a step.
func TestProgressDraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w bytes.Buffer
		p := &progress{w: &w, columns: func() int { return 40 }, total: -1, start: time.Now()}
		r := p.reader(strings.NewReader(strings.Repeat("x", 28<<10)))
		steps := []struct {
			after time.Duration
			want  string
		}{
			{0, ""},
			{progressAfter - 1, ""}, // still short
			{1, "\r12.0 KiB  24.0 KiB/s"},
			{progressEvery - 1, ""}, // too often
			{1, "\r20.0 KiB  33.3 KiB/s"},
			{time.Second, "\r24.0 KiB  15.0 KiB/s"},
			{time.Hour, "\r28.0 KiB  8 B/s     "}, // covers the rest of the longer line
		}
		buf := make([]byte, 4<<10)
		for _, s := range steps {
			time.Sleep(s.after) // synctest's clock
			w.Reset()
			if _, err := r.Read(buf); err != nil {
				t.Fatal(err)
			}
			if w.String() != s.want {
				t.Errorf("after %v: got %q, want %q", time.Since(p.start), w.String(), s.want)
			}
		}
		w.Reset()
		p.clear()
		if want := "\r" + strings.Repeat(" ", len("28.0 KiB  8 B/s")) + "\r"; w.String() != want {
			t.Errorf("clear: got %q, want %q", w.String(), want)
		}
		w.Reset()
		p.clear()
		if w.Len() > 0 {
			t.Errorf("clear again: got %q, want nothing", w.String())
		}
	})
}

func TestSize(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB",
		5 << 30: "5.0 GiB", 1 << 40: "1.0 TiB", 1 << 52: "4096.0 TiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%v): got %q, want %q", n, got, want)
		}
	}
}
