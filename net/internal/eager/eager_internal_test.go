package eager

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A patient is a peer that has something to read at the look with the number after.
// Each look takes it so long.
type patient struct {
	looks, after int
	each         time.Duration
}

func (p *patient) Readable() bool {
	p.looks++
	time.Sleep(p.each)
	return p.looks > p.after
}

const never = 1 << 30

func TestLookerLooks(t *testing.T) {
	tests := []struct {
		name      string
		l         Looker
		peer      patient
		looks     int
		skip, gap uint8
	}{
		{name: "far away", peer: patient{after: never}},
		{name: "there at once", l: Looker{Near: true}, looks: 1},
		{name: "there soon", l: Looker{Near: true, pause: 7}, peer: patient{after: 3, each: 2 * time.Microsecond}, looks: 4},
		{name: "too slow", l: Looker{Near: true}, peer: patient{after: never, each: 5 * time.Microsecond}, looks: 21, skip: 1, gap: 1},
		{name: "too slow again", l: Looker{Near: true, pause: 3}, peer: patient{after: never, each: 5 * time.Microsecond}, looks: 21, skip: 7, gap: 7},
		{name: "not alone", l: Looker{Near: true}, peer: patient{after: never, each: 11 * time.Microsecond}, looks: 1, skip: 1, gap: 1},
		{name: "no clock", l: Looker{Near: true}, peer: patient{after: never}, looks: maxLooks, skip: 1, gap: 1},
		{name: "let pass", l: Looker{Near: true, skip: 2, pause: 3}, skip: 1, gap: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.l.Await(&tt.peer)
				if tt.peer.looks != tt.looks || tt.l.skip != tt.skip || tt.l.pause != tt.gap {
					t.Errorf("got %d looks, skip %d, pause %d, want %d, %d, %d", tt.peer.looks, tt.l.skip, tt.l.pause, tt.looks, tt.skip, tt.gap)
				}
			})
		})
	}
}

// TestLookerIsNotAlone: while others wait it looks once and does not back off for it.
func TestLookerIsNotAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waiting atomic.Int32
		l := Looker{Near: true, Waiting: &waiting}
		peer := patient{after: 2}
		waiting.Store(2)
		if l.Await(&peer); peer.looks != 1 || l.skip != 0 {
			t.Errorf("beside another: got %d looks, skip %d, want 1 and 0", peer.looks, l.skip)
		}
		waiting.Store(1)
		if l.Await(&peer); peer.looks != 3 || l.skip != 0 {
			t.Errorf("alone: got %d looks, skip %d, want 3 and 0", peer.looks, l.skip)
		}
	})
}

// TestLookerBacksOff: a peer that is never quick is looked at ever more rarely, once in
// 256 exchanges in the end.
func TestLookerBacksOff(t *testing.T) {
	l, slow := Looker{Near: true}, patient{after: never}
	var at []int
	for i := range 1100 {
		before := slow.looks
		if l.Await(&slow); slow.looks > before {
			at = append(at, i)
		}
	}
	want := []int{0, 2, 6, 14, 30, 62, 126, 254, 510, 766, 1022}
	if len(at) != len(want) {
		t.Fatalf("got %v, want %v", at, want)
	}
	for i := range at {
		if at[i] != want[i] {
			t.Fatalf("got %v, want %v", at, want)
		}
	}
}
