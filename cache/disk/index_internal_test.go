package disk

import (
	"math/rand/v2"
	"testing"
)

// TestIndex does anything to an index and to a map.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var x index
	want := make(map[uint64]slot)
	// Few parts of the table and few places in them, so that slots stand in each
	// other's way.
	hashes := make([]uint64, 2000)
	for i := range hashes {
		hashes[i] = r.Uint64() & (3<<62 | 0xff<<50)
		hashes[i] |= uint64(i)
	}
	for step := range 200_000 {
		hash := hashes[r.IntN(len(hashes))]
		s := slot{hash: hash, at: at(1+uint32(r.IntN(9)), uint32(step)), size: uint32(1 + r.IntN(1000)), id: uint32(step), blocks: uint32(r.IntN(3))}
		switch r.IntN(10) {
		case 0, 1, 2:
			x.set(s)
			want[hash] = s
		case 3:
			x.add(s)
			if _, ok := want[hash]; !ok {
				want[hash] = s
			}
		case 4, 5, 6:
			x.remove(hash)
			delete(want, hash)
		case 7:
			if old, ok := want[hash]; ok {
				x.move(hash, old.at, s.at, false)
				old.at = s.at
				want[hash] = old
			}
			x.move(hash, 1, s.at, false) // it is not there
		default:
			if got, ok := x.get(hash); ok != (want[hash] != slot{}) || got != want[hash] {
				t.Fatalf("step %d: got %+v, %v; want %+v", step, got, ok, want[hash])
			}
		}
		if step%20_000 == 0 {
			x.forget(3)
			for hash, s := range want {
				if s.at.segment() == 3 {
					delete(want, hash)
				}
			}
		}
	}
	if x.len() != len(want) || len(want) == 0 {
		t.Errorf("got %d entries, want %d", x.len(), len(want))
	}
	size := int64(0)
	for hash, s := range want {
		size += s.totalSize()
		if got, _ := x.get(hash); got != s {
			t.Errorf("got %+v, want %+v", got, s)
		}
	}
	if x.size() != size {
		t.Errorf("got a size of %d, want %d", x.size(), size)
	}
	x.reset()
	if x.len() != 0 || x.size() != 0 {
		t.Errorf("after reset: got %d entries of %d bytes", x.len(), x.size())
	}
}

func TestGraves(t *testing.T) {
	var x index
	s := slot{hash: 1, at: at(1, 40), size: 10}
	x.keepGraves()
	x.remove(1)
	x.add(s) // older than the grave
	if got, ok := x.get(1); ok {
		t.Errorf("got %+v out of a grave", got)
	}
	x.set(s) // newer
	if got, ok := x.get(1); !ok || got != s {
		t.Errorf("got %+v, %v; want %+v", got, ok, s)
	}
	x.remove(1)
	x.remove(2)
	x.fillGraves()
	if x.len() != 0 {
		t.Errorf("got %d slots, want none", x.len())
	}
	x.add(s)
	if _, ok := x.get(1); !ok {
		t.Error("nothing can be put where a grave was")
	}
}

func TestOrder(t *testing.T) {
	for _, score := range []uint64{0, 1, 7, 8, 9, 15, 16, 17, 1000, 123_456_789, 1 << 63, 1<<64 - 1} {
		o := order(score)
		if least := leastOf(o); least > score || order(least) != o {
			t.Errorf("%d is of order %d, which begins at %d", score, o, least)
		}
		if score > 0 && order(score-1) > o {
			t.Errorf("%d is of a higher order than %d", score-1, score)
		}
	}
	if o := order(1<<64 - 1); o >= 64<<3 {
		t.Errorf("the highest order is %d", o)
	}
}
