package tls

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
)

// A script is a connection that notes what each write brings, and fails some.
type script struct {
	net.Conn
	writes []int
	all    bytes.Buffer
	fail   int // which write fails, from 1; 0 is none
}

var errScript = errors.New("script")

func (s *script) Write(p []byte) (int, error) {
	s.writes = append(s.writes, len(p))
	if len(s.writes) == s.fail {
		return 0, errScript
	}
	s.all.Write(p)
	return len(p), nil
}

func record(typ byte, n int) []byte { return append([]byte{typ}, make([]byte, n-1)...) }

func TestWire(t *testing.T) {
	const full = 5 + maxRecord + 17
	type step struct {
		gather int // bytes of plaintext, 0 if it is a write
		typ    byte
		n      int
	}
	data, small, handshake := step{0, 23, full}, step{0, 23, 100}, step{0, 22, 200}
	tests := []struct {
		name  string
		steps []step
		fail  int
		want  []int // the writes below
		lost  int
	}{
		{name: "alone", steps: []step{data, small, handshake}, want: []int{full, 100, 200}},
		{name: "one record", steps: []step{{gather: 10}, small}, want: []int{100}},
		{name: "two", steps: []step{{gather: maxRecord + 1}, data, small}, want: []int{full + 100}},
		{name: "four", steps: []step{{gather: 4 * maxRecord}, data, data, data, data}, want: []int{4 * full}},
		{name: "five", steps: []step{{gather: 5 * maxRecord}, data, data, data, data, data}, want: []int{4 * full, full}},
		{
			name:  "the largest records",
			steps: []step{{gather: 4 * maxRecord}, {0, 23, maxCoded}, {0, 23, maxCoded}, {0, 23, maxCoded}, {0, 23, maxCoded}},
			want:  []int{4 * maxCoded},
		},
		{name: "an alert of TLS 1.3 first", steps: []step{{gather: 3 * maxRecord}, small, data, data, data}, want: []int{100 + 2*full, full}},
		{name: "a handshake first", steps: []step{{gather: 3 * maxRecord}, handshake, data, data, data}, want: []int{200, 3 * full}},
		{name: "a handshake between", steps: []step{{gather: 3 * maxRecord}, data, handshake, data, data}, want: []int{full + 200, 2 * full}},
		{name: "fewer records than expected", steps: []step{{gather: 3 * maxRecord}, data}, want: []int{full}},
		{name: "none", steps: []step{{gather: 3 * maxRecord}}},
		{name: "first write fails", steps: []step{{gather: 8 * maxRecord}, data, data, data, data}, fail: 1, want: []int{4 * full}, lost: 3},
		{name: "second write fails", steps: []step{{gather: 6 * maxRecord}, data, data, data, data, data, data}, fail: 2, want: []int{4 * full, 2 * full}, lost: 1},
		{name: "the rest fails", steps: []step{{gather: 3 * maxRecord}, data, data}, fail: 1, want: []int{2 * full}, lost: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			below := &script{fail: tt.fail}
			w := newWire(below)
			var want bytes.Buffer
			for _, s := range tt.steps {
				if s.gather > 0 {
					w.gather(s.gather)
					continue
				}
				p := record(s.typ, s.n)
				n, err := w.Write(p)
				switch {
				case err != nil && (n != 0 || tt.fail == 0):
					t.Fatalf("Write: %d, %v", n, err)
				case err == nil && n != len(p):
					t.Fatalf("Write: %d of %d", n, len(p))
				}
				want.Write(p)
			}
			lost := w.finish()
			if !slices.Equal(below.writes, tt.want) || lost != tt.lost {
				t.Errorf("got writes %v, %d lost; want %v, %d", below.writes, lost, tt.want, tt.lost)
			}
			if tt.fail == 0 && !bytes.Equal(below.all.Bytes(), want.Bytes()) {
				t.Error("the bytes are not those that were written, or not in their order")
			}
			if w.finish() != 0 || w.out != nil || w.due != 0 {
				t.Error("something is left")
			}
		})
	}
}
