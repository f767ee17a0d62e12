package cache

import (
	"testing"

	"github.com/kaon-net/kaon/cache/store"
)

// TestVariantsInTable: those of one URL are found, leave and are doomed each for itself or
// together, whatever the order.
func TestVariantsInTable(t *testing.T) {
	const url, other = "https://a.test/", "https://b.test/"
	tb := newTable()
	hash := tb.hash(url)
	begin := func(variant uint64) *active {
		t.Helper()
		own := &active{}
		if begun, _ := tb.begin(own, &store.Key{URL: url, Variant: variant}, hash, tb.generation(hash), false); !begun {
			t.Fatalf("variant %d: somebody is at it", variant)
		}
		return own
	}
	taken := func(variant uint64) *active {
		a := &active{}
		begun, other := tb.begin(a, &store.Key{URL: url, Variant: variant}, hash, tb.generation(hash), false)
		if begun {
			tb.end(a, again)
		}
		return other
	}
	actives := []*active{begin(0), begin(1), begin(2), begin(3)}
	for _, gone := range []int{2, 0, 3} { // from the middle, the end and the begin of the list
		tb.end(actives[gone], again)
		actives[gone] = nil
		for i, a := range actives {
			if got := taken(uint64(i)); got != a {
				t.Errorf("without %d: variant %d: got %p, want %p", gone, i, got, a)
			}
		}
	}
	second := begin(2)
	tb.doomURL(&store.Key{URL: other})
	if actives[1].doomed.Load() || second.doomed.Load() {
		t.Error("another URL doomed them")
	}
	tb.doomURL(&store.Key{URL: url, Variant: 7})
	if !actives[1].doomed.Load() || !second.doomed.Load() || taken(1) != nil || taken(2) != nil {
		t.Error("they are not doomed, or still found")
	}
}
