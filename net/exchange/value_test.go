package exchange_test

import (
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
)

// TestIsFieldValue: every byte, alone and beside every other, at every place of a value
// that is longer than what is looked at together.
func TestIsFieldValue(t *testing.T) {
	check := func(b []byte) {
		s := string(b)
		if got, want := exchange.IsFieldValue(s), httpguts.ValidHeaderFieldValue(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
	for n := range 20 {
		for c := range 256 {
			for at := range n {
				b := []byte(strings.Repeat("x", n))
				b[at] = byte(c)
				check(b)
			}
		}
	}
	for c := range 256 {
		for d := range 256 {
			check([]byte{'x', 'x', byte(c), byte(d), 'x', 'x', 'x', 'x', 'x'})
		}
	}
}

// BenchmarkIsFieldValue is the longest value of a browser's usual request.
func BenchmarkIsFieldValue(b *testing.B) {
	const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	b.ReportAllocs()
	for b.Loop() {
		if !exchange.IsFieldValue(agent) {
			b.Fatal("refused")
		}
	}
}
