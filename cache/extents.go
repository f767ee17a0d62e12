package cache

import "github.com/kaon-net/kaon/cache/store"

// The extents below are in order and do not touch each other, as entries have them.

// reach is how far the bytes from off on are there without a gap.
func reach(extents []store.Extent, off int64) int64 {
	for _, e := range extents {
		if e.Off <= off && off < e.End() {
			return e.End()
		}
	}
	return off
}

// gapEnd is where the gap at off ends, to at the latest.
func gapEnd(extents []store.Extent, off, to int64) int64 {
	for _, e := range extents {
		if e.Off > off {
			return min(e.Off, to)
		}
	}
	return to
}

func covered(extents []store.Extent, from, to int64) bool { return reach(extents, from) >= to }

// addExtent adds one that begins in a gap and ends no later than it.
func addExtent(extents []store.Extent, e store.Extent) []store.Extent {
	at := len(extents)
	for i := range extents {
		if extents[i].Off > e.Off {
			at = i
			break
		}
	}
	if at > 0 && extents[at-1].End() == e.Off {
		extents[at-1].Len += e.Len
		at--
	} else {
		extents = append(extents, store.Extent{})
		copy(extents[at+1:], extents[at:])
		extents[at] = e
	}
	if at+1 < len(extents) && extents[at].End() == extents[at+1].Off {
		extents[at].Len += extents[at+1].Len
		extents = append(extents[:at+1], extents[at+2:]...)
	}
	return extents
}
